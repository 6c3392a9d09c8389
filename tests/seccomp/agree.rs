//! Both filters say the same to every call, but for calls newer than the profile.

use std::collections::BTreeMap;

use oci_spec::runtime::{Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSyscall};
use onggi::seccomp::{Instruction, compile};
use serde_json::json;

use super::eval::{Call, run};
use super::oracle;
use super::profiles::{self, ARCHS, Random};
use super::reading;

/// Generated calls per engine profile, and over all random ones.
const CALLS: usize = 60_000;

/// `SECCOMP_RET_ERRNO` with ENOSYS.
const NO_SUCH_CALL: u32 = 0x0005_0026;
const X32_BIT: u32 = 0x4000_0000;
/// An architecture that is in no profile: `AUDIT_ARCH_MIPS`.
const FOREIGN: u32 = 8;

/// `AUDIT_ARCH_*` of an architecture; x32 shares that of `x86_64`.
fn audit(arch: Arch) -> u32 {
    if arch == Arch::ScmpArchX32 { Arch::ScmpArchX86_64 as u32 } else { arch as u32 }
}

fn native() -> Arch {
    if cfg!(target_arch = "aarch64") { Arch::ScmpArchAarch64 } else { Arch::ScmpArchX86_64 }
}

/// A profile compiled both ways, and what a test must know of it to ask well.
struct Compared {
    ours: Vec<Instruction>,
    theirs: Vec<Instruction>,
    /// The numbers that the profile names, per architecture; x32's with their bit.
    named: Vec<(Arch, Vec<u32>)>,
    /// The default verdict, if it is an errno.
    errno: Option<u32>,
    values: Vec<u64>,
}

impl Compared {
    fn new(profile: &LinuxSeccomp) -> Self {
        Self { theirs: oracle::compile(profile, oracle::PLAIN), ..Self::ours(profile) }
    }

    /// Without libseccomp's filter, for whose making some profiles take it minutes.
    fn ours(profile: &LinuxSeccomp) -> Self {
        let filter = compile(profile)
            .unwrap_or_else(|problems| panic!("{problems:?}\n{}", serde_json::to_string(profile).unwrap()));
        let rules = || profile.syscalls().iter().flatten();
        let args = || rules().flat_map(|rule| rule.args().iter().flatten());
        let values = args().flat_map(|arg| [arg.value(), arg.value_two().unwrap_or(0)]).collect();
        let default = profile.default_action().as_u32(profile.default_errno_ret());
        let errno = (profile.default_action() == LinuxSeccompAction::ScmpActErrno).then_some(default);
        Self { ours: filter.program, theirs: Vec::new(), named: named(profile), errno, values }
    }

    /// Asks both about one call.
    fn check(&self, call: &Call, about: &str) {
        let (ours, theirs) = (run(&self.ours, call), run(&self.theirs, call));
        if self.is_newer(call) {
            assert_eq!((ours, theirs), (NO_SUCH_CALL, self.errno.unwrap()), "newer {call:x?}: {about}");
        } else {
            assert_eq!(ours, theirs, "ours {ours:#x}, libseccomp's {theirs:#x} to {call:x?}: {about}");
        }
    }

    /// The call lies above all those that the profile names, and the default is an errno.
    fn is_newer(&self, call: &Call) -> bool {
        let x32 = call.arch == Arch::ScmpArchX86_64 as u32 && call.number >= X32_BIT;
        let listed = |arch: Arch| self.named.iter().find(|known| known.0 == arch);
        // -1 is no x32 call where x32 is not listed.
        let of_x32 = x32 && (call.number != u32::MAX || listed(Arch::ScmpArchX32).is_some());
        let known = self.named.iter().find(|known| {
            if of_x32 {
                known.0 == Arch::ScmpArchX32
            } else {
                known.0 != Arch::ScmpArchX32 && audit(known.0) == call.arch
            }
        });
        self.errno.is_some() && known.is_some_and(|known| known.1.last().is_some_and(|last| call.number > *last))
    }

