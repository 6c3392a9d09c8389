//! `linux.sysctl`: only kernel parameters of a namespace that the container owns; others are the whole machine's.

use oci_spec::runtime::{LinuxNamespaceType, Spec};

use super::{Findings, has, is_new, namespaces};
use crate::error::Problem;

/// Parameters of an IPC namespace: `ipc/ipc_sysctl.c` of the kernel. Those of fs.mqueue are as well (`ipc/mq_sysctl.c`).
const IPC: [&str; 12] = [
    "kernel/auto_msgmni",
    "kernel/msg_next_id",
    "kernel/msgmax",
    "kernel/msgmnb",
    "kernel/msgmni",
    "kernel/sem",
    "kernel/sem_next_id",
    "kernel/shm_next_id",
    "kernel/shm_rmid_forced",
    "kernel/shmall",
    "kernel/shmmax",
    "kernel/shmmni",
];

pub fn check(spec: &Spec, found: &mut Findings) {
    let Some(sysctls) = spec.linux().as_ref().and_then(|linux| linux.sysctl().as_ref()) else {
        return;
    };
    let mut names: Vec<&String> = sysctls.keys().collect();
    names.sort();
    let mut files: Vec<(String, &str)> = Vec::new();
    for name in names {
        let place = format!("linux.sysctl[\"{name}\"]");
        let file = match file(name) {
            Ok(file) => file,
            Err(what) => {
                found.error(Problem::new(place, what));
                continue;
            }
        };
        if let Some((_, twin)) = files.iter().find(|(other, _)| *other == file) {
            found.error(Problem::new(&place, format!("is the same parameter as {twin}")));
        }
        if let Some(problem) = forbidden(&file, spec) {
            found.error(Problem { place, ..problem });
        }
        files.push((file, name));
    }
}

/// The file below /proc/sys of a parameter written with dots (`net.ipv4.ip_forward`) or with slashes, not both: which of the
/// two separates and which belongs to a name (`eth0.100`) would be a guess, and guesses about paths are how checks are
/// got around.
pub fn file(name: &str) -> Result<String, &'static str> {
    if name.contains('.') && name.contains('/') {
        return Err("mixes \".\" and \"/\": write it with one of them");
    }
    let separator = if name.contains('/') { '/' } else { '.' };
    let parts: Vec<&str> = name.split(separator).collect();
    let plain = |part: &&str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'@' | b':');
        !part.is_empty() && part.bytes().all(known)
    };
    if parts.len() < 2 || !parts.iter().all(plain) {
        return Err("is no name of a kernel parameter");
    }
    Ok(parts.join("/"))
}

/// Why the container may not set this, if so. The place is filled in by the caller.
fn forbidden(file: &str, spec: &Spec) -> Option<Problem> {
    let (kind, name, article) = match file {
        "kernel/hostname" => {
            return Some(Problem::new("", "is set by another field").hint("use hostname"));
        }
        "kernel/domainname" => (LinuxNamespaceType::Uts, "uts", "a UTS"),
        _ if file.starts_with("net/") => (LinuxNamespaceType::Network, "network", "a network"),
        _ if file.starts_with("fs/mqueue/") || IPC.contains(&file) => (LinuxNamespaceType::Ipc, "ipc", "an IPC"),
        _ if file.starts_with("user/") && is_new(spec, LinuxNamespaceType::User) => return None,
        _ => {
            let problem = Problem::new("", "belongs to the whole machine, not to a container");
            return Some(problem.hint("set it on the host"));
        }
    };
    if !has(spec, kind) {
        let problem = Problem::new("", format!("needs {article} namespace, or it would be the host's"));
        return Some(problem.hint(format!("add {{\"type\": \"{name}\"}} to linux.namespaces")));
    }
    // The commonest way to share one: naming the host's own namespace.
    let host = namespaces(spec).any(|namespace| {
        namespace.typ() == kind
            && super::joined(namespace)
                .is_some_and(|path| path.starts_with("/proc/1/ns") || path.starts_with("/proc/self/ns"))
    });
    host.then(|| Problem::new("", format!("the {name} namespace to join is the host's")).hint("set it on the host"))
}

#[cfg(test)]
mod tests {
    use super::file;

    #[test]
    fn names_become_files() {
        assert_eq!(file("net.ipv4.ip_forward").as_deref(), Ok("net/ipv4/ip_forward"));
        assert_eq!(file("net/ipv4/ip_forward").as_deref(), Ok("net/ipv4/ip_forward"));
        for wrong in [
            "",
            "kernel",
            ".",
            "net..x",
            "net/../kernel/core_pattern",
            "../x",
            "/net/x",
            "net.x.",
            "net.x+y=z",
            "net.a b",
            "net.\0",
        ] {
            assert!(file(wrong).is_err(), "{wrong}");
        }
    }
}
