//! `stop`: the polite end, with a deadline.

use std::time::{Duration, Instant};

use crate::cgroup::Cgroup;
use crate::error::{Error, Result};
use crate::lifecycle::{Signal, end, own_cgroup};
use crate::state::{Entry, Id, Init, Record, Status, Store};

/// How a container was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It had stopped before.
    Before,
    /// By the signal, after this time.
    BySignal(Duration),
    /// By SIGKILL, because it had not ended by then.
    Killed,
    /// By SIGKILL at once, because the user's program had not started and so could not be asked.
    NotStarted,
}

/// A container that was sent the signal.
struct Asked {
    entry: Entry,
    record: Record,
    init: Option<Init>,
    cgroup: Option<Cgroup>,
    /// What it was doing.
    status: Status,
}

/// Sends `signal` to all of the containers, then kills each that has not ended when `patience` is over; what came of
/// each, in the order of `ids`.
pub fn stop(store: &Store, ids: &[Id], signal: Signal, patience: Duration) -> Vec<Result<Stopped>> {
    let began = Instant::now();
    let asked: Vec<_> = ids.iter().map(|id| ask(store, id, signal, patience)).collect();
    asked.into_iter().map(|asked| see_off(&asked?, began, patience)).collect()
}

fn ask(store: &Store, id: &Id, signal: Signal, patience: Duration) -> Result<Asked> {
    let entry = store.open_entry(id)?;
    let (record, status) = entry.look()?;
    if status == Status::Creating {
        return Err(Error::new(id.as_str(), "is just being created").hint("`delete --force` ends that as well"));
    }
    let (init, cgroup) = (Init::find(&record)?, own_cgroup(&record)?);
    if let (Some(init), Status::Running | Status::Paused) = (&init, status) {
        init.signal(signal.number())?;
        if let (Status::Paused, Some(cgroup)) = (status, &cgroup) {
            // The signal is there; a frozen program could not act on it.
            cgroup.thaw(Instant::now() + patience)?;
        }
    }
    Ok(Asked { entry, record, init, cgroup, status })
}

fn see_off(asked: &Asked, began: Instant, patience: Duration) -> Result<Stopped> {
    let Asked { entry, record, init: Some(init), cgroup, status } = asked else {
        return Ok(Stopped::Before);
    };
    let how = match status {
        Status::Created => Stopped::NotStarted,
        _ if init.wait(Some(began + patience))? => Stopped::BySignal(began.elapsed()),
        _ => Stopped::Killed,
    };
    // With a pid namespace of its own all of the container has ended with init.
    if !matches!(how, Stopped::BySignal(_)) || !record.pid_namespace {
        end(entry.id(), Some(init), cgroup.as_ref())?;
    }
    Ok(how)
}
