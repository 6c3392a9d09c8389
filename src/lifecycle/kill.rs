//! `kill`: a signal to a container.

use std::os::fd::AsRawFd;

use crate::cgroup::Cgroup;
use crate::error::{Error, Result};
use crate::lifecycle::{Signal, own_cgroup};
use crate::state::{Id, Init, Record, Store, open_pidfd};
use crate::sys::{self, Fd, pidfd};

/// Sends `signal` to the container's init; with `all` to all of its processes.
///
/// Whether created, running or paused is all one; a container that has stopped is an error that says
/// `container not running` (spec: runtime, Kill). SIGKILL always goes to all of it: where init shares its pid namespace
/// with others, its death would not be theirs.
pub fn kill(store: &Store, id: &Id, signal: Signal, all: bool) -> Result<()> {
    let record = store.open_entry(id)?.read()?;
    let init = Init::find(&record)?;
    let everything = all || (signal == Signal::KILL && !record.pid_namespace);
    let sent = match own_cgroup(&record)? {
        Some(cgroup) if everything => signal_all(&cgroup, signal, init.as_ref())?,
        Some(_) => signal_one(init.as_ref(), signal)?,
        None if all && !(signal == Signal::KILL && record.pid_namespace) && init.is_some() => return Err(no_cgroup(&record)),
        None => signal_one(init.as_ref(), signal)?,
    };
    if sent { Ok(()) } else { Err(not_running(&record)) }
}

fn signal_one(init: Option<&Init>, signal: Signal) -> Result<bool> {
    init.map_or(Ok(false), |init| init.signal(signal.number()))
}

/// Sends `signal` to each process of the cgroup; whether there was one.
fn signal_all(cgroup: &Cgroup, signal: Signal, init: Option<&Init>) -> Result<bool> {
    if signal == Signal::KILL {
        let populated = init.is_some() || !cgroup.processes()?.is_empty();
        cgroup.kill()?;
        return Ok(populated);
    }
    let held: Vec<_> = cgroup.processes()?.into_iter().filter_map(|pid| Some((pid, open_pidfd(pid).ok()?))).collect();
    // Looked at again: what still is in the cgroup now that a pidfd holds it, is what was meant.
    let members = cgroup.processes()?;
    let mut sent = false;
    for (pid, process) in held.iter().filter(|(pid, _)| members.contains(pid)) {
        match pidfd::send_signal(Fd(process.as_raw_fd()), signal.number()) {
            Ok(()) => sent = true,
            Err(sys::Errno(libc::ESRCH)) => {}
            Err(sys::Errno(cause)) => {
                let cause = nix::errno::Errno::from_raw(cause);
                return Err(Error::io(format!("process {pid}"), format!("can't get {signal}"), cause));
            }
        }
    }
    Ok(sent)
}

fn not_running(record: &Record) -> Error {
    let error = Error::new(&record.id, "container not running");
    if record.pid.is_none() { error.hint("it was not completely created") } else { error }
}

fn no_cgroup(record: &Record) -> Error {
    Error::new(&record.id, "has no cgroup of its own, so its processes can't be told from others")
        .hint("without --all the signal goes to its first process")
}
