//! `create`: from a bundle to a container that waits to be started.

use std::cell::Cell;
use std::ffi::CString;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::SystemTime;

use super::agent::Agent;
use super::foreground::console;
use super::making::Making;
use super::namespaced::Namespaced;
use super::prepared::Prepared;
use super::service::sd_notify;
use super::{CreateRequest, State, resctrl, sockets};
use crate::error::{Error, Result};
use crate::launch::{self, Arming, Child, Creating, Interrupts, Purpose};
use crate::plan::Plan;
use crate::state::{Entry, Record, SavedHook, Stat, Status, Store, time};

/// Creates the container: when this returns, it is complete and waits for `start`. After an error nothing of it is left.
pub fn create(store: &Store, request: &CreateRequest) -> Result<()> {
    let prepared = Prepared::new(store, request)?;
    prepared.mention();
    let console = console::detached(request.console_socket.as_deref(), prepared.plan.process.terminal, || {
        Error::new("process.terminal", "there is nobody to hold the terminal of a detached container")
            .hint("give --console-socket, set it to false, or use `onggi run` in the foreground")
    })?;
    make(store, request, &prepared, console, Waiting::ForStart).map(drop)
}

/// How the container learns that it is to start.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// By another command, over the socket in its state directory.
    ForStart,
    /// By this one.
    ForUs,
}

/// Makes the container, up to where it waits. If anything fails, all of it is undone.
pub fn make(
    store: &Store,
    request: &CreateRequest,
    prepared: &Prepared,
    console: Option<OwnedFd>,
    waiting: Waiting,
) -> Result<Child> {
    let Prepared { bundle, plan, host, .. } = prepared;
    let groups = match &plan.rdt {
        Some(rdt) => Some(resctrl::Groups::intended(&resctrl::find()?, rdt, request.id.as_str())?),
        None => None,
    };
    let interrupts = Interrupts::hold()?; // before there is anything to undo
    let entry = store.claim(&request.id)?;
    let _lock = entry.lock().inspect_err(|_| drop(entry.remove()))?;
    let hooked = Cell::new(false);
    let mut making = Making::new(&entry, &hooked);
    let mut record = intent(request, prepared);
    entry.save_config(&bundle.config)?;
    if prepared.notifies {
        sd_notify::make_directory(&entry)?;
    }
    if let Some(groups) = &groups {
        making.resctrl(groups, &mut record)?;
    }
    let cgroup = making.cgroup(plan, host, request, &mut record, &interrupts)?;
    let start = if waiting == Waiting::ForStart { Some(entry.listen()?) } else { None };
    let arming = Arming {
        plan,
        host,
        cgroup,
        console,
        preserve_fds: prepared.preserve_fds,
        new_keyring: !request.no_new_keyring,
        resctrl: resctrl::tasks(&record.resctrl)?,
        purpose: Purpose::Create(Creating {
            start,
            no_pivot: request.no_pivot,
            hook_states: hook_states(plan, &record)?,
        }),
    };
    let armed = launch::arm(arming)?;
    // Its filter is loaded before it waits, so its agent must be there by now. `run` has called it already.
    let asks = armed.is_answered() && waiting == Waiting::ForStart;
    let agent = Agent::connect(plan.listener.as_ref().filter(|_| asks))?;
    // The child runs these itself, and how far it comes is not known here.
    hooked.set(!plan.hooks.create_container.is_empty());
    let mut namespaced = Namespaced { plan, record: &record, interrupts: &interrupts, hooked: &hooked, moved: None };
    let child = launch::spawn(armed, &interrupts, &mut |pid| namespaced.complete(pid))?;
    let moved = namespaced.moved;
    let child = making.child(child)?;
    fill_in(&mut record, child, agent)?;
    write_down(&entry, &record, child, waiting)?;
    tell_pid(child, request.pidfd_socket.as_deref(), request.pid_file.as_deref())?;
    if let Some(moved) = moved {
        moved.leave();
    }
    Ok(making.done())
}

/// What is known of the container now that it waits. If its filter is loaded already, `agent` gets its listener: `start`
/// has none to give.
fn fill_in(record: &mut Record, child: &Child, agent: Option<Agent<'_>>) -> Result<()> {
    record.pid = Some(child.pid());
    let hidden = || {
        Error::new(format!("/proc/{}", child.pid()), "is not there, though the container's process is").hint(
            "/proc must be mounted for this pid namespace, and show this user's processes: see hidepid in proc(5)",
        )
    };
    record.start_time = Some(Stat::of(child.pid())?.ok_or_else(hidden)?.start_time);
    if let (Some(agent), Some(filter)) = (agent, child.take_listener()) {
        agent.hand_over(&filter, child.pid(), &State::for_hooks(record, Status::Creating))?;
        record.listener = None;
    }
    Ok(())
}

