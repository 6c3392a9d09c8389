//! The profile as config.json has it, checked and turned into rules.

use oci_spec::runtime::{
    LinuxSeccomp, LinuxSeccompAction as Action, LinuxSeccompArg, LinuxSeccompFilterFlag, LinuxSeccompOperator,
    LinuxSyscall,
};

use super::arch::Arch;
use super::condition::{Condition, Operator};
use crate::error::Problem;

/// `SECCOMP_RET_ERRNO`, to which the errno is added.
pub(super) const ERRNO: u32 = 0x0005_0000;
/// `SECCOMP_RET_KILL_PROCESS`.
pub(super) const KILL_PROCESS: u32 = 0x8000_0000;

/// The largest errno that a call can return (`MAX_ERRNO`); the kernel would cut a larger one to it.
const MAX_ERRNO: u32 = 4095;

/// A checked profile.
pub(super) struct Profile<'a> {
    /// `SECCOMP_RET_*` and its data, for what no rule covers.
    pub default: u32,
    /// Each once; the native one, if it is known, first.
    pub archs: Vec<Arch>,
    /// In the profile's order.
    pub rules: Vec<Rule<'a>>,
    /// `SECCOMP_FILTER_FLAG_*`.
    pub flags: u32,
    /// Some rule's verdict is `SECCOMP_RET_USER_NOTIF`.
    pub notify: bool,
}

/// What shall happen to some calls.
pub(super) struct Rule<'a> {
    /// The calls.
    pub names: &'a [String],
    /// `SECCOMP_RET_*` and its data.
    pub verdict: u32,
    /// When: if all conditions of one of these hold. None at all: always.
    pub alternatives: Vec<Vec<Condition>>,
}

/// Checks `config` whole.
pub(super) fn read(config: &LinuxSeccomp) -> Result<Profile<'_>, Vec<Problem>> {
    let mut problems = Vec::new();
    let place = "linux.seccomp.defaultErrnoRet";
    let default = verdict(config.default_action(), config.default_errno_ret(), place, &mut problems);
    let calls = config.syscalls().as_deref().unwrap_or_default();
    let rules: Vec<_> = calls.iter().enumerate().map(|(at, call)| rule(at, call, &mut problems)).collect();
    let notify = check_listener(config, calls, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Profile { default, archs: archs(config), rules, flags: flags(config, notify), notify })
}

fn rule<'a>(at: usize, call: &'a LinuxSyscall, problems: &mut Vec<Problem>) -> Rule<'a> {
    let place = |field: &str| format!("linux.seccomp.syscalls[{at}]{field}");
    if call.names().is_empty() {
        problems.push(Problem::new(place(".names"), "is empty; a rule must name at least one call"));
    }
    let errno = call.errno_ret();
    // The place costs a string, which only a problem needs.
    let verdict = match errno {
        None => verdict(call.action(), None, "", problems),
        Some(_) => verdict(call.action(), errno, &place(".errnoRet"), problems),
    };
    let args = call.args().as_deref().unwrap_or_default();
    for (arg, test) in args.iter().enumerate() {
        check_arg(test, || place(&format!(".args[{arg}]")), problems);
    }
    Rule { names: call.names(), verdict, alternatives: alternatives(args) }
}

/// The conditions, all of which must hold; but if two are on the same argument, each alone is enough.
///
/// So runc has it, because libseccomp can't have two conditions on one argument, and profiles rely on it.
fn alternatives(args: &[LinuxSeccompArg]) -> Vec<Vec<Condition>> {
    let twice = args.iter().enumerate().any(|(at, arg)| args[..at].iter().any(|other| other.index() == arg.index()));
    let conditions = args.iter().map(condition);
    if twice {
        conditions.map(|one| vec![one]).collect()
    } else if args.is_empty() {
        Vec::new()
    } else {
        vec![conditions.collect()]
    }
}

fn condition(arg: &LinuxSeccompArg) -> Condition {
    let operator = match arg.op() {
        LinuxSeccompOperator::ScmpCmpNe => Operator::NotEqual,
        LinuxSeccompOperator::ScmpCmpLt => Operator::Less,
        LinuxSeccompOperator::ScmpCmpLe => Operator::LessEqual,
        LinuxSeccompOperator::ScmpCmpEq => Operator::Equal,
        LinuxSeccompOperator::ScmpCmpGe => Operator::GreaterEqual,
        LinuxSeccompOperator::ScmpCmpGt => Operator::Greater,
        LinuxSeccompOperator::ScmpCmpMaskedEq => Operator::MaskedEqual(arg.value()),
    };
    let value = match operator {
        Operator::MaskedEqual(_) => arg.value_two().unwrap_or(0),
        _ => arg.value(),
    };
    // Out of range is a problem already reported.
    Condition { index: u8::try_from(arg.index()).unwrap_or(u8::MAX), operator, value }
}

