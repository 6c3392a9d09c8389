//! `update`: other limits for a container that runs.

use oci_spec::runtime::LinuxResources;

use crate::bundle;
use crate::cgroup::{Cgroup, systemd};
use crate::error::{Error, Problem, Result};
use crate::lifecycle::{own_cgroup, resctrl};
use crate::plan::Host;
use crate::plan::cgroup::systemd::changed_devices;
use crate::plan::cgroup::{Setting, devices, limits};
use crate::state::{Id, Status, Store};

/// Changes what `json` names, in the form of `linux.resources`, and leaves all else as it is; `file` is its name for
/// errors. Zero, null and empty ask for nothing. `schemata` are lines for the container's resctrl group, each with the flag
/// that it was given by. After an error all is as it was.
pub fn update(store: &Store, id: &Id, json: &[u8], file: &str, schemata: &[(&str, &str)]) -> Result<()> {
    let entry = store.open_entry(id)?;
    let _lock = entry.lock()?;
    let (record, status) = entry.look()?;
    if matches!(status, Status::Stopped | Status::Creating) {
        return Err(Error::new(id.as_str(), "container not running"));
    }
    let (mut resources, warnings) = bundle::load_resources(json, file, &record.oci_version)?;
    let cgroup = own_cgroup(&record)?.ok_or_else(|| {
        Error::new(id.as_str(), "has no cgroup of its own, so no limit can be set")
            .hint("an ordinary user needs a delegated cgroup: systemd-run --user --scope -p Delegate=yes")
    })?;
    complete_swap(&mut resources, &cgroup);
    let problems = |problems| Error { problems, status: 1 };
    let (mut settings, notes) = limits(&resources).map_err(problems)?;
    for warning in warnings {
        // The file has no `linux` around its resources.
        tracing::warn!("{}", warning.to_string().replace("linux.resources", "resources"));
    }
    for note in &notes {
        tracing::debug!("{note}");
    }
    complete_quota(&mut settings, &resources, &cgroup);
    // Rules are replaced as a whole; without any, those that hold go on to.
    let rules = resources.devices().as_ref().filter(|rules| !rules.is_empty());
    let devices = rules.map(|_| devices(&resources)).transpose().map_err(problems)?;
    // In a user namespace nobody can make device nodes, and the kernel lets nobody attach a program.
    let devices = devices.filter(|_| Host::probe().root());
    let write = || cgroup.update(&settings, devices.as_ref());
    let before = resctrl::change(&record.resctrl, schemata)?;
    let done = match &record.systemd {
        // systemd has to know, or its next reload brings the old limits back.
        Some(unit) => {
            let rules = rules.map(|_| changed_devices(&resources)).transpose().map_err(problems)?;
            systemd::update(unit, &settings, &rules.unwrap_or_default(), &cgroup, write)
        }
        None => write(),
    };
    if let (Err(_), Some(before)) = (&done, before) {
        before.restore();
    }
    done
}

/// The limit of memory and swap together, given alone, needs the one for memory that holds.
fn complete_swap(resources: &mut LinuxResources, cgroup: &Cgroup) {
    let Some(memory) = resources.memory_mut().as_mut() else { return };
    if memory.swap().is_some_and(|swap| swap > 0) && memory.limit().unwrap_or(0) == 0 {
        memory.set_limit(cgroup.memory().limit.and_then(|limit| i64::try_from(limit).ok()));
    }
}

/// A period, given alone, keeps the quota that holds.
fn complete_quota(settings: &mut [Setting], resources: &LinuxResources, cgroup: &Cgroup) {
    if resources.cpu().as_ref().is_some_and(|cpu| cpu.quota().unwrap_or(0) != 0) {
        return;
    }
    let Some(setting) = settings.iter_mut().find(|setting| setting.place == "linux.resources.cpu.period") else {
        return;
    };
    if let (Some(quota), Some((_, period))) = (cgroup.quota(), setting.value.split_once(' ')) {
        setting.value = format!("{quota} {period}");
    }
}

/// Renames the places of `error`, as the caller of `update` knows them.
#[must_use]
pub fn renamed(mut error: Error, name: impl Fn(&str) -> Option<String>) -> Error {
    for Problem { place, .. } in &mut error.problems {
        if let Some(name) = name(place) {
            *place = name;
        }
    }
    error
}