    fn call(&self, random: &mut Random) -> Call {
        let (arch, numbers) = random.pick(&self.named);
        let bit = if *arch == Arch::ScmpArchX32 { X32_BIT } else { 0 };
        let number = match random.below(8) {
            0..4 if !numbers.is_empty() => *random.pick(numbers),
            4 if !numbers.is_empty() => random.pick(numbers).wrapping_add([1, u32::MAX, X32_BIT][random.below(3)]),
            5 => *random.pick(&[
                0,
                1,
                bit,
                bit | 1,
                X32_BIT - 1,
                X32_BIT,
                0x7fff_ffff,
                0x8000_0000,
                u32::MAX - 1,
                u32::MAX,
                0xf_0001,
            ]),
            _ => bit | random.below(600) as u32,
        };
        let token = if random.below(20) == 0 {
            *random.pick(&[FOREIGN, Arch::ScmpArchX86 as u32, Arch::ScmpArchArm as u32, 0])
        } else {
            audit(*arch)
        };
        let wide = matches!(token, 0xc000_003e | 0xc000_00b7 | 0xc000_00f3 | 0xc000_0015) && number < X32_BIT;
        let mut args = [0; 6];
        for arg in &mut args {
            *arg = self.argument(random) & if wide { u64::MAX } else { 0xffff_ffff };
        }
        // The code of a socketcall or an ipc, without the version in its upper half (see onggi's `calls`).
        if matches!((token, number), (0x4000_0003 | 0xc000_0015, 102 | 117)) {
            args[0] = random.below(26) as u64;
        }
        Call::new(token, number, args)
    }

    fn argument(&self, random: &mut Random) -> u64 {
        let mut value = if self.values.is_empty() || random.below(6) == 0 {
            random.next() >> random.below(64)
        } else {
            *random.pick(&self.values)
        };
        match random.below(6) {
            0 => value = value.wrapping_add(1),
            1 => value = value.wrapping_sub(1),
            2 => value ^= 1 << random.below(64),
            _ => {}
        }
        value
    }
}

/// The numbers of the calls that `profile` names, as libseccomp sees them: those that another default leaves alone.
fn named(profile: &LinuxSeccomp) -> Vec<(Arch, Vec<u32>)> {
    let mut archs = vec![native()];
    archs.extend(profile.architectures().iter().flatten().filter(|arch| **arch != native()));
    let names: Vec<_> = profile.syscalls().iter().flatten().flat_map(LinuxSyscall::names).collect();
    let marked = json!({
        "defaultAction": "SCMP_ACT_KILL_PROCESS",
        "architectures": archs,
        "syscalls": if names.is_empty() { json!([]) } else { json!([{"names": names, "action": "SCMP_ACT_ALLOW"}]) },
    });
    let program = oracle::compile(&profiles::profile(marked), oracle::PLAIN);
    let numbers = |arch: &Arch| {
        let bit = if *arch == Arch::ScmpArchX32 { X32_BIT } else { 0 };
        // For socketcall and ipc it takes a code, which is their first argument.
        let is_named = |number: &u32| {
            (0..26).any(|code| run(&program, &Call::new(audit(*arch), *number, [code, 0, 0, 0, 0, 0])) == 0x7fff_0000)
        };
        (bit..bit + 600).filter(is_named).collect::<Vec<_>>()
    };
    archs.iter().map(|arch| (*arch, numbers(arch))).collect()
}

fn compare(profile: &LinuxSeccomp, about: &str, calls: usize, seed: u64) {
    let compared = Compared::new(profile);
    let mut random = Random(seed);
    for _ in 0..calls {
        compared.check(&compared.call(&mut random), about);
    }
}

