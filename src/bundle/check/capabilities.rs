//! `process.capabilities`: the rules of capset(2) and prctl(2) between the five sets.

use oci_spec::runtime::{Capabilities, LinuxCapabilities};

use super::Findings;
use crate::error::Problem;

pub fn check(sets: &LinuxCapabilities, found: &mut Findings) {
    let effective = missing(sets.effective().as_ref(), &[sets.permitted().as_ref()]);
    if !effective.is_empty() {
        let hint = "the kernel lets only permitted capabilities be in force";
        found.error(problem("effective", &effective, "process.capabilities.permitted").hint(hint));
    }
    let inheritable = missing(sets.inheritable().as_ref(), &[sets.bounding().as_ref()]);
    if !inheritable.is_empty() {
        let hint = "the kernel lets only bounding capabilities become inheritable";
        found.error(problem("inheritable", &inheritable, "process.capabilities.bounding").hint(hint));
    }
    let ambient = missing(sets.ambient().as_ref(), &[sets.permitted().as_ref(), sets.inheritable().as_ref()]);
    // They could never be had, so this is no more than a warning. `runc spec` and older buildah write one list into all sets
    // but the inheritable: nobody asked for ambient ones there, and a warning for each RUN of a build would be noise. The
    // log has it all the same (spec: config, Linux Process: "MUST be logged as a warning by the runtime").
    let copied = sets.ambient() == sets.permitted() && sets.inheritable().as_ref().is_none_or(Capabilities::is_empty);
    if !ambient.is_empty() {
        let both = "both process.capabilities.permitted and process.capabilities.inheritable";
        found.warn(problem("ambient", &ambient, both).hint("left out: the kernel would refuse them").quiet(copied));
    }
}

/// The members of `set` that are not in all of `others`, in the order of their names.
fn missing(set: Option<&Capabilities>, others: &[Option<&Capabilities>]) -> Vec<String> {
    let lacks = |capability: &&_| others.iter().any(|other| !other.is_some_and(|other| other.contains(capability)));
    let mut names: Vec<_> =
        set.into_iter().flatten().filter(lacks).map(|capability| format!("CAP_{capability}")).collect();
    names.sort();
    names
}

fn problem(set: &str, names: &[String], other: &str) -> Problem {
    let verb = if names.len() == 1 { "is" } else { "are" };
    Problem::new(format!("process.capabilities.{set}"), format!("{} {verb} not in {other}", names.join(", ")))
}
