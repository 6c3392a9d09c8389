//! What is wrong with a config, all of it at once.
//!
//! One file a concern. Pure: nothing but the config is looked at, so what exists on the host (a bind source, a namespace file)
//! is found out later, when the plan is armed. Mount options and strings that hold a NUL byte are judged by `plan`, which turns
//! them into flags and C strings; limits and filters by the rooms that compile them.
//!
//! Errors are what the spec, the kernel or other runtimes refuse; warnings are what they quietly let pass.

use oci_spec::runtime::{LinuxNamespaceType, Spec};

use super::Findings;
use crate::error::Problem;

mod annotations;
mod capabilities;
mod devices;
mod foreign;
mod hooks;
mod idmap;
mod mounts;
mod namespaces;
mod net_devices;
mod paths;
mod personality;
mod process;
mod rdt;
mod resources;
mod root;
mod scheduling;
mod sysctl;
mod time;

mod version;

pub use mounts::place as mount_place;
pub use net_devices::{net_devices, place as net_device_place};
pub use process::process;
pub use sysctl::file as sysctl_file;

/// Checks everything that can be checked without the host.
pub fn check(spec: &Spec) -> Findings {
    let mut found = Findings::default();
    version::check(spec, &mut found);
    root::check(spec, &mut found);
    match spec.process() {
        Some(of) => process(of, &mut found),
        // It is required when the container is started, and not before (config, Process).
        None => found.warn(no_process("is missing: the container can be created, but not be started")),
    }
    mounts::check(spec, &mut found);
    namespaces::check(spec, &mut found);
    time::check(spec, &mut found);
    idmap::check(spec, &mut found);
    devices::check(spec, &mut found);
    net_devices::check(spec, &mut found);
    rdt::check(spec, &mut found);
    paths::check(spec, &mut found);
    sysctl::check(spec, &mut found);
    resources::check(spec, &mut found);
    hooks::check(spec, &mut found);
    scheduling::hooks(spec, &mut found);
    personality::check(spec, &mut found);
    annotations::check(spec, &mut found);
    foreign::check(spec, &mut found);
    found
}

/// What there is to say of a config without a process.
pub fn no_process(what: &str) -> Problem {
    Problem::new("process", what).hint("it names the program to run")
}

/// Whether the container has its own namespace of this kind: new, or joined by path.
fn has(spec: &Spec, kind: LinuxNamespaceType) -> bool {
    namespaces(spec).any(|namespace| namespace.typ() == kind)
}

/// Whether a new namespace of this kind is made for the container.
pub fn is_new(spec: &Spec, kind: LinuxNamespaceType) -> bool {
    namespaces(spec).any(|namespace| namespace.typ() == kind && joined(namespace).is_none())
}

/// The path of a namespace to join; an empty one means a new namespace, as Go has no other "absent".
pub fn joined(namespace: &oci_spec::runtime::LinuxNamespace) -> Option<&std::path::Path> {
    namespace.path().as_deref().filter(|path| !path.as_os_str().is_empty())
}

fn namespaces(spec: &Spec) -> impl Iterator<Item = &oci_spec::runtime::LinuxNamespace> {
    spec.linux().iter().flat_map(oci_spec::runtime::Linux::namespaces).flatten()
}
