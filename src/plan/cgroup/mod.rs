//! The container's place in the cgroup hierarchy: from the words of cgroup v1, in which config.json still speaks, to
//! files of cgroup v2 and what is written to them.
//!
//! Zero, null and empty mean that nothing is asked: engines send `memory: {}` and `cpu.shares: 0` for containers
//! without limits. What cgroup v2 has no counterpart for is an error, unless leaving it out takes nothing away that
//! anybody could rely on; then it is a note.
//!
//! Sources: runtime-spec config-linux; Documentation/admin-guide/cgroup-v2.rst.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::{Component, Path, PathBuf};

use oci_spec::runtime::{Linux, LinuxResources};

use crate::error::Problem;

mod cpu;
mod device_program;
mod device_rules;
mod io;
mod memory;
mod others;
pub mod systemd;
mod unified;

pub use device_program::{Instruction, Program};
pub use device_rules::{Access, DeviceKind, DeviceRule, forbidden};
pub use systemd::Driver;

/// Where the container lives, its limits and its devices.
#[derive(Clone, Debug, PartialEq)]
pub struct Cgroup {
    /// Its place in the hierarchy.
    pub place: Place,
    /// What is written to its files, in this order.
    pub settings: Vec<Setting>,
    /// The program that decides which devices may be made, read and written; it denies what no rule allows.
    pub devices: Program,
    /// What was asked for and is left out, as cgroup v2 has nothing like it; harmless, for the log.
    pub notes: Vec<Problem>,
}

/// A place in the cgroup hierarchy (`linux.cgroupsPath`).
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// Below the root of the cgroup v2 mount; stored without the leading slash, at least one component, all of them plain names.
    Root(PathBuf),
    /// Below the parent of the runtime's own cgroup; at least one component, all of them plain names.
    Relative(PathBuf),
    /// None given: the container's id, below the parent of the runtime's own cgroup.
    Unset,
    /// A unit of systemd's, which makes the cgroup (`--systemd-cgroup`).
    Systemd(systemd::Unit),
}

/// One write to a file of the cgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The controller that must be enabled for the file to be there, as in cgroup.controllers: `memory`; empty for the
    /// core's own files (`cgroup.max.depth`).
    pub controller: String,
    /// A plain file name: `memory.max`.
    pub file: String,
    /// What is written, in one write, without a newline.
    pub value: String,
    /// The JSON path that asks for it: `linux.resources.memory.limit`.
    pub place: String,
    /// What follows if the file is not there.
    pub absent: Absent,
    /// Refuse if more memory than `value` is in use already (`memory.checkBeforeUpdate`).
    pub check_usage: bool,
}

/// What follows if the file of a [`Setting`] is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    /// An error: this kernel can't do what is asked.
    Refuse,
    /// Nothing: what is asked, no limit, holds without it. So its controller need not be there either.
    Skip,
    /// This file and value are tried in its place, which are there on other kernels.
    Instead(String, String),
}

impl Setting {
    /// A setting whose file must be there.
    fn new(file: &str, value: impl Display, place: impl Into<String>) -> Self {
        let controller = file.split_once('.').map_or("", |(controller, _)| controller);
        Self {
            controller: controller.to_owned(),
            file: file.to_owned(),
            value: value.to_string(),
            place: place.into(),
            absent: Absent::Refuse,
            check_usage: false,
        }
    }
}

/// What the parts of `linux.resources` add up to, and what is wrong with them.
#[derive(Debug, Default)]
struct Outcome {
    settings: Vec<Setting>,
    notes: Vec<Problem>,
    problems: Vec<Problem>,
}

impl Outcome {
    fn set(&mut self, file: &str, value: impl Display, place: impl Into<String>) {
        self.settings.push(Setting::new(file, value, place));
    }

    fn wrong(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem::new(place, what));
    }

    fn note(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.notes.push(Problem::new(place, what));
    }
}

impl Cgroup {
    /// The cgroup that `linux` asks for; without `linux.resources` one without limits and with the default devices.
    ///
    /// # Errors
    /// All problems of `cgroupsPath` and `resources` at once.
    pub fn new(linux: &Linux) -> Result<Self, Vec<Problem>> {
        Self::with(linux, None, Driver::Cgroupfs)
    }

