//! The running kernel takes the filters, does what they say, and takes them quickly.

#![allow(unsafe_code)]

use std::io::Read;
use std::os::fd::FromRawFd;
use std::time::{Duration, Instant};

use oci_spec::runtime::LinuxSeccomp;
use onggi::seccomp::{Instruction, compile};
use serde_json::json;

use super::{oracle, profiles};

/// `struct sock_fprog` of linux/filter.h.
#[repr(C)]
struct Program {
    len: u16,
    filter: *const Instruction,
}

/// How a child ended that had loaded a filter.
struct End {
    /// What its probes returned, negative for an errno; first of all how many nanoseconds the load took.
    results: Vec<i64>,
    /// As of wait(2).
    status: i32,
}

/// A call: its number and its first argument; the others are 0.
type Probe = (i64, i64);

/// Loads the filter in a child and lets it make the calls.
fn in_child(program: &[Instruction], flags: u32, probes: &[Probe]) -> End {
    let header = Program { len: program.len().try_into().unwrap(), filter: program.as_ptr() };
    let mut ends = [0; 2];
    // SAFETY: pipe2 fills the two descriptors. The child of the fork makes only system calls, writes to the
    // pipe what they return, and leaves by _exit; it allocates nothing and returns to nobody.
    let (child, mut read) = unsafe {
        assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
        let child = libc::fork();
        assert!(child >= 0);
        if child == 0 {
            child_main(&header, flags, probes, ends[1]);
        }
        libc::close(ends[1]);
        (child, std::fs::File::from_raw_fd(ends[0]))
    };
    let mut bytes = Vec::new();
    read.read_to_end(&mut bytes).unwrap();
    let mut status = 0;
    // SAFETY: waits for the child made above.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    End { results: bytes.chunks_exact(8).map(|word| i64::from_ne_bytes(word.try_into().unwrap())).collect(), status }
}

/// # Safety
///
/// Only in the child of a fork: it ends the process.
unsafe fn child_main(program: &Program, flags: u32, probes: &[Probe], to: i32) -> ! {
    // SAFETY: `program` and its instructions live on; all else are plain numbers and this frame's own memory.
    unsafe {
        let tell = |result: i64| {
            let bytes = result.to_ne_bytes();
            libc::write(to, bytes.as_ptr().cast(), bytes.len());
        };
        // A filter can keep a child from ending: then this ends it.
        libc::alarm(20);
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        let begin = Instant::now();
        let loaded =
            libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, std::ptr::from_ref(program));
        let took = begin.elapsed();
        if loaded < 0 {
            libc::_exit(*libc::__errno_location());
        }
        tell(i64::try_from(took.as_nanos()).unwrap_or(i64::MAX));
        for (number, argument) in probes {
            let result = libc::syscall(*number, *argument, 0, 0, 0, 0, 0);
            tell(if result < 0 { -i64::from(*libc::__errno_location()) } else { result });
        }
        libc::_exit(0)
    }
}

fn probe(profile: &LinuxSeccomp, probes: &[Probe]) -> End {
    let filter = compile(profile).unwrap();
    in_child(&filter.program, filter.flags, probes)
}

#[test]
fn the_kernel_does_what_dockers_profile_says() {
    let clone_newuser = i64::from(libc::CLONE_NEWUSER);
    let probes = [
        (libc::SYS_getppid, 0),
        (libc::SYS_umount2, 0),
        (libc::SYS_clone3, 0),
        (libc::SYS_clone, clone_newuser),
        (libc::SYS_personality, 1),
        (libc::SYS_personality, 0xffff_ffff),
        (9999, 0),
        (450, 0),
    ];
    let end = probe(&profiles::docker(), &probes);
    let refused = |errno: i32| -i64::from(errno);
    assert_eq!(end.status, 0);
    assert_eq!(end.results[1], i64::from(std::process::id()), "getppid is allowed");
    assert_eq!(end.results[2], refused(libc::EPERM), "umount2 is not named");
    assert_eq!(end.results[3], refused(libc::ENOSYS), "clone3 has an errno of its own");
    assert_eq!(end.results[4], refused(libc::EPERM), "a new user namespace is masked out");
    assert_eq!(end.results[5], refused(libc::EPERM), "personality with a value that is not listed");
    assert!(end.results[6] >= 0, "personality(0xffffffff) asks and is allowed");
    assert_eq!(end.results[7], refused(libc::ENOSYS), "no such call");
    assert_eq!(end.results[8], refused(libc::ENOSYS), "set_mempolicy_home_node is newer than the profile");
}