/// Every number of every listed architecture, with the arguments that a test of zero or of a mask meets.
fn compare_all_numbers(profile: &LinuxSeccomp, about: &str) {
    let compared = Compared::new(profile);
    for (arch, _) in &compared.named {
        let bit = if *arch == Arch::ScmpArchX32 { X32_BIT } else { 0 };
        for number in (bit..bit + 1100).chain([X32_BIT - 1, u32::MAX - 1, u32::MAX]) {
            for first in [0, 8, 16, 0xffff_ffff] {
                compared.check(&Call::new(audit(*arch), number, [first, 0, 9, 0, 0, 0]), about);
            }
        }
    }
}

#[test]
fn dockers_profile_means_the_same() {
    compare_all_numbers(&profiles::docker(), "Docker's profile");
    compare(&profiles::docker(), "Docker's profile", CALLS, 1);
}

#[test]
fn podmans_profile_means_the_same() {
    compare_all_numbers(&profiles::podman(), "Podman's profile");
    compare(&profiles::podman(), "Podman's profile", CALLS, 2);
}

/// libseccomp 2.5.4 itself is wrong now and then: in a filter for several architectures it can forget to load the call's
/// number where two of them share a tail. So where it differs, the profile is read, and the two that agree are
/// right; that it differs must be rare, and only where the reading knows the answer.
#[test]
fn random_profiles_mean_the_same() {
    let names = oracle::names(&ARCHS);
    let calls = oracle::calls(&ARCHS);
    let mut outvoted = 0;
    for seed in 0..200 {
        let profile = profiles::random(&mut Random(seed), &names, false);
        let about = format!("random profile {seed} {}", serde_json::to_string(&profile).unwrap());
        let compared = Compared::new(&profile);
        let mut random = Random(!seed);
        for _ in 0..CALLS / 200 {
            let call = compared.call(&mut random);
            let ours = run(&compared.ours, &call);
            let differs = !compared.is_newer(&call) && ours != run(&compared.theirs, &call);
            if differs && reading::verdict(&profile, &calls, &call) == Some(ours) {
                outvoted += 1;
            } else {
                compared.check(&call, &about);
            }
        }
    }
    assert!(outvoted < CALLS / 500, "libseccomp differs in {outvoted} of {CALLS} calls");
}

/// Rules of any shape, compared with what the profile says when it is read as a person reads it.
#[test]
fn tangled_profiles_mean_what_they_say() {
    let names = oracle::names(&ARCHS);
    let calls = oracle::calls(&ARCHS);
    for seed in 0..200 {
        let profile = profiles::random(&mut Random(seed), &names, true);
        let compared = Compared::ours(&profile);
        let mut random = Random(!seed);
        for _ in 0..CALLS / 200 {
            let call = compared.call(&mut random);
            if let Some(meant) = reading::verdict(&profile, &calls, &call).filter(|_| !compared.is_newer(&call)) {
                let ours = run(&compared.ours, &call);
                assert_eq!(
                    ours,
                    meant,
                    "{ours:#x}, meant {meant:#x} to {call:x?}: profile {seed} {}",
                    serde_json::to_string(&profile).unwrap()
                );
            }
        }
    }
}

/// Each call its own errno: so a wrong number anywhere in the table shows.
#[test]
fn every_name_has_the_number_that_libseccomp_knows() {
    let names = oracle::names(&ARCHS);
    assert!(names.len() > 450, "{}", names.len());
    let rules: Vec<_> = names
        .iter()
        .zip(1..)
        .map(|(name, errno)| json!({"names": [name], "action": "SCMP_ACT_ERRNO", "errnoRet": errno}))
        .collect();
    let mut archs: BTreeMap<u32, Vec<Arch>> = BTreeMap::new();
    for arch in ARCHS {
        archs.entry(audit(arch)).or_default().push(arch);
    }
    for archs in archs.into_values() {
        let profile = json!({"defaultAction": "SCMP_ACT_KILL_PROCESS", "architectures": archs, "syscalls": rules});
        compare_all_numbers(&profiles::profile(profile), &format!("numbers of {archs:?}"));
    }
}
