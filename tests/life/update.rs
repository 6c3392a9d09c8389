//! `update`: other limits for a container that runs.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Bundle, Container, Host, Output, guarded};

use super::cgroup::{has_controller, of};

fn start<'h>(host: &'h Host, resources: &Value) -> (Container<'h>, PathBuf) {
    let bundle =
        Bundle::new().deeds(&["say", "ready", "sleep"]).edit(|config| config["linux"]["resources"] = resources.clone());
    let container = host.start(&bundle);
    let cgroup = of(container.pid());
    (container, cgroup)
}

/// `update --resources=-` with this on stdin, as Docker and containerd call it.
fn update(host: &Host, resources: &Value) -> Output {
    host.runtime().invoke(["update", "--resources=-", "jar"]).stdin(&resources.to_string()).run()
}

fn flags(host: &Host, flags: &[&str]) -> Output {
    host.runtime().call(["update"].iter().chain(flags).chain(&["jar"]))
}

fn hugetlb(limit: i64) -> Value {
    json!({"hugepageLimits": [{"pageSize": "2MB", "limit": limit}]})
}

/// What is named changes, from stdin and from a file; what is not named stays, and nothing at all is no error.
#[test]
fn what_is_named_changes() {
    guarded(|host| {
        if !has_controller("hugetlb") || host.lacks(&["crun", "runc"], "has no huge pages in update") {
            return;
        }
        let (container, cgroup) = start(host, &hugetlb(8 << 20));
        let limit = || fs::read_to_string(cgroup.join("hugetlb.2MB.max")).unwrap();
        update(host, &hugetlb(4 << 20)).ok();
        assert_eq!(limit(), "4194304\n");
        // What Docker sends where nothing is asked: kernel memory is not in cgroup v2.
        let docker = json!({
            "memory": {"limit": 0, "reservation": 0, "swap": 0, "kernel": 64 << 20}, "blockIO": {"weight": 0},
            "cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": "", "mems": ""}, "pids": {}, "unified": null,
        });
        update(host, &docker).ok();
        flags(host, &[]).ok();
        flags(host, &["--kernel-memory", "64m", "--pids-limit", "0"]).ok();
        assert_eq!(limit(), "4194304\n");
        let file = host.folder().join("resources.json");
        fs::write(&file, hugetlb(2 << 20).to_string()).unwrap();
        flags(host, &["-r", file.to_str().unwrap()]).ok();
        assert_eq!(limit(), "2097152\n");
        container.force_delete();
    });
}

/// If the kernel refuses one limit, all are as before, and the message names the file and the reason.
#[test]
fn all_or_nothing() {
    guarded(|host| {
        if !has_controller("hugetlb") || host.lacks(&["crun", "runc"], "leaves half of it") {
            return;
        }
        let (container, cgroup) = start(host, &hugetlb(8 << 20));
        let says = |file: &str| fs::read_to_string(cgroup.join(file)).unwrap();
        let mut resources = hugetlb(4 << 20);
        resources["unified"] = json!({"cgroup.max.depth": "5", "cgroup.max.descendants": "-3"});
        update(host, &resources)
            .fails_with("the kernel refuses \"-3\" for cgroup.max.descendants: out of range; all limits are as before");
        assert_eq!((says("hugetlb.2MB.max"), says("cgroup.max.depth")), ("8388608\n".into(), "max\n".into()));
        assert_eq!(says("hugetlb.2MB.rsvd.max"), "8388608\n");
        // What is wrong in itself is told before anything is written.
        resources["unified"] = json!({"../other/memory.max": "5"});
        resources["pids"] = json!({"limit": -7});
        update(host, &resources).fails_with("resources.pids.limit").fails_with("resources.unified");
        update(host, &json!({"memory": {"limit": "much"}})).fails_with("resources.memory.limit: invalid type");
        update(host, &json!([])).fails_with("must be a JSON object");
        assert_eq!(says("hugetlb.2MB.max"), "8388608\n");
        assert!(container.alive());
        container.force_delete();
    });
}

/// Device rules are replaced at once, for processes that run; without rules those that hold go on to.
#[test]
fn devices() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "does not change devices") {
            return;
        }
        let (container, _) = start(host, &json!({"devices": [{"allow": false, "access": "rwm"}]}));
        let can_read = |path: &str| {
            let output = container.exec(&[], &["report", "--open", &format!("{path}:r")]).ok();
            crate::support::Report::parse(&output.stdout).probe(&format!("open {path}:r"))
        };
        assert_eq!(can_read("/dev/zero"), "ok");
        let zero = json!({"allow": false, "type": "c", "major": 1, "minor": 5, "access": "rw"});
        update(host, &json!({"devices": [{"allow": false, "access": "rwm"}, zero]})).ok();
        assert_eq!((can_read("/dev/zero").as_str(), can_read("/dev/null").as_str()), ("EPERM", "ok"));
        update(host, &json!({"unified": {"cgroup.max.depth": "9"}})).ok();
        assert_eq!(can_read("/dev/zero"), "EPERM");
        update(host, &json!({"devices": [{"allow": false, "access": "rwm"}]})).ok();
        assert_eq!(can_read("/dev/zero"), "ok");
        container.force_delete();
    });
}