    /// The same, with somebody to make it. Where that is systemd, `annotations` may ask for properties of the unit.
    ///
    /// # Errors
    /// As of [`Cgroup::new`], and those of annotations.
    pub fn with(
        linux: &Linux,
        annotations: Option<&HashMap<String, String>>,
        driver: Driver<'_>,
    ) -> Result<Self, Vec<Problem>> {
        if let Driver::Systemd { user, allowed } = driver {
            return Self::by_systemd(linux, annotations, user, allowed);
        }
        let mut problems = Vec::new();
        let place = place(linux.cgroups_path().as_deref()).map_err(|problem| problems.push(problem));
        let none = LinuxResources::default();
        let resources = linux.resources().as_ref().unwrap_or(&none);
        let limits = limits(resources).map_err(|wrong| problems.extend(wrong));
        let devices = devices(resources).map_err(|wrong| problems.extend(wrong));
        match (place, limits, devices) {
            (Ok(place), Ok((settings, notes)), Ok(devices)) => Ok(Self { place, settings, devices, notes }),
            _ => Err(problems),
        }
    }

    fn by_systemd(
        linux: &Linux,
        annotations: Option<&HashMap<String, String>>,
        user: bool,
        allowed: &[String],
    ) -> Result<Self, Vec<Problem>> {
        // The path is no path here: the rest is planned without it.
        let mut rest = linux.clone();
        rest.set_cgroups_path(None);
        let planned = Self::with(&rest, None, Driver::Cgroupfs);
        let settings = planned.as_ref().map_or(&[][..], |cgroup| &cgroup.settings);
        match (systemd::Unit::new(linux, annotations, settings, user, allowed), planned) {
            (Ok((unit, notes)), Ok(mut cgroup)) => {
                cgroup.notes.extend(notes);
                Ok(Self { place: Place::Systemd(unit), ..cgroup })
            }
            (unit, planned) => {
                let mut problems = unit.err().unwrap_or_default();
                for problem in planned.err().unwrap_or_default() {
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }
                Err(problems)
            }
        }
    }
}

/// The writes that `resources` asks for, in their order, and notes about what has no counterpart; devices aside.
///
/// # Errors
/// All problems at once.
pub fn limits(resources: &LinuxResources) -> Result<(Vec<Setting>, Vec<Problem>), Vec<Problem>> {
    let mut outcome = Outcome::default();
    if let Some(cpu) = resources.cpu() {
        cpu::cpu(cpu, &mut outcome);
    }
    if let Some(memory) = resources.memory() {
        memory::memory(memory, &mut outcome);
    }
    if let Some(block) = resources.block_io() {
        io::io(block, &mut outcome);
    }
    others::others(resources, &mut outcome);
    // The unified keys are the last word: they say in cgroup v2's own terms what the others only come near to.
    if let Some(unified) = resources.unified() {
        unified::unified(unified, &mut outcome);
    }
    if outcome.problems.is_empty() { Ok((outcome.settings, outcome.notes)) } else { Err(outcome.problems) }
}

/// The device program that `resources` asks for.
///
/// # Errors
/// All problems of the rules at once.
pub fn devices(resources: &LinuxResources) -> Result<Program, Vec<Problem>> {
    Program::new(&device_rules::rules(resources)?).map_err(|problem| vec![problem])
}

/// `linux.cgroupsPath`, by its components.
fn place(path: Option<&Path>) -> Result<Place, Problem> {
    let Some(path) = path.filter(|path| !path.as_os_str().is_empty()) else { return Ok(Place::Unset) };
    let wrong = |what: &str| Err(Problem::new("linux.cgroupsPath", format!("{what}, in {path:?}")));
    if path.as_os_str().as_encoded_bytes().iter().any(|byte| matches!(byte, 0 | b'\n')) {
        return wrong("must not contain a NUL or a newline");
    }
    let mut names = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) if name.len() > 255 => return wrong("a component is longer than 255 bytes"),
            Component::Normal(name) => names.push(name),
            Component::ParentDir => return wrong("must not contain \"..\""),
            _ => {}
        }
    }
    if names.as_os_str().is_empty() {
        return wrong("names the root of the hierarchy, which can't be a container's cgroup");
    }
    Ok(if path.is_absolute() { Place::Root(names) } else { Place::Relative(names) })
}

#[cfg(test)]
mod tests;
