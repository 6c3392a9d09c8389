//! The systemd driver's half of the plan: the unit that systemd is asked for, and its properties.
//!
//! Here `linux.cgroupsPath` is `slice:prefix:name`, and limits are said twice: to systemd as properties of the unit, so
//! that it knows them and keeps them (a daemon-reload writes all that it knows anew), and to the kernel as ever, since
//! systemd knows only some and rounds others.
//!
//! Sources: systemd.resource-control(5), org.freedesktop.systemd1(5), systemd.unit(5) for names.

use std::collections::HashMap;
use std::path::PathBuf;

use oci_spec::runtime::Linux;
use serde::{Deserialize, Serialize};

use super::{Place, device_rules};
use crate::error::Problem;

mod annotations;
mod devices;
mod name;
mod properties;
mod value;

pub use annotations::{PREFIX as ANNOTATION, asked as annotated};
pub use devices::changed_devices;
pub use properties::{idle, properties};
pub use value::{Property, Value};

/// Who makes the cgroup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Driver<'a> {
    /// We do.
    #[default]
    Cgroupfs,
    /// systemd does (`--systemd-cgroup`).
    Systemd {
        /// The user's own manager, not the machine's.
        user: bool,
        /// Properties that annotations may set, by root's leave.
        allowed: &'a [String],
    },
}

/// What finds a unit again, and tells whether it is still the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Its name.
    pub name: String,
    /// Whether it is a unit of the user's own manager.
    pub user: bool,
    /// Its description, which no other unit has.
    pub description: String,
}

/// A transient unit, to be started by systemd.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// The unit's name; `None` if it is to be named after the container.
    name: Option<String>,
    /// The slice that it lies in, by its full name: `kubepods-pod1.slice`; `-.slice` is the root.
    pub slice: String,
    /// Whether the user's own manager is asked.
    pub user: bool,
    /// All but those that only the asking makes known: description, slice and processes.
    pub properties: Vec<Property>,
}

impl Unit {
    /// The unit that `linux` asks for; `settings` are its limits as they are written to files. What is not done comes back
    /// beside it, for the log.
    ///
    /// # Errors
    /// All problems of `cgroupsPath`, of device rules and of annotations that are allowed.
    pub(super) fn new(
        linux: &Linux,
        annotations: Option<&HashMap<String, String>>,
        settings: &[super::Setting],
        user: bool,
        allowed: &[String],
    ) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let mut problems = Vec::new();
        let path = linux.cgroups_path().as_deref();
        let named = name::parse(path, user).map_err(|problem| problems.push(problem));
        let none = oci_spec::runtime::LinuxResources::default();
        let resources = linux.resources().as_ref().unwrap_or(&none);
        let rules = device_rules::rules(resources).map_err(|wrong| problems.extend(wrong));
        let asked = annotations::properties(annotations, allowed).map_err(|wrong| problems.extend(wrong));
        let (Ok((slice, name)), Ok(rules), Ok((asked, notes))) = (named, rules, asked) else {
            return Err(problems);
        };
        let mut all = vec![
            Property::new("DefaultDependencies", Value::Flag(false)),
            // A unit that failed is forgotten like any other: it is in nobody's way, and nothing is left.
            Property::new("CollectMode", Value::Text("inactive-or-failed".into())),
        ];
        all.extend(
            ["CPUAccounting", "MemoryAccounting", "TasksAccounting", "IOAccounting"]
                .map(|name| Property::new(name, Value::Flag(true))),
        );
        let unit = Self { name, slice, user, properties: Vec::new() };
        if !unit.is_slice() {
            all.push(Property::new("Delegate", Value::Flag(true)));
        }
        // A user's manager may not load device programs; it would only complain in its log.
        if !user {
            all.extend(devices::properties(&rules));
        }
        all.extend(properties(settings));
        all.extend(asked);
        Ok((Self { properties: latest(all), ..unit }, notes))
    }

    /// Its name, for the container `id`: `docker-ID.scope`.
    pub fn name(&self, id: &str) -> String {
        self.name.clone().unwrap_or_else(|| format!("onggi-{}.scope", name::escape(id)))
    }

    /// What finds it again: with the time at which the container was `created` the description is like no other.
    pub fn reference(&self, id: &str, created: &str) -> Reference {
        Reference { name: self.name(id), user: self.user, description: format!("onggi container {id} ({created})") }
    }

    /// Whether it is a slice. A slice is named after its place, and can be given no processes when it starts.
    pub fn is_slice(&self) -> bool {
        self.name.as_ref().is_some_and(|name| name.ends_with(name::SLICE))
    }

    /// Where its cgroup lies below that of its manager: `kubepods.slice/kubepods-pod1.slice/cri-ID.scope`.
    pub fn path(&self, id: &str) -> PathBuf {
        let name = self.name(id);
        if self.is_slice() { name::expand(&name) } else { name::expand(&self.slice).join(name) }
    }
}

impl Place {
    /// The unit, if systemd makes it.
    pub fn unit(&self) -> Option<&Unit> {
        match self {
            Self::Systemd(unit) => Some(unit),
            _ => None,
        }
    }
}

/// Of properties that are there more than once the last.
fn latest(all: Vec<Property>) -> Vec<Property> {
    let mut kept: Vec<Property> = Vec::with_capacity(all.len());
    for property in all {
        kept.retain(|earlier| earlier.name != property.name);
        kept.push(property);
    }
    kept
}

#[cfg(test)]
mod tests;