/// From here on others can find the container, and one that waits for `start` no longer ends with us.
fn write_down(entry: &Entry, record: &Record, child: &Child, waiting: Waiting) -> Result<()> {
    entry.write(record)?;
    if waiting == Waiting::ForStart { child.leave() } else { Ok(()) }
}

/// What is remembered before the first side effect.
fn intent(request: &CreateRequest, prepared: &Prepared) -> Record {
    let Prepared { bundle, plan, host, .. } = prepared;
    let saved = |hooks: &[crate::plan::Hook]| hooks.iter().map(SavedHook::from).collect();
    Record {
        version: crate::state::VERSION,
        id: request.id.as_str().to_owned(),
        bundle: bundle.path.clone(),
        rootfs: plan.rootfs.path.clone(),
        created: time::nanoseconds(SystemTime::now()),
        owner: host.euid,
        oci_version: bundle.spec.version().clone(),
        annotations: bundle
            .spec
            .annotations()
            .iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        rootless: !host.root(),
        user_namespace: plan.namespaces.has(libc::CLONE_NEWUSER),
        pid_namespace: plan.namespaces.has(libc::CLONE_NEWPID),
        listener: plan.listener.clone(),
        no_process: bundle.spec.process().is_none(),
        poststart: saved(&plan.hooks.poststart),
        poststop: saved(&plan.hooks.poststop),
        ..Record::default()
    }
}

/// The states that hooks in the container are given, cut in two where the pid goes: only the child knows it as the
/// container does.
fn hook_states(plan: &Plan, record: &Record) -> Result<[(CString, CString); 2]> {
    const CUT: &str = "\"pid\":-1";
    if plan.hooks.create_container.is_empty() && plan.hooks.start_container.is_empty() {
        return Ok(Default::default());
    }
    let record = Record { pid: Some(-1), ..record.clone() };
    let cut = |status| -> Result<_> {
        let json = serde_json::to_string(&State::for_hooks(&record, status))
            .map_err(|cause| Error::new("hooks", format!("the state can't be written: {cause}")))?;
        let (before, after) = json.split_once(CUT).unwrap_or_default();
        // JSON has no NUL.
        let text = |text: String| CString::new(text).unwrap_or_default();
        Ok((text(format!("{before}\"pid\":")), text(after.to_owned())))
    };
    Ok([cut(Status::Creating)?, cut(Status::Created)?])
}

/// Tells who the process is, as far as somebody wants to know: its pidfd to a socket, its number in a file.
pub fn tell_pid(child: &Child, pidfd_socket: Option<&Path>, pid_file: Option<&Path>) -> Result<()> {
    if let Some(path) = pidfd_socket {
        sockets::send(path, "--pidfd-socket", child.pidfd())?;
    }
    pid_file.map_or(Ok(()), |path| write_pid(path, child.pid()))
}

/// Writes `pid` in digits only; the file is complete or not there. What is there already is replaced if it is a file: a
/// device, a FIFO or a directory was not meant to be.
fn write_pid(path: &Path, pid: i32) -> Result<()> {
    let failed = |cause: std::io::Error| {
        let number = cause.raw_os_error();
        let error = Error::io("--pid-file", format!("{} can't be written", path.display()), cause);
        match number {
            Some(libc::ENOSPC | libc::EDQUOT) => error.hint("make room on that file system, or name a file elsewhere"),
            Some(libc::EMFILE | libc::ENFILE) => error,
            _ => error.hint("name a file in a directory that is there and can be written to"),
        }
    };
    let there = path.symlink_metadata().map(|there| there.file_type());
    if there.is_ok_and(|there| !there.is_file() && !there.is_symlink()) {
        let what = format!("{} is there already, and is no file", path.display());
        return Err(Error::new("--pid-file", what).hint("name a file that is to be made"));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!(".{name}.{pid}"));
    let written = File::create_new(&aside).and_then(|mut file| write!(file, "{pid}"));
    written.and_then(|()| std::fs::rename(&aside, path)).map_err(|cause| {
        let _ = std::fs::remove_file(&aside);
        failed(cause)
    })
}
