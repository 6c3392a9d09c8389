//! `run`: create, start, wait, delete.

use std::os::fd::OwnedFd;

use super::agent::Agent;
use super::create::{Waiting, make};
use super::foreground::console;
use super::foreground::terminal::own_size;
use super::prepared::Prepared;
use super::service::sd_notify::Notify;
use super::{CreateRequest, State, delete, own_cgroup, start};
use crate::error::{Error, Result};
use crate::launch::Child;
use crate::state::{Record, Status, Store};

/// Runs a container. In the foreground it passes on signals and the terminal, and returns the exit status of the
/// container's program; it is deleted then, unless `keep`. Detached it returns 0 as soon as the program has begun.
pub fn run(store: &Store, request: &CreateRequest, detach: bool, keep: bool) -> Result<u8> {
    let prepared = Prepared::to_run(store, request)?;
    prepared.mention();
    if detach { detached(store, request, &prepared) } else { attended(store, request, prepared, keep) }
}

fn detached(store: &Store, request: &CreateRequest, prepared: &Prepared) -> Result<u8> {
    let console = console::detached(request.console_socket.as_deref(), prepared.plan.process.terminal, || {
        Error::new("process.terminal", "there is nobody to hold the terminal of a detached container")
            .hint("give --console-socket, set it to false, or run it in the foreground")
    })?;
    let agent = Agent::connect(prepared.plan.listener.as_ref())?;
    let child = make(store, request, prepared, console, Waiting::ForUs)?;
    let Some(notify) = begin(store, request, prepared, agent, &child)? else { return Ok(0) };
    let ready = notify.wait_ready(&request.id, child.pid(), child.pidfd());
    if ready.is_err() {
        remove(store, request)?;
    }
    ready.map(|()| 0)
}

fn attended(store: &Store, request: &CreateRequest, mut prepared: Prepared, keep: bool) -> Result<u8> {
    let terminal = prepared.plan.process.terminal;
    if terminal && request.console_socket.is_none() {
        // Ours wins over the config's: it is what the user sees.
        prepared.plan.process.console_size = own_size().or(prepared.plan.process.console_size);
    }
    let (mut foreground, console) = console::attended(request.console_socket.as_deref(), terminal)?;
    let agent = Agent::connect(prepared.plan.listener.as_ref())?;
    let child = make(store, request, &prepared, console, Waiting::ForUs)?;
    let status = foreground
        .attach()
        .and_then(|()| begin(store, request, &prepared, agent, &child))
        .and_then(|notify| foreground.attend(&child, notify.as_ref()));
    if status.is_err() {
        child.end();
    }
    drop(foreground);
    if let Ok(KILLED) = status {
        tell_of_memory(store, request);
    }
    match status {
        Ok(status) if keep => remember(store, request, status)?,
        _ => remove(store, request)?,
    }
    status
}

/// The exit status of a process that SIGKILL ended.
const KILLED: u8 = 128 + 9;

/// Says so if it was the kernel that killed in the container, for lack of memory: a status of 137 alone tells nobody.
fn tell_of_memory(store: &Store, request: &CreateRequest) {
    // It is a help, and no more: what can't be read is not told.
    let record = store.open_entry(&request.id).and_then(|entry| entry.read());
    let Some(cgroup) = record.ok().and_then(|record| own_cgroup(&record).ok().flatten()) else { return };
    let memory = cgroup.memory();
    if memory.oom_kills > 0 {
        let limit = memory.limit.is_some();
        let place = if limit { "linux.resources.memory.limit: " } else { "" };
        tracing::warn!("{place}the container was killed for lack of memory ({memory})");
    }
}

/// Keeps the exit status for `wait`: we were the one who was told.
fn remember(store: &Store, request: &CreateRequest, status: u8) -> Result<()> {
    let entry = store.open_entry(&request.id)?;
    let _lock = entry.lock()?;
    entry.write(&Record { exit_status: Some(status), ..entry.read()? })
}

/// Gives the word to start, and runs the poststart hooks. What does not begin is removed. The socket on which the
/// container says that it is ready comes back, if somebody wants to know.
fn begin(
    store: &Store,
    request: &CreateRequest,
    prepared: &Prepared,
    agent: Option<Agent<'_>>,
    child: &Child,
) -> Result<Option<Notify>> {
    let asked = agent.is_some();
    let mut agent = agent;
    let mut hand_over = |filter: OwnedFd| {
        let record = store.open_entry(&request.id)?.read()?;
        let state = State::for_hooks(&record, Status::Created);
        agent.take().map_or(Ok(()), |agent| agent.hand_over(&filter, child.pid(), &state))
    };
    let begun = (|| {
        let notify = if prepared.notifies { Notify::listen(&store.open_entry(&request.id)?)? } else { None };
        child.start(&prepared.plan, asked.then_some(&mut hand_over as _))?;
        if !prepared.plan.hooks.poststart.is_empty() {
            start::poststart(&store.open_entry(&request.id)?.read()?)?;
        }
        Ok(notify)
    })();
    if begun.is_err() {
        child.end();
        remove(store, request)?;
    }
    begun
}

fn remove(store: &Store, request: &CreateRequest) -> Result<()> {
    for warning in delete::delete(store, &request.id, true)? {
        tracing::warn!("{warning}");
    }
    Ok(())
}
