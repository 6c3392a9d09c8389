//! `kill`: a signal to a container.

use std::os::fd::AsRawFd;

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::lifecycle::ps::processes;
use crate::lifecycle::{Signal, own_cgroup};
use crate::state::{Id, Init, Record, Store, open_pidfd};
use crate::sys::{self, Fd, pidfd};

/// Sends `signal` to the container's init; with `all` to all of its processes.
///
/// Whether created, running or paused is all one; a container that has stopped is an error that says
/// `container not running` (spec: runtime, Kill). SIGKILL is for all of it in any case: with a pid namespace of its own
/// all end with init, and without one the cgroup tells who else is meant. With `all` it is no error if none is left:
/// containerd's shim asks for it when init has ended and had no pid namespace of its own, and logs an error otherwise.
pub fn kill(store: &Store, id: &Id, signal: Signal, all: bool) -> Result<()> {
    let record = store.open_entry(id)?.read()?;
    let init = Init::find(&record)?;
    let sent = match signal {
        Signal::KILL if all || !record.pid_namespace => kill_all(&record, init.as_ref())?,
        _ if all => signal_all(&record, signal)?,
        _ => signal_init(init.as_ref(), signal)?,
    };
    if sent || (all && record.pid.is_some()) {
        return Ok(());
    }
    let error = Error::new(id.as_str(), "container not running");
    Err(if record.pid.is_none() { error.hint("it was not completely created") } else { error })
}

/// Whether there was somebody to get it, as for those below.
fn signal_init(init: Option<&Init>, signal: Signal) -> Result<bool> {
    init.map_or(Ok(false), |init| init.signal(signal.number()))
}

/// The kernel kills a cgroup as a whole: nobody can run away by forking, as from signals one by one.
fn kill_all(record: &Record, init: Option<&Init>) -> Result<bool> {
    let populated = match own_cgroup(record)? {
        Some(cgroup) => {
            let populated = cgroup.populated()?;
            cgroup.kill()?;
            populated
        }
        None => false,
    };
    Ok(signal_init(init, Signal::KILL)? || populated)
}

fn signal_all(record: &Record, signal: Signal) -> Result<bool> {
    let held: Vec<_> = processes(record)?.into_iter().filter_map(|pid| Some((pid, open_pidfd(pid).ok()?))).collect();
    // Looked at again: now that a pidfd holds it, a process that is still one of them is the one that was meant.
    let members = processes(record)?;
    let mut sent = false;
    for (pid, process) in held.iter().filter(|(pid, _)| members.contains(pid)) {
        match pidfd::send_signal(Fd(process.as_raw_fd()), signal.number()) {
            Ok(()) => sent = true,
            Err(sys::Errno(libc::ESRCH)) => {}
            Err(sys::Errno(cause)) => {
                return Err(Error::io(format!("process {pid}"), format!("can't get {signal}"), Errno::from_raw(cause)));
            }
        }
    }
    Ok(sent)
}
