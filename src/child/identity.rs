//! Who the process is: limits, ids, capabilities, the filter.

use super::listener::Handover;
use super::{At, Outcome, seal};
use crate::script::{Process, Script, Step};
use crate::sys::{Errno, Fd, abi, file, process};

/// RLIMIT_MEMLOCK: the one limit that may stay as it is.
const MEMLOCK: u32 = 8;

/// Becomes the root of the user namespace, so that what is made belongs to it; in one that maps no root, the user of the process.
/// If that one is not mapped either, becoming it for good will tell.
pub fn become_root(of: &Process) -> Outcome {
    let first = |become_id: fn(u32) -> Result<(), Errno>, id| {
        let mapped = |done| (done != Err(Errno(abi::EINVAL))).then_some(done);
        mapped(become_id(0)).or_else(|| mapped(become_id(id))).unwrap_or(Ok(()))
    };
    set_groups(&[]).at(Step::Root)?;
    first(process::setgid, of.gid).at(Step::Root)?;
    first(process::setuid, of.uid).at(Step::Root)
}

/// setgroups(2). An ordinary user's namespace may forbid it, which is fine as long as there are no groups to be set.
fn set_groups(groups: &[u32]) -> Result<(), Errno> {
    match process::setgroups(groups) {
        Err(Errno(abi::EPERM)) if groups.is_empty() => Ok(()),
        other => other,
    }
}

/// Becomes the user. What is left for [`finish`] is returned: with a filter and without `no_new_privs`, the filter wants
/// CAP_SYS_ADMIN, so that the capabilities come last.
pub fn assume(script: &Script) -> Outcome<bool> {
    let process = &script.process;
    if process.set_personality.is() {
        process::set_personality(process.personality).at(Step::Personality)?;
    }
    if process.memory_policy.is() {
        process::set_memory_policy(process.memory_mode, process.memory_nodes.get()).at(Step::MemoryPolicy)?;
    }
    for (index, limit) in process.rlimits.numbered() {
        match process::set_rlimit(limit.resource, limit.soft, limit.hard) {
            Err(Errno(abi::EPERM)) if limit.resource == MEMLOCK && process.lenient_memlock.is() => {}
            other => other.nth(Step::Rlimit, index)?,
        }
    }
    file::umask(process.umask);
    hand_over_stdio(process)?;
    for capability in 0..=process.last_capability {
        if process.bounding >> capability & 1 == 0 {
            process::prctl(abi::PR_CAPBSET_DROP, capability as usize).nth(Step::Bounding, capability)?;
        }
    }
    process::prctl(abi::PR_SET_KEEPCAPS, 1).at(Step::Uid)?;
    set_groups(process.groups.get()).at(Step::Groups)?;
    process::setgid(process.gid).at(Step::Gid)?;
    process::setuid(process.uid).at(Step::Uid)?;
    let waiting = !process.seccomp.get().is_empty() && !process.no_new_privileges.is();
    if waiting {
        let all = process.permitted | 1 << 21 | 1 << 8; // CAP_SYS_ADMIN, CAP_SETPCAP
        process::capset(all, all, process.inheritable).at(Step::Capabilities)?;
    } else {
        capabilities(process)?;
    }
    if process.no_new_privileges.is() {
        process::prctl(abi::PR_SET_NO_NEW_PRIVS, 1).map(drop).at(Step::NoNewPrivileges)?;
    }
    // Where fs.suid_dumpable is 1, changing ids has made it dumpable again.
    seal::undumpable()?;
    Ok(waiting)
}

/// When the process runs, as far as its parent leaves it to it: see `launch::scheduling`. It holds for this process and,
/// of some policies, not for children: so it comes when no clone is left to be made.
pub fn schedule(process: &Process) -> Outcome {
    for attributes in process.scheduler.get() {
        process::set_scheduler(0, attributes).at(Step::Scheduler)?;
    }
    if process.io_priority != 0 {
        process::set_io_priority(0, process.io_priority).at(Step::IoPriority)?;
    }
    Ok(())
}

/// The filter, and then the capabilities if they had to wait.
pub fn finish(process: &Process, waiting: bool, handover: &Handover) -> Outcome {
    if process.notifies.is() {
        handover.load(process)?;
    } else if !process.seccomp.get().is_empty() {
        process::seccomp(process.seccomp.get(), process.seccomp_flags).map(drop).at(Step::Seccomp)?;
    }
    if waiting { capabilities(process) } else { Ok(()) }
}

/// Those of the program.
pub fn capabilities(process: &Process) -> Outcome {
    // Those that our caller, or the way through a new user namespace, had: who asks for none gets none.
    process::ambient(abi::PR_CAP_AMBIENT_CLEAR_ALL, 0).at(Step::Capabilities)?;
    process::capset(process.effective, process.permitted, process.inheritable).at(Step::Capabilities)?;
    for capability in 0..=process.last_capability {
        if process.ambient >> capability & 1 == 1 {
            process::ambient(abi::PR_CAP_AMBIENT_RAISE, capability as usize).nth(Step::Ambient, capability)?;
        }
    }
    Ok(())
}

/// Gives the user the pipes and the terminal that stdio consists of, so that a program may open /dev/stdout again. A
/// file or a device of the host stays whose it is.
fn hand_over_stdio(process: &Process) -> Outcome {
    for stdio in [Fd(0), Fd(1), Fd(2)] {
        let Ok(found) = file::stat(stdio) else { continue };
        let ours = found.is(abi::S_IFIFO) || found.is(abi::S_IFSOCK) || process.console.some().is_some();
        if ours {
            match file::fchown(stdio, process.uid) {
                // Made by another user namespace, or on a read-only file system: it stays as it is.
                Ok(()) | Err(Errno(abi::EPERM | abi::EINVAL | abi::EROFS)) => {}
                other => other.at(Step::Stdio)?,
            }
        }
    }
    Ok(())
}
