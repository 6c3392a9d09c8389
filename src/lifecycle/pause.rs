//! `pause` and `resume`: a container stands still, and goes on.

use std::time::{Duration, Instant};

use crate::cgroup::Cgroup;
use crate::error::{Error, Result};
use crate::lifecycle::own_cgroup;
use crate::state::{Entry, Id, Record, Status, Store};

/// How long the kernel has to stop all processes; one that hangs in it (state D) stops only when it comes back.
const PATIENCE: Duration = Duration::from_secs(10);

/// Freezes the cgroup of a created or running container.
pub fn pause(store: &Store, id: &Id) -> Result<()> {
    let entry = store.open_entry(id)?;
    let _lock = entry.lock()?;
    let (record, status) = entry.look()?;
    match status {
        Status::Created | Status::Running => cgroup(&entry, &record)?.freeze(Instant::now() + PATIENCE),
        Status::Stopped => Err(Error::new(id.as_str(), "can't be paused: container not running")),
        status => Err(Error::new(id.as_str(), format!("can't be paused: it is {status}"))),
    }
}

/// Lets a paused container go on.
pub fn resume(store: &Store, id: &Id) -> Result<()> {
    let entry = store.open_entry(id)?;
    let _lock = entry.lock()?;
    let (record, status) = entry.look()?;
    match status {
        Status::Paused => cgroup(&entry, &record)?.thaw(Instant::now() + PATIENCE),
        // SIGKILL ends even who is paused, and containerd's shim then resumes what is left.
        Status::Stopped if own_cgroup(&record)?.map(|cgroup| cgroup.frozen()).transpose()? == Some(true) => {
            cgroup(&entry, &record)?.thaw(Instant::now() + PATIENCE)
        }
        status => Err(Error::new(id.as_str(), format!("can't be resumed: container not paused, but {status}"))),
    }
}

fn cgroup(entry: &Entry, record: &Record) -> Result<Cgroup> {
    own_cgroup(record)?.ok_or_else(|| {
        Error::new(entry.id().as_str(), "has no cgroup of its own, which pausing needs")
            .hint("an ordinary user needs a delegated cgroup: systemd-run --user --scope -p Delegate=yes")
    })
}
