//! A profile read as a person reads it: no filter, only the rules and one call.

use oci_spec::runtime::{Arch, LinuxSeccomp, LinuxSeccompArg, LinuxSeccompOperator as Op, LinuxSyscall};

use super::eval::Call;

/// What `profile` says to `call`; `None` where this reading knows no answer: to a call of an architecture that is not
/// listed, and to `socketcall` and `ipc`, which stand for others.
pub fn verdict(profile: &LinuxSeccomp, calls: &[(String, u32, u32)], call: &Call) -> Option<u32> {
    let x86_64 = Arch::ScmpArchX86_64 as u32;
    let token = if call.arch == x86_64 && call.number >= 0x4000_0000 { Arch::ScmpArchX32 as u32 } else { call.arch };
    let native = if cfg!(target_arch = "aarch64") { Arch::ScmpArchAarch64 as u32 } else { x86_64 };
    if token != native && !profile.architectures().iter().flatten().any(|arch| *arch as u32 == token) {
        return None;
    }
    let narrow = token == Arch::ScmpArchX86 as u32 || token == Arch::ScmpArchArm as u32;
    let default = profile.default_action().as_u32(profile.default_errno_ret());
    let name = |known: &&(String, u32, u32)| known.1 == token && known.2 == call.number;
    let names: Vec<_> = calls.iter().filter(name).map(|known| known.0.as_str()).collect();
    if names.contains(&"socketcall") || names.contains(&"ipc") {
        return None;
    }
    // ARM's name for it in its own headers.
    let is_called = |one: &String| {
        names.contains(&one.as_str()) || (one == "sync_file_range2" && names.contains(&"arm_sync_file_range"))
    };
    let action = |rule: &LinuxSyscall| rule.action().as_u32(rule.errno_ret());
    let rules: Vec<_> = profile
        .syscalls()
        .iter()
        .flatten()
        .filter(|rule| rule.names().iter().any(is_called) && action(rule) != default)
        .collect();
    let args = |rule: &&&LinuxSyscall| rule.args().as_deref().unwrap_or_default().is_empty();
    let rule = rules.iter().find(args).or_else(|| rules.iter().find(|rule| matches(rule, call, narrow)));
    Some(rule.map_or(default, |rule| action(rule)))
}

fn matches(rule: &LinuxSyscall, call: &Call, narrow: bool) -> bool {
    let args = rule.args().as_deref().unwrap_or_default();
    let twice = (0..6).any(|index| args.iter().filter(|arg| arg.index() == index).count() > 1);
    let mut all = args.iter().map(|arg| holds(arg, call.args[arg.index()], narrow));
    if twice { all.any(|holds| holds) } else { all.all(|holds| holds) }
}

fn holds(arg: &LinuxSeccompArg, argument: u64, narrow: bool) -> bool {
    let bits = if narrow { 0xffff_ffff } else { u64::MAX };
    let (value, second) = (arg.value() & bits, arg.value_two().unwrap_or(0) & bits);
    match arg.op() {
        Op::ScmpCmpNe => argument != value,
        Op::ScmpCmpLt => argument < value,
        Op::ScmpCmpLe => argument <= value,
        Op::ScmpCmpEq => argument == value,
        Op::ScmpCmpGe => argument >= value,
        Op::ScmpCmpGt => argument > value,
        Op::ScmpCmpMaskedEq => argument & value == second & value,
    }
}
