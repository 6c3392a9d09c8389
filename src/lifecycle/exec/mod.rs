//! `exec`: one more process in a container.

mod cgroup;
mod process;

use std::os::fd::OwnedFd;
use std::time::Instant;

use super::agent::Agent;
use super::create::tell_pid;
use super::foreground::terminal::own_size;
use super::foreground::{Foreground, console};
use super::prepared::planned_to_join;
use super::service::activation::Activation;
use super::{ExecRequest, State, resctrl};
use crate::cgroup::systemd;
use crate::error::{Error, Result};
use crate::launch::{self, Arming, Instead, Interrupts, Joining, Purpose};
use crate::state::{Id, Init, Status, Store};

/// Runs a process in container `id`. In the foreground its exit status is returned; detached 0, once it has begun.
pub fn exec(store: &Store, id: &Id, request: &ExecRequest) -> Result<u8> {
    let entry = store.open_entry(id)?;
    let (record, status) = entry.look()?;
    allowed(id, status, request)?;
    let init = Init::find(&record)?.ok_or_else(|| Error::new(id.as_str(), "container not running"))?;
    let (bundle, host, mut plan) = planned_to_join(&entry, &record)?;
    let activation = Activation::of_caller()?;
    plan.process = process::process(&bundle, &plan, &host, request, activation.as_ref())?;
    let cgroup = cgroup::cgroup(&record, request)?;
    if let (Some(unit), Some(cgroup)) = (&record.systemd, &cgroup) {
        systemd::near(unit, cgroup)?;
    }
    let terminal = plan.process.terminal;
    if terminal && request.console_socket.is_none() && plan.process.console_size.is_none() {
        plan.process.console_size = own_size();
    }
    let (mut foreground, console) = console(request, terminal)?;
    let mut agent = Agent::connect(plan.listener.as_ref())?;
    let pidfd = init.pidfd().try_clone_to_owned().map_err(|cause| Error::io(id.as_str(), "can't be entered", cause))?;
    let instead: Option<Instead<'_>> = match (&cgroup, &request.cgroup[..]) {
        (Some(own), []) => Some(Box::new(|| own.of_process_below(init.pid()))),
        _ => None,
    };
    let armed = launch::arm(Arming {
        plan: &plan,
        host: &host,
        cgroup: cgroup.as_ref(),
        console,
        preserve_fds: request.preserve_fds.saturating_add(activation.map_or(0, |activation| activation.count)),
        new_keyring: true,
        resctrl: resctrl::tasks(&record.resctrl)?,
        purpose: Purpose::Join(Joining { init: pidfd, instead }),
    })?;
    let child = launch::spawn(armed, &Interrupts::hold()?, &mut |_| Ok(())).map_err(|error| {
        // Whatever it was that could not be entered: it was the container's end.
        let ended = init.wait(Some(Instant::now())).is_ok_and(|ended| ended);
        if ended { Error::new(id.as_str(), "container not running").hint("it has just ended") } else { error }
    })?;
    let mut hand_over = |filter: OwnedFd| {
        let state = State::for_hooks(&record, status);
        agent.take().map_or(Ok(()), |agent| agent.hand_over(&filter, child.pid(), &state))
    };
    let agent = plan.listener.as_ref().map(|_| &mut hand_over as _);
    let begun = child
        .becomes_program(&plan, agent)
        .and_then(|()| tell_pid(&child, request.pidfd_socket.as_deref(), request.pid_file.as_deref()));
    let ended = begun.and_then(|()| match &mut foreground {
        None => Ok(0),
        Some(foreground) => foreground.attach().and_then(|()| foreground.attend(&child, None)),
    });
    if ended.is_err() {
        child.end();
    }
    ended
}

/// Whether a process may be run in a container that is `status`.
fn allowed(id: &Id, status: Status, request: &ExecRequest) -> Result<()> {
    match status {
        Status::Running | Status::Created => Ok(()),
        Status::Paused if request.ignore_paused => Ok(()),
        Status::Paused => Err(Error::new(id.as_str(), "container is paused")
            .hint(format!("`onggi resume {id}`, or --ignore-paused to wait in it"))),
        Status::Creating => Err(Error::new(id.as_str(), "container is still being created")),
        Status::Stopped => Err(Error::new(id.as_str(), "container not running")
            .hint("it has ended; `onggi delete` it, and `onggi run` it anew")),
    }
}

/// Who stays with the process, and who gets its terminal.
fn console(request: &ExecRequest, terminal: bool) -> Result<(Option<Foreground>, Option<OwnedFd>)> {
    let socket = request.console_socket.as_deref();
    if request.detach {
        let console = console::detached(socket, terminal, || {
            Error::new("--detach", "there is nobody to hold the terminal of a detached process")
                .hint("give --console-socket, or leave out --tty or --detach")
        });
        return console.map(|console| (None, console));
    }
    console::attended(socket, terminal).map(|(foreground, console)| (Some(foreground), console))
}
