//! What is decided before anything is done: the bundle read, the host asked, the plan made.

use tracing::debug;

use super::CreateRequest;
use super::service::activation::Activation;
use super::service::sd_notify;
use crate::bundle::Bundle;
use crate::bundle::check::no_process;
use crate::error::{Error, Result};
use crate::plan::cgroup::{Driver, systemd};
use crate::plan::{Host, Plan};
use crate::state::{Entry, Record, Store};

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
            activation.tell(process);
        }
        let notifies = sd_notify::wanted() && bundle.makes_mounts();
        if notifies {
            sd_notify::add(&mut bundle.spec, store, &request.id)?;
        }
        let host = Host::probe().for_spec(&bundle.spec);
        let plan = planned(&bundle, &host, request.systemd_cgroup)?;
        let preserve_fds = request.preserve_fds.saturating_add(activation.map_or(0, |activation| activation.count));
        Ok(Self { bundle, plan, host, preserve_fds, notifies })
    }

    /// The same of a container that is to be started as well.
    pub fn to_run(store: &Store, request: &CreateRequest) -> Result<Self> {
        let prepared = Self::new(store, request)?;
        match prepared.bundle.spec.process() {
            Some(_) => Ok(prepared),
            None => Err(no_process("is missing").into()),
        }
    }

    /// Says what a careful colleague would mention.
    pub fn mention(&self) {
        for warning in &self.plan.warnings {
            warning.warn();
        }
        if let Some(filter) = self.plan.seccomp.as_ref().filter(|filter| !filter.ignored.is_empty()) {
            debug!("linux.seccomp: no architecture here has the system calls {}", filter.ignored.join(", "));
        }
    }
}

/// Which properties of systemd units annotations may set, one a line: root's decision.
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
pub fn planned_before(entry: &Entry, record: &Record) -> Result<Plan> {
    let bundle = Bundle::parse(record.bundle.clone(), entry.config()?)?;
    let host = Host::probe().for_spec(&bundle.spec);
    planned_for(record, &bundle, &host)
}

/// The same for one more process, without what was done once for all of them: no time is spent on it.
pub fn planned_to_join(entry: &Entry, record: &Record) -> Result<(Bundle, Host, Plan)> {
    let mut bundle = Bundle::parse(record.bundle.clone(), entry.config()?)?;
    bundle.spec.set_mounts(None).set_hooks(None);
    if let Some(linux) = bundle.spec.linux_mut() {
        linux.set_devices(None).set_masked_paths(None).set_readonly_paths(None).set_sysctl(None).set_net_devices(None);
        if let Some(resources) = linux.resources_mut() {
            resources.set_devices(None);
        }
    }
    let host = Host::probe().for_spec(&bundle.spec);
    let plan = planned_for(record, &bundle, &host)?;
    Ok((bundle, host, plan))
}

fn planned_for(record: &Record, bundle: &Bundle, host: &Host) -> Result<Plan> {
    let driver = match &record.systemd {
        Some(unit) => Driver::Systemd { user: unit.user, allowed: &[] },
        None => Driver::Cgroupfs,
    };
    Plan::with(bundle, host, driver)
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
