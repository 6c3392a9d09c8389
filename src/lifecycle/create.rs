//! `create`: from a bundle to a container that waits to be started.

use std::cell::Cell;
use std::ffi::CString;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::SystemTime;

use tracing::{debug, warn};

use super::activation::Activation;
use super::making::Making;
use super::{CreateRequest, State, hooks, resctrl, sd_notify, sockets};
use crate::bundle::Bundle;
use crate::error::{Error, Result};
use crate::launch::{self, Arming, Child, Interrupts};
use crate::plan::cgroup::{Driver, systemd};
use crate::plan::{Host, Plan};
use crate::state::{Entry, Record, SavedHook, Stat, Status, Store, time};

/// Creates the container: when this returns, it is complete and waits for `start`. After an error nothing of it is left.
pub fn create(store: &Store, request: &CreateRequest) -> Result<()> {
    let prepared = Prepared::new(store, request)?;
    let console = match (&request.console_socket, prepared.plan.process.terminal) {
        (Some(path), true) => Some(sockets::connect(path, "--console-socket")?),
        (None, false) => None,
        (Some(_), false) => {
            return Err(Error::new("--console-socket", "the process has no terminal to send there")
                .hint("set process.terminal to true, or leave the option out"));
        }
        (None, true) => {
            return Err(Error::new("process.terminal", "there is nobody to hold the terminal of a detached container")
                .hint("give --console-socket, set it to false, or use `onggi run` in the foreground"));
        }
    };
    make(store, request, &prepared, console, Waiting::ForStart).map(drop)
}

/// What can be known of a container before anything is done.
pub struct Prepared {
    /// Its bundle.
    pub bundle: Bundle,
    /// Its plan.
    pub plan: Plan,
    /// This host.
    pub host: Host,
    /// How many descriptors from 3 on the program inherits: those of socket activation, and those that were asked for.
    pub preserve_fds: u32,
    /// Whether it has a place for a socket on which it says that it is ready.
    pub notifies: bool,
}

impl Prepared {
    /// Reads and checks the bundle, and decides everything.
    pub fn new(store: &Store, request: &CreateRequest) -> Result<Self> {
        let mut bundle = Bundle::load(&request.bundle)?;
        let activation = Activation::of_caller()?;
        if let (Some(activation), Some(process)) = (&activation, bundle.spec.process_mut()) {
            let env = process.env().iter().flatten().cloned().chain(activation.variables()).collect();
            process.set_env(Some(env));
        }
        let notifies = sd_notify::wanted() && bundle.makes_mounts();
        if notifies {
            sd_notify::add(&mut bundle.spec, store, &request.id)?;
        }
        let host = Host::probe().for_spec(&bundle.spec);
        let plan = planned(&bundle, &host, request.systemd_cgroup)?;
        for warning in &plan.warnings {
            warn!("{warning}");
        }
        for note in &plan.cgroup.notes {
            debug!("{note}");
        }
        if let Some(filter) = plan.seccomp.as_ref().filter(|filter| !filter.ignored.is_empty()) {
            debug!("linux.seccomp: no architecture here has the system calls {}", filter.ignored.join(", "));
        }
        let preserve_fds = request.preserve_fds.saturating_add(activation.map_or(0, |activation| activation.count));
        Ok(Self { bundle, plan, host, preserve_fds, notifies })
    }
}

/// Root's leave for annotations: the properties of systemd units that they may set, one a line.
const ALLOWED: &str = "/etc/onggi/systemd-properties";

/// The plan of a bundle, with systemd to make the cgroup or not.
pub fn planned(bundle: &Bundle, host: &Host, by_systemd: bool) -> Result<Plan> {
    if !by_systemd {
        return Plan::new(bundle, host);
    }
    let allowed = if systemd::annotated(&bundle.spec) { allowed()? } else { Vec::new() };
    Plan::with(bundle, host, Driver::Systemd { user: host.euid != 0 || !host.initial, allowed: &allowed })
}

