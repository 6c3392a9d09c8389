//! `start`: the container's program begins.

use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::agent::Agent;
use super::end::PATIENCE;
use super::prepared::planned_before;
use super::service::sd_notify::Notify;
use super::{State, delete, hooks};
use crate::bundle::check::no_process;
use crate::error::{Error, Result};
use crate::launch::{Wire, Word, fault};
use crate::plan::Hook;
use crate::state::{Entry, Id, Init, Record, Status, Store};

/// How long a process that has closed its descriptors takes to have ended, at most.
const MOMENT: Duration = Duration::from_secs(5);

/// Starts a created container. When this returns, the user's program has begun, and the poststart hooks have run.
///
/// With `NOTIFY_SOCKET` in our environment, and in that of `create`, it has also said that it is ready.
pub fn start(store: &Store, id: &Id) -> Result<()> {
    let entry = store.open_entry(id)?;
    let Some((notify, init)) = begin(&entry, id)? else { return Ok(()) };
    notify.wait_ready(id, init.pid(), init.pidfd())
}

/// Has the program begin; whom to wait for, if its being ready is waited for. The container is free for other commands
/// then.
fn begin(entry: &Entry, id: &Id) -> Result<Option<(Notify, Init)>> {
    let lock = entry.lock()?;
    let (record, status) = entry.look()?;
    match status {
        Status::Created if record.no_process => {
            return Err(no_process("is missing in the config that the container was created with").into());
        }
        Status::Created => {}
        Status::Stopped => {
            return Err(Error::new(id.as_str(), "container has stopped and can't be started again")
                .hint(format!("`onggi delete {id}`, then create it anew")));
        }
        other => return Err(not_created(id, other)),
    }
    let mut agent = Agent::connect(record.listener.as_ref())?;
    let mut hand_over = |filter: OwnedFd| match (agent.take(), record.pid) {
        (Some(agent), Some(pid)) => agent.hand_over(&filter, pid, &State::for_hooks(&record, Status::Created)),
        _ => Ok(()),
    };
    let wire = match UnixStream::connect(entry.start_socket()) {
        Ok(socket) => Wire::over(OwnedFd::from(socket)),
        // It did when its status was asked.
        Err(cause) if cause.kind() == ErrorKind::ConnectionRefused => return Err(unheard(&record, id)?),
        Err(cause) => return Err(Error::io(id.as_str(), "the container does not listen for its start", cause)),
    };
    let notify = Notify::listen(entry)?;
    // Found before it can end, where its word is waited for.
    let init = if notify.is_some() { Init::find(&record)? } else { None };
    wire.go()?;
    let mut hook = false;
    let failed = match wire.hear_start(record.listener.as_ref().map(|_| &mut hand_over as _)) {
        Ok(Word::Fault(step, message)) => {
            hook = fault::of_a_hook(step);
            Some(planned_before(entry, &record).map_or_else(|error| error, |plan| fault::explain(&plan, &message)))
        }
        Ok(Word::Unheard) => return Err(unheard(&record, id)?),
        Ok(Word::Event(..) | Word::End) => None,
        Err(error) => Some(error),
    };
    // A child that waits for our word ends when there is nobody to give it.
    drop(wire);
    if let Some(error) = failed {
        // Whoever asks after us finds it stopped.
        await_end(&record, PATIENCE)?;
        return Err(if hook { end_of_life(entry, &record, error) } else { error });
    }
    // It has begun, whatever becomes of the file; nobody listens there any more.
    if let Err(left) = entry.remove_start_socket() {
        tracing::warn!("{left}");
    }
    // A poststart hook may call us for the container, as it may in `run`.
    drop(lock);
    poststart(&record).map_err(|error| match entry.lock() {
        Ok(_lock) => end_of_life(entry, &record, error),
        Err(also) => Error { problems: [error.problems, also.problems].concat(), ..also },
    })?;
    Ok(notify.zip(init))
}

/// Waits for the end of a container that is on its way out; whether it has come.
fn await_end(record: &Record, patience: Duration) -> Result<bool> {
    Init::find(record)?.map_or(Ok(true), |init| init.wait(Some(Instant::now() + patience)))
}

/// Why nobody hears our word: the container has just ended, or another command had given the word, and was ended itself.
fn unheard(record: &Record, id: &Id) -> Result<Error> {
    Ok(if await_end(record, MOMENT)? {
        Error::new(id.as_str(), "the container ended before it could be started")
    } else {
        not_created(id, Status::Running)
    })
}

fn not_created(id: &Id, status: Status) -> Error {
    Error::new(id.as_str(), format!("can't be started: it is {status}, not created"))
}

/// What a hook that fails at start leads to: the container is stopped and deleted, and the poststop hooks run (spec 1.3:
/// runtime, Lifecycle 7 and 9).
fn end_of_life(entry: &Entry, record: &Record, error: Error) -> Error {
    match delete::destroy(entry, record) {
        Ok(warnings) => {
            for warning in warnings {
                tracing::warn!("{warning}");
            }
            error
        }
        Err(also) => Error { problems: [error.problems, also.problems].concat(), ..also },
    }
}

/// Runs the poststart hooks. One that fails is the end of the container, which is the caller's to bring about.
pub fn poststart(record: &Record) -> Result<()> {
    if record.poststart.is_empty() {
        return Ok(());
    }
    let started: Vec<Hook> = record.poststart.iter().map(Hook::from).collect();
    hooks::run(&started, "poststart", &State::for_hooks(record, Status::Running), None)
}