/// A container that has stopped has no limits to change; one that was never there neither.
#[test]
fn not_running() {
    guarded(|host| {
        let container = host.create(&Bundle::new().deeds(&["exit", "0"]));
        container.start();
        container.ended();
        flags(host, &["--pids-limit", "3"]).fails_with("not running");
        container.delete();
        flags(host, &["--pids-limit", "3"]).fails_with("does not exist");
    });
}

/// The flags for memory: swap is given together with memory, also if only one of the two changes.
#[test]
fn memory() {
    guarded(|host| {
        if !has_controller("memory") {
            return;
        }
        let (container, cgroup) = start(host, &json!({"memory": {"limit": 64 << 20, "swap": 96 << 20}}));
        let says = |file: &str| fs::read_to_string(cgroup.join(file)).unwrap().trim().to_owned();
        flags(host, &["--memory", "80m"]).ok();
        assert_eq!((says("memory.max"), says("memory.swap.max")), ((80 << 20).to_string(), (32 << 20).to_string()));
        if !host.lacks(&["crun", "runc"], "wants both") {
            flags(host, &["--memory-swap", "100m"]).ok();
            assert_eq!((says("memory.max"), says("memory.swap.max")), ((80 << 20).to_string(), (20 << 20).to_string()));
            flags(host, &["--memory-swap", "10m"]).fails_with("--memory-swap");
            update(host, &json!({"memory": {"limit": 4096, "checkBeforeUpdate": true}})).fails_with("in use");
            assert_eq!(says("memory.max"), (80 << 20).to_string());
        }
        flags(host, &["--memory", "-1"]).ok();
        assert_eq!((says("memory.max").as_str(), says("memory.swap.max").as_str()), ("max", "max"));
        flags(host, &["--memory-reservation", "32m"]).ok();
        assert_eq!(says("memory.low"), (32 << 20).to_string());
        container.force_delete();
    });
}

/// Quota and period: one alone leaves the other as it is; the weight is that of the shares.
#[test]
fn cpu() {
    guarded(|host| {
        if !has_controller("cpu") {
            return;
        }
        let (container, cgroup) = start(host, &json!({"cpu": {"quota": 30_000, "period": 100_000}}));
        let says = |file: &str| fs::read_to_string(cgroup.join(file)).unwrap().trim().to_owned();
        flags(host, &["--cpu-quota", "40000"]).ok();
        assert_eq!(says("cpu.max"), "40000 100000");
        if !host.lacks(&["crun", "runc"], "sets the quota back") {
            flags(host, &["--cpu-period", "50000"]).ok();
            assert_eq!(says("cpu.max"), "40000 50000");
            flags(host, &["--cpu-burst", "20000"]).ok();
            assert_eq!(says("cpu.max.burst"), "20000");
            flags(host, &["--cpu-quota", "500"]).fails_with("--cpu-quota");
            assert_eq!((says("cpu.max").as_str(), says("cpu.max.burst").as_str()), ("40000 50000", "20000"));
            flags(host, &["--cpu-share", "2048"]).ok();
            assert_eq!(says("cpu.weight"), "174");
            flags(host, &["--cpu-idle", "1"]).ok();
            assert_eq!(says("cpu.idle"), "1");
        }
        container.force_delete();
    });
}

/// The number of processes.
#[test]
fn pids() {
    guarded(|host| {
        if !has_controller("pids") {
            return;
        }
        let (container, cgroup) = start(host, &json!({}));
        let says = || fs::read_to_string(cgroup.join("pids.max")).unwrap();
        flags(host, &["--pids-limit", "12"]).ok();
        assert_eq!(says(), "12\n");
        flags(host, &["--pids-limit=-1"]).ok();
        assert_eq!(says(), "max\n");
        container.force_delete();
    });
}

/// A name that is nearly right is said to be none, as in config.json.
#[test]
fn misspelt() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "says nothing") {
            return;
        }
        let (container, _) = start(host, &json!({}));
        let output = update(host, &json!({"memroy": {}, "pids": {"limt": 5}})).ok();
        assert!(
            output
                .stderr
                .contains("resources.memroy: is no field and is not looked at (did you mean resources.memory?)"),
            "{output:?}"
        );
        assert!(output.stderr.contains("did you mean resources.pids.limit?"), "{output:?}");
        container.force_delete();
    });
}

/// A whole config in the place of its `linux.resources` would change nothing: it is refused.
#[test]
fn a_whole_config() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "says nothing") {
            return;
        }
        let (container, _) = start(host, &json!({}));
        let linux = json!({"resources": {"pids": {"limit": 5}}});
        for (config, place) in [(json!({"process": {}, "linux": linux}), "linux.resources"), (linux, "resources")] {
            let said =
                format!("standard input: has its limits in {place}, where they are not looked for (give that object");
            update(host, &config).fails_with(&said);
        }
        container.force_delete();
    });
}