/// The plan once more, from the config as it was when the container was created.
pub fn planned_before(entry: &Entry, record: &Record) -> Result<(Bundle, Host, Plan)> {
    let bundle = Bundle::parse(record.bundle.clone(), entry.config()?)?;
    let host = Host::probe().for_spec(&bundle.spec);
    let driver = match &record.systemd {
        Some(unit) => Driver::Systemd { user: unit.user, allowed: &[] },
        None => Driver::Cgroupfs,
    };
    let plan = Plan::with(&bundle, &host, driver)?;
    Ok((bundle, host, plan))
}

/// The names in [`ALLOWED`]; none without the file, so that annotations change nothing unless somebody wants them to.
fn allowed() -> Result<Vec<String>> {
    let text = match std::fs::read_to_string(ALLOWED) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(|cause| Error::io(ALLOWED, "can't be read", cause))?,
    };
    let names = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(names.filter(|name| !name.is_empty()).map(str::to_owned).collect())
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
    let entry = store.claim(&request.id)?;
    let _lock = entry.lock()?;
    let interrupts = Interrupts::hold()?;
    // In the container's namespaces the child runs them itself; how far it came is not known here.
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
    let start = match waiting {
        Waiting::ForStart => Some(listen(&entry)?),
        Waiting::ForUs => None,
    };
    let arming = Arming {
        plan,
        cgroup: cgroup.map(crate::cgroup::Cgroup::path),
        privileged: host.privileged(),
        lenient: !host.root(),
        console,
        start,
        preserve_fds: prepared.preserve_fds,
        no_pivot: request.no_pivot,
        new_keyring: !request.no_new_keyring,
        resctrl: resctrl::tasks(&record.resctrl)?,
        hook_states: hook_states(plan, &record)?,
    };
    let armed = launch::arm(arming)?;
    hooked.set(!plan.hooks.create_container.is_empty());
    let mut moved = None;
    let mut run_hooks = |pid: i32| {
        if !plan.net_devices.is_empty() {
            moved = Some(launch::net::move_in(&plan.net_devices, pid)?);
        }
        hooked.set(true);
        let state = State::for_hooks(&Record { pid: Some(pid), ..record.clone() }, Status::Creating);
        hooks::run(&plan.hooks.prestart, "prestart", &state, Some(&interrupts))?;
        hooks::run(&plan.hooks.create_runtime, "createRuntime", &state, Some(&interrupts))
    };
    let child = launch::spawn(armed, plan, cgroup, host, &interrupts, &mut run_hooks)?;
    let child = making.child(child)?;
    record.pid = Some(child.pid());
    record.start_time = Stat::of(child.pid()).map(|stat| stat.start_time);
    entry.write(&record)?;
    if let Some(path) = &request.pidfd_socket {
        sockets::send(path, "--pidfd-socket", child.pidfd())?;
    }
    if let Some(path) = &request.pid_file {
        write_pid(path, child.pid())?;
    }
    if let Some(moved) = moved {
        moved.leave();
    }
    Ok(making.done())
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

/// The socket that `start` connects to. Its path goes by way of the directory's descriptor: addresses are short.
fn listen(entry: &Entry) -> Result<OwnedFd> {
    UnixListener::bind(entry.start_socket())
        .map(OwnedFd::from)
        .map_err(|cause| Error::io(entry.id().as_str(), "can't make the start socket", cause))
}

/// Writes `pid` in digits only; the file is complete or not there.
pub fn write_pid(path: &Path, pid: i32) -> Result<()> {
    let failed = |cause: std::io::Error| Error::io("--pid-file", format!("{} can't be written", path.display()), cause);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!(".{name}.{pid}"));
    File::create_new(&aside).and_then(|mut file| write!(file, "{pid}")).map_err(failed)?;
    std::fs::rename(&aside, path).map_err(failed)
}
