//! The machine itself: what the tests of the systemd driver stand on.

use std::fs;
use std::path::Path;

use crate::kit::{ask, is_there, tell};

/// PID 1 is systemd, and all of its units are up.
#[test]
fn running() {
    if !is_there() {
        return;
    }
    assert_eq!(fs::read_to_string("/proc/1/comm").unwrap(), "systemd\n");
    let (_, state) = ask("systemctl", &["is-system-running", "--wait"]);
    assert_eq!(state, "running", "{}", ask("systemctl", &["--failed", "--no-legend"]).1);
}

/// cgroup v2 only, with every controller that a container can ask for.
#[test]
fn controllers() {
    if !is_there() {
        return;
    }
    let all = fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap();
    for controller in ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"] {
        assert!(all.split_whitespace().any(|one| one == controller), "{controller} in {all}");
    }
}

/// An ordinary user's own systemd, with a bus and delegated controllers.
#[test]
fn user_session() {
    if !is_there() {
        return;
    }
    tell("loginctl", &["enable-linger", "jar"]);
    tell("systemctl", &["start", "user@1000.service"]);
    assert!(Path::new("/run/user/1000/bus").exists());
    let cgroup = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service";
    let delegated = fs::read_to_string(format!("{cgroup}/cgroup.controllers")).unwrap();
    assert!(delegated.contains("memory") && delegated.contains("pids"), "{delegated}");
    let bus = ["--user", "--machine=jar@.host", "is-system-running", "--wait"];
    assert_eq!(ask("systemctl", &bus).1, "running");
}