#[test]
fn the_kernel_kills() {
    let profile = |action: &str| {
        profiles::profile(
            json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getppid"], "action": action}]}),
        )
    };
    for action in ["SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"] {
        let end = probe(&profile(action), &[(libc::SYS_getpid, 0), (libc::SYS_getppid, 0), (libc::SYS_getpid, 0)]);
        assert_eq!(end.results.len(), 2, "{action}: the second probe is the last");
        assert_eq!(libc::WTERMSIG(end.status), libc::SIGSYS, "{action}");
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn an_x32_call_does_not_slip_through() {
    const X32_BIT: i64 = 0x4000_0000;
    let allowed = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]});
    let end = probe(&profiles::profile(allowed.clone()), &[(libc::SYS_getppid | X32_BIT, 0)]);
    assert_eq!(libc::WTERMSIG(end.status), libc::SIGSYS, "not listed");
    let mut listed = allowed;
    listed["architectures"] = json!(["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"]);
    let end = probe(&profiles::profile(listed), &[(libc::SYS_getppid | X32_BIT, 0), (libc::SYS_getpid, 0)]);
    assert_eq!((end.status, end.results[1]), (0, -95), "listed");
}

#[test]
fn the_kernel_takes_the_flags() {
    let profile = json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "flags": ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
    });
    assert_eq!(probe(&profiles::profile(profile.clone()), &[]).status, 0);
    let mut notifying = profile;
    notifying["listenerPath"] = json!("/run/agent");
    notifying["syscalls"] = json!([{"names": ["getppid"], "action": "SCMP_ACT_NOTIFY"}]);
    let end = probe(&profiles::profile(notifying), &[(libc::SYS_getpid, 0)]);
    assert_eq!((end.status, end.results.len()), (0, 2));
}

/// The largest filter, so the reach of every jump in it, passes the kernel's own check.
#[test]
fn the_kernel_takes_random_profiles() {
    // All but those by which the child says that it lives, and ends.
    let mut names = oracle::names(&profiles::ARCHS);
    names.retain(|name| !["write", "exit_group", "exit", "clock_gettime"].contains(&name.as_str()));
    for seed in 0..50 {
        let mut profile = profiles::random(&mut profiles::Random(seed), &names, true);
        profile.set_default_action(oci_spec::runtime::LinuxSeccompAction::ScmpActAllow).set_default_errno_ret(None);
        let filter = compile(&profile).unwrap();
        let end = in_child(&filter.program, filter.flags, &[]);
        let refused = libc::WIFEXITED(end.status) && libc::WEXITSTATUS(end.status) != 0;
        assert!(!refused, "errno {} for seed {seed}", libc::WEXITSTATUS(end.status));
    }
}

/// Prints what the filters of Docker's profile cost; a measurement, so it holds nothing but their order.
#[test]
#[ignore = "a measurement: cargo test --release --test seccomp -- --ignored --nocapture load_time"]
fn load_time() {
    let docker = profiles::docker();
    let mut native = docker.clone();
    native.set_architectures(None);
    let contenders = [
        ("onggi", compile(&docker).unwrap().program),
        ("onggi, native only", compile(&native).unwrap().program),
        ("libseccomp", oracle::compile(&docker, oracle::PLAIN)),
        ("libseccomp, optimised", oracle::compile(&docker, oracle::OPTIMISED)),
        ("allow all", vec![Instruction { code: 6, jt: 0, jf: 0, k: 0x7fff_0000 }]),
    ];
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); contenders.len()];
    for _ in 0..300 {
        for ((_, program), times) in contenders.iter().zip(&mut times) {
            let end = in_child(program, 0, &[]);
            times.push(Duration::from_nanos(end.results[0].try_into().unwrap()));
        }
    }
    println!("{:24}{:>14}{:>12}{:>12}", "Docker's profile", "instructions", "min µs", "median µs");
    for ((name, program), times) in contenders.iter().zip(&mut times) {
        times.sort();
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        println!("{name:24}{:>14}{:>12.1}{:>12.1}", program.len(), micros(times[0]), micros(times[times.len() / 2]));
    }
    let mut compiling: Vec<_> = (0..300)
        .map(|_| {
            let begin = Instant::now();
            std::hint::black_box(compile(std::hint::black_box(&docker)).unwrap());
            begin.elapsed()
        })
        .collect();
    compiling.sort();
    println!("compiled by onggi in {:?} at least, {:?} as a rule", compiling[0], compiling[compiling.len() / 2]);
    assert!(times[0][0] < times[3][0], "the kernel takes onggi's filter faster than libseccomp's optimised one");
}
