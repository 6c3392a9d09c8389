//! The end of all processes of a container, however they defend themselves.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cgroup::{Cgroup, systemd};
use crate::error::{Error, Result};
use crate::lifecycle::Signal;
use crate::plan::cgroup::systemd::Reference;
use crate::state::{Id, Init, Record};

/// How long the kernel has to end what was killed. Only what hangs in it (state D) takes longer than milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The container's own cgroup, if it has one and it is still there.
pub fn own_cgroup(record: &Record) -> Result<Option<Cgroup>> {
    record.cgroup.as_deref().map_or(Ok(None), Cgroup::open)
}

/// Kills all that is left of container `id` and waits until it is gone. Frozen or multiplying, nothing survives the
/// kernel's own `cgroup.kill`, so nothing is thawed, frozen or counted before it.
///
/// An error names the processes that hang in the kernel.
pub fn end(id: &Id, init: Option<&Init>, cgroup: Option<&Cgroup>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    if let Some(cgroup) = cgroup {
        cgroup.kill()?;
    }
    if let Some(init) = init {
        // It is in the cgroup, unless it has none or somebody moved it.
        init.signal(Signal::KILL.number())?;
        if !init.wait(Some(deadline))? {
            return Err(hangs(id, init.pid()));
        }
    }
    cgroup.map_or(Ok(()), |cgroup| cgroup.wait_empty(deadline))
}

/// Removes the cgroup of a container whose processes have ended: what was `made` for it, or the unit that it belongs to.
pub fn remove_cgroup(path: &Path, made: &[PathBuf], unit: Option<&Reference>, deadline: Instant) -> Result<()> {
    let Some(unit) = unit else { return Cgroup::remove(path, made, deadline) };
    systemd::stop(unit, true).or_else(|error| {
        // A user's systemd that is gone has taken its cgroups with it, and there is no unit any more.
        match Cgroup::open(path)? {
            None => Ok(()),
            Some(_) => Cgroup::remove(path, &[path.to_owned()], deadline).map_err(|_| error),
        }
    })
}

fn hangs(id: &Id, pid: i32) -> Error {
    let what = format!("process {pid} was killed {} s ago and still hangs in the kernel", PATIENCE.as_secs());
    // A pid namespace's init goes last, after the zombies in it.
    Error::new(id.as_str(), what).hint(format!(
        "/proc/{pid}/stack says where; zap_pid_ns_processes is where it waits for processes that `exec` added, until their own parents have waited for them"
    ))
}
