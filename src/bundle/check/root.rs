//! `root` (spec: config, Root), and what of the root needs a mount namespace.

use oci_spec::runtime::{LinuxNamespaceType, Spec};

use super::{Findings, has, is_new};
use crate::error::Problem;

pub fn check(spec: &Spec, found: &mut Findings) {
    let Some(root) = spec.root() else {
        let problem = Problem::new("root", "is missing").hint("root.path names the root file system");
        return found.error(problem);
    };
    if root.path().as_os_str().is_empty() {
        found.error(Problem::new("root.path", "is missing").hint("it names the root file system, as \"rootfs\""));
    }
    if let Some(propagation) = spec.linux().as_ref().and_then(|linux| linux.rootfs_propagation().as_deref()) {
        check_propagation(propagation, found);
    }
    if !is_new(spec, LinuxNamespaceType::Mount) {
        check_without_namespace(spec, found);
    }
}

fn check_propagation(propagation: &str, found: &mut Findings) {
    let word = propagation.strip_prefix('r').unwrap_or(propagation);
    if !matches!(word, "" | "shared" | "slave" | "private" | "unbindable") {
        let what = format!("unknown propagation \"{propagation}\"");
        let hint = "one of shared, slave, private, unbindable, each possibly with an r in front";
        found.error(Problem::new("linux.rootfsPropagation", what).hint(hint));
    }
}

/// Without a mount namespace every mount would be made on the host; in one that is joined, under the feet of those who live there. So
/// such a container is put into it as it is, and no more.
fn check_without_namespace(spec: &Spec, found: &mut Findings) {
    let linux = spec.linux().as_ref();
    let some = |list: Option<&Vec<String>>| list.is_some_and(|list| !list.is_empty());
    let needs = [
        ("root.readonly", spec.root().as_ref().is_some_and(|root| root.readonly() == Some(true))),
        ("mounts", spec.mounts().as_ref().is_some_and(|mounts| !mounts.is_empty())),
        ("linux.maskedPaths", some(linux.and_then(|linux| linux.masked_paths().as_ref()))),
        ("linux.readonlyPaths", some(linux.and_then(|linux| linux.readonly_paths().as_ref()))),
        (
            "linux.devices",
            linux.is_some_and(|linux| linux.devices().as_ref().is_some_and(|devices| !devices.is_empty())),
        ),
        (
            "linux.rootfsPropagation",
            linux.is_some_and(|linux| linux.rootfs_propagation().as_ref().is_some_and(|p| !p.is_empty())),
        ),
    ];
    for (place, asked) in needs {
        if asked {
            let (what, hint) = if has(spec, LinuxNamespaceType::Mount) {
                ("needs a new mount namespace: one that is joined is left as it is", "leave this out, or the path")
            } else {
                ("needs a mount namespace of the container's own", "add {\"type\": \"mount\"} to linux.namespaces")
            };
            found.error(Problem::new(place, what).hint(hint));
        }
    }
}
