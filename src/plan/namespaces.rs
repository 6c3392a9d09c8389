//! `linux.namespaces`: flags for those to make, paths for those to join.

use std::os::unix::ffi::OsStrExt;

use oci_spec::runtime::{LinuxNamespaceType, Spec};

use super::{Join, Namespaces};
use crate::bundle::Findings;
use crate::bundle::check::joined;

/// The order of joining: the user namespace first, because it gives the right to join those that it owns; the mount
/// namespace last, because after it other files are seen.
const ORDER: [LinuxNamespaceType; 8] = [
    LinuxNamespaceType::User,
    LinuxNamespaceType::Ipc,
    LinuxNamespaceType::Uts,
    LinuxNamespaceType::Network,
    LinuxNamespaceType::Cgroup,
    LinuxNamespaceType::Time,
    LinuxNamespaceType::Pid,
    LinuxNamespaceType::Mount,
];

/// What to make and what to join.
pub fn new(spec: &Spec, found: &mut Findings) -> Namespaces {
    let mut plan = Namespaces::default();
    let listed = spec.linux().iter().flat_map(oci_spec::runtime::Linux::namespaces).flatten().enumerate();
    for (index, namespace) in listed {
        match joined(namespace) {
            None => plan.new |= flag(namespace.typ()),
            Some(path) => plan.join.push(Join {
                index,
                kind: flag(namespace.typ()),
                path: found.text(path.as_os_str().as_bytes(), || format!("linux.namespaces[{index}].path")),
            }),
        }
    }
    plan.join.sort_by_key(|join| ORDER.iter().position(|kind| flag(*kind) == join.kind));
    plan
}

/// The `CLONE_NEW*` flag of a kind.
pub fn flag(kind: LinuxNamespaceType) -> u64 {
    let flag = match kind {
        LinuxNamespaceType::Mount => libc::CLONE_NEWNS,
        LinuxNamespaceType::Cgroup => libc::CLONE_NEWCGROUP,
        LinuxNamespaceType::Uts => libc::CLONE_NEWUTS,
        LinuxNamespaceType::Ipc => libc::CLONE_NEWIPC,
        LinuxNamespaceType::User => libc::CLONE_NEWUSER,
        LinuxNamespaceType::Pid => libc::CLONE_NEWPID,
        LinuxNamespaceType::Network => libc::CLONE_NEWNET,
        LinuxNamespaceType::Time => libc::CLONE_NEWTIME,
    };
    u64::from(flag.unsigned_abs())
}

impl Namespaces {
    /// Whether the container has its own namespace of this `CLONE_NEW*` kind: new, or joined.
    pub fn has(&self, kind: libc::c_int) -> bool {
        let kind = u64::from(kind.unsigned_abs());
        self.new & kind != 0 || self.join.iter().any(|join| join.kind == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_namespace_is_joined_first_and_the_mount_namespace_last() {
        let spec = serde_json::json!({"ociVersion": "1.3.0", "linux": {"namespaces": [
            {"type": "mount", "path": "/m"}, {"type": "pid", "path": "/p"}, {"type": "ipc"}, {"type": "uts", "path": ""},
            {"type": "user", "path": "/u"}]}});
        let mut found = Findings::default();
        let plan = new(&serde_json::from_value(spec).unwrap(), &mut found);
        assert_eq!(plan.new, flag(LinuxNamespaceType::Ipc) | flag(LinuxNamespaceType::Uts));
        assert_eq!(plan.join.iter().map(|join| join.index).collect::<Vec<_>>(), [4, 1, 0]);
        assert!(plan.has(libc::CLONE_NEWUSER) && plan.has(libc::CLONE_NEWIPC) && !plan.has(libc::CLONE_NEWNET));
        assert_eq!(found, Findings::default());
    }
}