fn check_arg(arg: &LinuxSeccompArg, place: impl Fn() -> String, problems: &mut Vec<Problem>) {
    if arg.index() > 5 {
        problems.push(Problem::new(
            place() + ".index",
            format!("must be 0 to 5, not {}: a call has six arguments", arg.index()),
        ));
    }
    let second = arg.value_two().unwrap_or(0);
    if second != 0 && arg.op() != LinuxSeccompOperator::ScmpCmpMaskedEq {
        problems.push(
            Problem::new(place() + ".valueTwo", format!("{second} has no meaning with {}", arg.op()))
                .hint("only SCMP_CMP_MASKED_EQ takes two values: value is the mask, valueTwo what must remain"),
        );
    }
}

/// The kernel's word for an action: `SECCOMP_RET_*` and its data (seccomp(2)).
fn verdict(action: Action, errno: Option<u32>, place: &str, problems: &mut Vec<Problem>) -> u32 {
    let most = match action {
        Action::ScmpActErrno => MAX_ERRNO,
        // What the tracer gets is a message of 16 bits, not an errno, in spite of the field's name.
        Action::ScmpActTrace => u32::from(u16::MAX),
        _ if errno.is_some() => {
            problems.push(
                Problem::new(place, format!("has no meaning with {action}"))
                    .hint("only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno; remove it"),
            );
            return action.as_u32(None);
        }
        _ => return action.as_u32(None),
    };
    match errno {
        Some(errno) if errno > most => {
            problems.push(Problem::new(place, format!("must be at most {most} with {action}, not {errno}")));
            action.as_u32(None)
        }
        errno => action.as_u32(errno),
    }
}

/// Whether some call notifies; if so there must be someone to notify. Which calls is up to the profile: the agent has the
/// listener before the container's process makes any (see `child::listener`).
fn check_listener(config: &LinuxSeccomp, calls: &[LinuxSyscall], problems: &mut Vec<Problem>) -> bool {
    let first = calls.iter().position(|call| call.action() == Action::ScmpActNotify);
    let by_default = config.default_action() == Action::ScmpActNotify;
    let path = config.listener_path().as_ref().filter(|path| !path.as_os_str().is_empty());
    let who = match first {
        Some(at) => Some(format!("linux.seccomp.syscalls[{at}] has the action SCMP_ACT_NOTIFY")),
        None => by_default.then(|| "linux.seccomp.defaultAction is SCMP_ACT_NOTIFY".to_owned()),
    };
    if let (Some(who), None) = (&who, path) {
        problems.push(
            Problem::new("linux.seccomp.listenerPath", format!("is missing, but {who}"))
                .hint("give the path of the agent's Unix socket"),
        );
    }
    let metadata = config.listener_metadata().as_deref().unwrap_or_default();
    if path.is_none() && !metadata.is_empty() {
        problems
            .push(Problem::new("linux.seccomp.listenerMetadata", "must not be set without linux.seccomp.listenerPath"));
    }
    who.is_some()
}

/// The architectures with a filter of their own: the native one always, as with runc and crun.
///
/// This program does not run on architectures that the table lacks, so no call of theirs will ever come.
fn archs(config: &LinuxSeccomp) -> Vec<Arch> {
    let listed = config.architectures().iter().flatten().filter_map(|arch| Arch::from_profile(*arch));
    let mut archs: Vec<Arch> = Vec::new();
    for arch in Arch::NATIVE.into_iter().chain(listed) {
        if !archs.contains(&arch) {
            archs.push(arch);
        }
    }
    archs
}

/// `SECCOMP_FILTER_FLAG_*` for seccomp(2).
fn flags(config: &LinuxSeccomp, notify: bool) -> u32 {
    let listed = config.flags().iter().flatten().map(|flag| match flag {
        // The filter is loaded by a process with a single thread; and the kernel refuses it beside NEW_LISTENER.
        LinuxSeccompFilterFlag::SeccompFilterFlagTsync => 0,
        LinuxSeccompFilterFlag::SeccompFilterFlagLog => 1 << 1,
        LinuxSeccompFilterFlag::SeccompFilterFlagSpecAllow => 1 << 2,
        // It says how a notification waits; the kernel refuses it where nothing notifies.
        LinuxSeccompFilterFlag::SeccompFilterFlagWaitKillableRecv => u32::from(notify) << 5,
    });
    let listener = u32::from(notify) << 3;
    listed.fold(listener, |all, flag| all | flag)
}
