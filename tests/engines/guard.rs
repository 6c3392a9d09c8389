//! The host before and after: what an engine could have left there.
//!
//! The world is thrown away with its last process, so only what came out of it can be left.

use std::collections::BTreeSet;
use std::fs;

use crate::command::{Verdict, failed};

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
            for line in firewall(program)
                .lines()
                .filter(|line| line.starts_with("-A"))
            {
                all.insert(format!("{program} {line}"));
            }
        }
        for folder in [
            "/dev/shm",
            "/etc",
            "/etc/containers",
            "/run",
            "/var/lib",
            "/var/lib/containers",
        ] {
            for name in names(folder) {
                all.insert(format!("file {folder}/{name}"));
            }
        }
        all.insert(format!(
            "ip_forward {}",
            read("/proc/sys/net/ipv4/ip_forward").trim()
        ));
        all.insert(format!(
            "hostname {}",
            read("/proc/sys/kernel/hostname").trim()
        ));
        Self(all)
    }

    /// Nothing is there now that was not there before, and nothing is gone that an engine removes.
    pub fn compare(&self) -> Verdict {
        let now = Self::now();
        let new = now
            .0
            .difference(&self.0)
            .map(|line| format!("new:  {line}"));
        let gone = self
            .0
            .difference(&now.0)
            .map(|line| format!("gone: {line}"));
        let all = new
            .chain(gone)
            .filter(|line| concerns_engines(line))
            .collect::<Vec<_>>();
        if all.is_empty() {
            Ok(())
        } else {
            Err(failed(all.join("\n")))
        }
    }
}

/// Others may use the machine meanwhile; what they make in /run or /etc is not ours to judge.
fn concerns_engines(line: &str) -> bool {
    const OURS: [&str; 10] = [
        "docker",
        "podman",
        "libpod",
        "container",
        "cni",
        "onggi",
        "runc",
        "crun",
        "netns",
        "conmon",
    ];
    let file = line.split(' ').nth(1) == Some("file") || line.contains(": file ");
    !(file || line.contains("mount ")) || OURS.iter().any(|name| line.contains(name))
}

fn firewall(program: &str) -> String {
    let ran = std::process::Command::new(program).output();
    ran.map(|ran| String::from_utf8_lossy(&ran.stdout).into_owned())
        .unwrap_or_default()
}

fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
