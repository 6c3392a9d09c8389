//! `linux.namespaces`, and the names that belong to a UTS namespace.

use oci_spec::runtime::{LinuxNamespaceType, Spec};

use super::{Findings, has, joined, namespaces};
use crate::error::Problem;

/// `__NEW_UTS_LEN` of the kernel.
const LONGEST_NAME: usize = 64;

pub fn check(spec: &Spec, found: &mut Findings) {
    for (index, namespace) in namespaces(spec).enumerate() {
        let (kind, place) = (name(namespace.typ()), format!("linux.namespaces[{index}]"));
        if let Some(first) = namespaces(spec).take(index).position(|other| other.typ() == namespace.typ()) {
            found.error(Problem::new(&place, format!("the {kind} namespace is already given by namespaces[{first}]")));
        }
        if let Some(path) = joined(namespace) {
            found.absolute(path, || format!("{place}.path"));
        }
    }
    check_name("hostname", spec.hostname().as_deref(), spec, found);
    check_name("domainname", spec.domainname().as_deref(), spec, found);
}

fn check_name(place: &str, name: Option<&str>, spec: &Spec, found: &mut Findings) {
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return;
    };
    if name.len() > LONGEST_NAME {
        let what = format!("is {} bytes long, the kernel takes at most {LONGEST_NAME}", name.len());
        found.error(Problem::new(place, what));
    }
    if !has(spec, LinuxNamespaceType::Uts) {
        let problem = Problem::new(place, "needs a UTS namespace, or it would be the host's");
        found.error(problem.hint("add {\"type\": \"uts\"} to linux.namespaces"));
    }
}

/// The name in config.json.
pub fn name(kind: LinuxNamespaceType) -> &'static str {
    match kind {
        LinuxNamespaceType::Mount => "mount",
        LinuxNamespaceType::Cgroup => "cgroup",
        LinuxNamespaceType::Uts => "uts",
        LinuxNamespaceType::Ipc => "ipc",
        LinuxNamespaceType::User => "user",
        LinuxNamespaceType::Pid => "pid",
        LinuxNamespaceType::Network => "network",
        LinuxNamespaceType::Time => "time",
    }
}
