//! `start`: the container's program begins.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use super::create::planned_before;
use super::end::PATIENCE;
use super::{State, end, hooks, own_cgroup};
use crate::error::{Error, Result};
use crate::launch::{Wire, Word, fault};
use crate::plan::{Hook, Host, Plan};
use crate::state::{Entry, Id, Init, Record, Status, Store, status};

/// Starts a created container. When this returns, the user's program has begun, and the poststart hooks have run.
pub fn start(store: &Store, id: &Id) -> Result<()> {
    let entry = store.open_entry(id)?;
    let _lock = entry.lock()?;
    let record = entry.read()?;
    match status(&entry, &record) {
        Status::Created => {}
        Status::Stopped => {
            return Err(Error::new(id.as_str(), "container has stopped and can't be started again")
                .hint(format!("`onggi delete {id}`, then create it anew")));
        }
        other => return Err(Error::new(id.as_str(), format!("can't be started: it is {other}, not created"))),
    }
    let wire = UnixStream::connect(entry.start_socket())
        .map(|socket| Wire::over(OwnedFd::from(socket)))
        .map_err(|cause| Error::io(id.as_str(), "the container does not listen for its start", cause))?;
    wire.go()?;
    let failed = match wire.hear()? {
        Word::Fault(_, message) => match plan(&entry, &record) {
            Ok(plan) => Some(fault::explain(&plan, &message)),
            Err(error) => Some(error),
        },
        Word::Unheard => Some(Error::new(id.as_str(), "the container ended before it could be started")),
        Word::Event(..) | Word::End => None,
    };
    if let Some(error) = failed {
        // It is on its way out. Whoever asks after us finds it stopped.
        if let Some(init) = Init::find(&record)? {
            init.wait(Some(Instant::now() + PATIENCE))?;
        }
        return Err(error);
    }
    entry.remove_start_socket()?;
    poststart(id, &record)
}

/// The plan once more, from the config as it was when the container was created.
fn plan(entry: &Entry, record: &Record) -> Result<Plan> {
    planned_before(entry, record, &Host::probe()).map(|(_, plan)| plan)
}

/// Runs the poststart hooks. One that fails ends the container (spec 1.3: runtime, Lifecycle 9).
pub fn poststart(id: &Id, record: &Record) -> Result<()> {
    if record.poststart.is_empty() {
        return Ok(());
    }
    let started: Vec<Hook> = record.poststart.iter().map(Hook::from).collect();
    hooks::run(&started, "poststart", &State::for_hooks(record, Status::Running), None).map_err(|error| {
        match own_cgroup(record).and_then(|cgroup| end(id, Init::find(record)?.as_ref(), cgroup.as_ref())) {
            Ok(()) => error.hint("the container was stopped"),
            Err(also) => Error { problems: [error.problems, also.problems].concat(), ..also },
        }
    })
}
