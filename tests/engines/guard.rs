//! What may be left: of the containers in the world, nothing; of the world on the host, nothing.
//!
//! The world is thrown away with its last process, so only what came out of it can be left there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::command::{Verdict, failed};
use crate::world::STORE;

/// Lines that name everything of the host that must not change, in no order.
pub struct Host(BTreeSet<String>);

impl Host {
    /// The host as it is.
    pub fn now() -> Self {
        let mut all = BTreeSet::new();
        for line in read("/proc/self/mountinfo").lines() {
            // The first two fields are ids.
            let fields = line.split(' ').skip(2).collect::<Vec<_>>();
            all.insert(format!("mount {}", fields.join(" ")));
        }
        for name in names("/sys/class/net") {
            all.insert(format!("network interface {name}"));
        }
        for program in ["iptables-save", "ip6tables-save"] {
            for line in firewall(program).lines().filter(|line| line.starts_with("-A")) {
                all.insert(format!("{program} {line}"));
            }
        }
        for folder in ["/dev/shm", "/etc", "/etc/containers", "/run", "/var/lib", "/var/lib/containers"] {
            for name in names(folder) {
                all.insert(format!("file {folder}/{name}"));
            }
        }
        all.insert(format!("ip_forward {}", read("/proc/sys/net/ipv4/ip_forward").trim()));
        all.insert(format!("hostname {}", read("/proc/sys/kernel/hostname").trim()));
        Self(all)
    }

    /// Nothing is there now that was not there before, and nothing is gone that an engine removes.
    pub fn compare(&self) -> Verdict {
        let now = Self::now();
        let new = now.0.difference(&self.0).map(|line| format!("new:  {line}"));
        let gone = self.0.difference(&now.0).map(|line| format!("gone: {line}"));
        let all = new.chain(gone).filter(|line| concerns_engines(line)).collect::<Vec<_>>();
        if all.is_empty() { Ok(()) } else { Err(failed(all.join("\n"))) }
    }
}

/// Others may use the machine meanwhile; what they make in /run or /etc is not ours to judge.
fn concerns_engines(line: &str) -> bool {
    const OURS: [&str; 10] =
        ["docker", "podman", "libpod", "container", "cni", "onggi", "runc", "crun", "netns", "conmon"];
    let file = line.split(' ').nth(1) == Some("file") || line.contains(": file ");
    !(file || line.contains("mount ")) || OURS.iter().any(|name| line.contains(name))
}

fn firewall(program: &str) -> String {
    let ran = std::process::Command::new(program).output();
    ran.map(|ran| String::from_utf8_lossy(&ran.stdout).into_owned()).unwrap_or_default()
}

fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// In the world: everything that bears a container's id, and every process that is not ours.
pub fn leftovers() -> Verdict<Vec<String>> {
    let mut left = Vec::new();
    for place in ["/run", "/sys/fs/cgroup"] {
        walk(Path::new(place), &mut |path| {
            if path.file_name().is_some_and(|name| is_container(&name.to_string_lossy())) {
                left.push(path.display().to_string());
            }
        });
    }
    for line in fs::read_to_string("/proc/self/mountinfo")?.lines() {
        if line.split(['/', ' ']).any(is_id) {
            left.push(format!("mount {line}"));
        }
    }
    for name in names("/run/netns") {
        left.push(format!("network namespace {name}"));
    }
    for name in names("/sys/class/net").iter().filter(|name| name.starts_with("veth")) {
        left.push(format!("network interface {name}"));
    }
    let own = std::process::id().to_string();
    for entry in fs::read_dir("/proc")?.flatten() {
        let pid = entry.file_name().to_string_lossy().into_owned();
        let is_process = pid.bytes().all(|byte| byte.is_ascii_digit());
        if is_process && pid != "1" && pid != own {
            let line = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            left.push(format!("process {pid}: {}", line.replace('\0', " ")));
        }
    }
    Ok(left)
}

/// Whether something is named for a container: by its id, or, where the name is the id, as the rows name theirs.
fn is_container(name: &str) -> bool {
    is_id(name) || name == "one" || name == "two"
}

/// Whether a name has a container's id in it: 64 hexadecimal digits.
fn is_id(name: &str) -> bool {
    name.split(|letter: char| !letter.is_ascii_hexdigit()).any(|part| part.len() == 64)
}

/// The engines' stores and image; and newer Podman keeps a folder for each container that there was, whatever the runtime,
/// until the machine boots.
const KEPT: [&str; 4] = [STORE, "/run/image", "/run/upper", "/run/libpod/persist"];

/// Visits all below a folder, but not what is [`KEPT`].
pub fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if KEPT.iter().any(|kept| path.starts_with(kept)) {
            continue;
        }
        visit(&path);
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&path, visit);
        }
    }
}
