//! Cgroups that systemd makes: transient scopes, asked for over D-Bus.
//!
//! [`start`] has the unit that is planned started, and gives its cgroup, with its limits written; the container is born in it
//! as in any other, and then the [`Keeper`] goes. [`stop`] ends the unit. [`update`] has systemd know of limits that change.
//!
//! The talk with systemd is a client of our own, as small as what is needed: blocking, without threads, each wait with a
//! deadline ([`wire`] bytes, [`connection`] calls and signals, [`manager`] systemd's methods).
//!
//! May enter: `plan` (units and properties), the rest of `cgroup`.

use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use crate::error::{Error, Result};
use crate::plan::cgroup::systemd::{Property, Reference, Unit, Value, idle};
use crate::plan::cgroup::{self as plan, Setting};

use super::{Cgroup, Hierarchy, controllers};
use manager::{Manager, Start};
use placeholder::Placeholder;

mod address;
mod connection;
mod manager;
mod near;
mod placeholder;
mod update;
mod wire;

pub use near::near;
pub use update::update;

/// How often a name that others are about to give back is tried.
const ATTEMPTS: usize = 3;

/// Keeps a new scope alive as long as there is no container in it.
pub struct Keeper {
    placeholder: Option<Placeholder>,
    /// Limits on the number of processes, which count the placeholder as well.
    pids: Vec<Setting>,
}

impl Keeper {
    /// The container is there: the place is its own, and the limits on processes hold as they were meant.
    pub fn leave(mut self, cgroup: &Cgroup) -> Result<()> {
        drop(self.placeholder.take());
        cgroup.write(&self.pids)
    }
}

/// Has systemd start `unit`, and writes the limits of `plan` to its cgroup. Waiting for systemd ends when `interrupt` can be
/// read.
///
/// # Errors
/// If there is no systemd; if the name is taken; what systemd says, with the unit and the job; those of limits as of
/// [`Cgroup::create`]. Nothing of the unit is left then.
pub fn start(
    hierarchy: &Hierarchy,
    plan: &plan::Cgroup,
    unit: &Unit,
    reference: &Reference,
    interrupt: OwnedFd,
) -> Result<(Cgroup, Keeper)> {
    let mut manager = Manager::find(reference.user)?;
    manager.interrupted_by(interrupt);
    let placeholder = if unit.is_slice() { None } else { Some(Placeholder::start()?) };
    let properties = known(&mut manager, described(unit, reference, placeholder.as_ref()));
    begin(&mut manager, &reference.name, &properties)?;
    let begun = (|| {
        let kind = if unit.is_slice() { "Slice" } else { "Scope" };
        let cgroup = found(hierarchy, &reference.name, &manager.unit_property(&reference.name, kind, "ControlGroup")?)?;
        let names = cgroup.path().strip_prefix(hierarchy.path()).unwrap_or(Path::new("")).to_owned();
        controllers::enable(hierarchy, &names, &cgroup, &plan.settings)?;
        let pids: Vec<_> = plan.settings.iter().filter(|one| one.file == "pids.max").cloned().collect();
        let room = |setting: &Setting| match setting.value.trim().parse::<u64>() {
            Ok(limit) if setting.file == "pids.max" && placeholder.is_some() => {
                Setting { value: limit.saturating_add(1).to_string(), ..setting.clone() }
            }
            _ => setting.clone(),
        };
        cgroup.write(&plan.settings.iter().map(room).collect::<Vec<_>>())?;
        near(reference, &cgroup)?;
        Ok((cgroup, pids))
    })();
    match begun {
        Ok((cgroup, pids)) => {
            Ok((cgroup, Keeper { pids: if placeholder.is_some() { pids } else { Vec::new() }, placeholder }))
        }
        Err(error) => {
            drop(placeholder);
            // The error is the one to be told.
            let _ = manager.stop(&reference.name);
            Err(error)
        }
    }
}

/// Ends the unit, as far as it is still there. If it is not known for `sure` that the unit is this container's, because
/// creating it was interrupted, one of another description is left alone.
pub fn stop(reference: &Reference, sure: bool) -> Result<()> {
    let mut manager = Manager::find(reference.user)?;
    if !sure && manager.unit_property(&reference.name, "Unit", "Description")? != reference.description {
        return Ok(());
    }
    manager.stop(&reference.name)
}

/// All properties, with those that are known only now.
fn described(unit: &Unit, reference: &Reference, placeholder: Option<&Placeholder>) -> Vec<Property> {
    let mut all = vec![Property::new("Description", Value::Text(reference.description.clone()))];
    if let Some(placeholder) = placeholder {
        all.push(Property::new("Slice", Value::Text(unit.slice.clone())));
        all.push(Property::new("PIDs", Value::Words(vec![placeholder.pid()])));
    }
    all.extend(unit.properties.iter().cloned());
    all
}

/// Those that this systemd knows. All are as old as cgroup v2 in it, but one.
fn known(manager: &mut Manager, mut properties: Vec<Property>) -> Vec<Property> {
    /// The version that brought `CPUWeight=idle`.
    const IDLE: u32 = 252;
    if properties.contains(&idle()) && manager.version() < IDLE {
        properties.retain(|property| *property != idle());
    }
    properties
}

/// Starts a unit. Of a name that is taken the failed rest of another is cleared away, and the end of one that is ending is
/// waited for; one that runs is somebody's.
fn begin(manager: &mut Manager, name: &str, properties: &[Property]) -> Result<()> {
    for _ in 0..ATTEMPTS {
        if let Start::Started = manager.start(name, properties)? {
            return Ok(());
        }
        match manager.unit_property(name, "Unit", "ActiveState")?.as_str() {
            "failed" => manager.reset_failed(name)?,
            "inactive" | "deactivating" => manager.stop(name)?,
            state => {
                return Err(Error::new(
                    "linux.cgroupsPath",
                    format!("systemd has a unit {name} already, which is {state}"),
                )
                .hint("give each container a name of its own, or delete the one that has it"));
            }
        }
    }
    Err(Error::new("linux.cgroupsPath", format!("systemd has a unit {name} again and again"))
        .hint("give each container a name of its own"))
}

/// The unit's cgroup, by the path that systemd gives.
fn found(hierarchy: &Hierarchy, name: &str, path: &str) -> Result<Cgroup> {
    let below = Path::new(path.trim_start_matches('/'));
    let plain = below.components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || below.file_name() != Some(name.as_ref()) {
        return Err(Error::new(name, format!("systemd says that this unit's cgroup is {path:?}, which can't be")));
    }
    let path = hierarchy.path().join(below);
    Cgroup::open(&path)?.ok_or_else(|| {
        Error::new(name, format!("systemd has started this unit, but there is no cgroup {}", path.display()))
            .hint("systemd must use cgroup v2: boot with systemd.unified_cgroup_hierarchy=1")
    })
}
