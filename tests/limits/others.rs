//! config-linux.md, "Huge page limits", "RDMA", "Unified"; and misc, which only unified reaches.

use std::fs;

use serde_json::json;

use crate::kit::{ROOT, has, has_file, limited, written};
use crate::support::guarded;

/// Two pages may be had, a third is refused when it is asked for, not by a signal when it is touched.
#[test]
fn huge_pages() {
    guarded(|host| {
        if !has(&["hugetlb"]) {
            return;
        }
        let limits = json!({"hugepageLimits": [{"pageSize": "2MB", "limit": 4_194_304}]});
        let files = ["hugetlb.2MB.max", "hugetlb.2MB.rsvd.max"];
        assert_eq!(written(host, &limits, files), ["4194304", "4194304"]);
        if fs::read_to_string("/proc/sys/vm/nr_hugepages").unwrap().trim() == "0" {
            return;
        }
        let try_huge = |mebibytes| host.run(&limited(&limits, &["try-huge", mebibytes])).ok().stdout;
        assert_eq!(try_huge("4"), "ok\n");
        assert_eq!(try_huge("6"), "ENOMEM\n");
    });
}

/// `rdma.max`, for a device that is there; one that is not is refused by name.
#[test]
fn rdma() {
    guarded(|host| {
        if !has(&["rdma"]) || !has_file("/sys/class/infiniband/rxe0") {
            return;
        }
        let limits = json!({"rdma": {"rxe0": {"hcaHandles": 3, "hcaObjects": 100}}});
        assert_eq!(written(host, &limits, ["rdma.max"]), ["rxe0 hca_handle=3 hca_object=100"]);
        let limits = json!({"rdma": {"none0": {"hcaHandles": 3}}});
        let output = host.run(&limited(&limits, &["exit", "0"])).fails_with("linux.resources.rdma[\"none0\"]");
        assert!(output.stderr.contains("/sys/class/infiniband"), "{output:?}");
    });
}

/// A process opens the device as often as its limit says, and not once more.
#[test]
fn rdma_is_felt() {
    guarded(|host| {
        let device = "/sys/class/infiniband_verbs/uverbs0";
        if !has(&["rdma"]) || !has_file(device) {
            return;
        }
        let number = fs::read_to_string(format!("{device}/dev")).unwrap();
        let (major, minor) = number.trim().split_once(':').unwrap();
        let (major, minor): (u32, u32) = (major.parse().unwrap(), minor.parse().unwrap());
        let limits = json!({"rdma": {"rxe0": {"hcaHandles": 3}}, "devices": [
            {"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": major, "minor": minor, "access": "rw"}]});
        let bundle = limited(&limits, &["try-rdma", "/dev/uverbs0"]).edit(|config| {
            config["linux"]["devices"] =
                json!([{"path": "/dev/uverbs0", "type": "c", "major": major, "minor": minor, "fileMode": 0o600}]);
        });
        assert_eq!(host.run(&bundle).ok().stdout, "3 EAGAIN\n");
    });
}

/// `misc.max` counts what few machines have; what this one has not is refused by name.
#[test]
fn misc() {
    guarded(|host| {
        if !has(&["misc"]) {
            return;
        }
        let limits = json!({"unified": {"misc.max": "no_such_thing 3"}});
        host.run(&limited(&limits, &["exit", "0"])).fails_with("linux.resources.unified[\"misc.max\"]");
        for line in fs::read_to_string(format!("{ROOT}/misc.capacity")).unwrap_or_default().lines() {
            let name = line.split(' ').next().unwrap();
            let limits = json!({"unified": {"misc.max": format!("{name} 1")}});
            assert!(written(host, &limits, ["misc.max"])[0].contains(&format!("{name} 1")));
        }
    });
}

/// Files of several controllers by their own names; unified is the last word.
#[test]
fn unified() {
    guarded(|host| {
        if !has(&["memory", "cpu", "pids"]) {
            return;
        }
        let limits = json!({
            "memory": {"limit": 67_108_864}, "cpu": {"shares": 1024}, "pids": {"limit": 100},
            "unified": {"memory.max": "33554432", "memory.high": "max", "cpu.weight": "77", "pids.max": "50",
                        "memory.oom.group": "1", "cgroup.max.depth": "2"},
        });
        let files = ["memory.max", "cpu.weight", "pids.max", "memory.oom.group", "cgroup.max.depth"];
        assert_eq!(written(host, &limits, files), ["33554432", "77", "50", "1", "2"]);
        let limits = json!({"unified": {"memory.nonsense": "1"}});
        let output = host.run(&limited(&limits, &["exit", "0"]));
        output.fails_with("linux.resources.unified[\"memory.nonsense\"]");
        assert_eq!(host.runtime().ids(), [""; 0]);
    });
}
