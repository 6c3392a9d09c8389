//! Whole configs and what they come to.

use super::*;

fn plan(linux: &str) -> Result<Cgroup, Vec<String>> {
    let linux: Linux = serde_json::from_str(linux).unwrap();
    Cgroup::new(&linux).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn writes(resources: &str) -> Vec<String> {
    let cgroup = plan(&format!(r#"{{"resources": {resources}}}"#)).unwrap();
    cgroup
        .settings
        .iter()
        .map(|setting| format!("{}={}", setting.file, setting.value))
        .collect()
}

fn problems(resources: &str) -> Vec<String> {
    let problems = plan(&format!(r#"{{"resources": {resources}}}"#)).unwrap_err();
    problems
        .into_iter()
        .map(|problem| problem.split_once(": ").unwrap().0.to_owned())
        .collect()
}

#[test]
fn places() {
    let place =
        |path: &str| plan(&format!(r#"{{"cgroupsPath": {path:?}}}"#)).map(|cgroup| cgroup.place);
    assert_eq!(place("/docker/abc"), Ok(Place::Root("docker/abc".into())));
    assert_eq!(
        place("//docker/./abc/"),
        Ok(Place::Root("docker/abc".into()))
    );
    assert_eq!(
        place("docker/abc"),
        Ok(Place::Relative("docker/abc".into()))
    );
    assert_eq!(place(""), Ok(Place::Unset));
    assert_eq!(plan("{}").unwrap().place, Place::Unset);
    let long = "x".repeat(256);
    for bad in ["/", ".", "/..", "../x", "/a/../../b", "/a\nb", &long] {
        let problems = place(bad).unwrap_err();
        assert!(
            problems[0].starts_with("linux.cgroupsPath: "),
            "{problems:?}"
        );
    }
}

#[test]
fn nothing_asked_needs_no_controller() {
    let docker = r#"{"memory": {}, "cpu": {"shares": 0}, "pids": null, "blockIO": {"weight": 0}, "hugepageLimits": [],
        "network": {"classID": 0, "priorities": []}, "rdma": {}, "unified": {}}"#;
    assert_eq!(writes(docker), [""; 0]);
    assert_eq!(
        writes(
            r#"{"cpu": {"quota": 0, "period": 0, "cpus": "", "mems": ""}, "memory": {"limit": 0}}"#
        ),
        [""; 0]
    );
}

#[test]
fn everything_in_its_order() {
    let resources = r#"{
        "unified": {"memory.high": "7", "cgroup.max.depth": "3"},
        "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}, "mlx4_0": {"hcaObjects": 1000}},
        "hugepageLimits": [{"pageSize": "2MB", "limit": 209715200}, {"pageSize": "1GB", "limit": 0}],
        "pids": {"limit": 32771},
        "blockIO": {"weight": 10, "weightDevice": [{"major": 8, "minor": 0, "weight": 500}],
            "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}],
            "throttleWriteIOPSDevice": [{"major": 8, "minor": 16, "rate": 0}]},
        "memory": {"limit": 100, "reservation": 50, "swap": 150},
        "cpu": {"shares": 1024, "quota": 1000000, "burst": 1000, "period": 500000, "cpus": "2-3", "mems": "0-7", "idle": 0}}"#;
    let expected = [
        "cpuset.cpus=2-3",
        "cpuset.mems=0-7",
        "cpu.idle=0",
        "cpu.weight=100",
        "cpu.max.burst=0",
        "cpu.max=1000000 500000",
        "cpu.max.burst=1000",
        "memory.max=100",
        "memory.swap.max=50",
        "memory.low=50",
        "io.bfq.weight=default 10",
        "io.bfq.weight=8:0 500",
        "io.max=8:0 rbps=600",
        "io.max=8:16 wiops=max",
        "pids.max=32771",
        "hugetlb.2MB.rsvd.max=209715200",
        "hugetlb.2MB.max=209715200",
        "hugetlb.1GB.rsvd.max=0",
        "hugetlb.1GB.max=0",
        "rdma.max=mlx4_0 hca_object=1000",
        "rdma.max=mlx5_1 hca_handle=3 hca_object=10000",
        "cgroup.max.depth=3",
        "memory.high=7",
    ];
    assert_eq!(writes(resources), expected);
}

#[test]
fn bandwidth() {
    assert_eq!(writes(r#"{"cpu": {"quota": 50000}}"#), ["cpu.max=50000"]);
    assert_eq!(writes(r#"{"cpu": {"quota": -1}}"#), ["cpu.max=max"]);
    assert_eq!(
        writes(r#"{"cpu": {"period": 50000}}"#),
        ["cpu.max=max 50000"]
    );
    assert_eq!(
        writes(r#"{"cpu": {"quota": -1, "period": 50000}}"#),
        ["cpu.max=max 50000"]
    );
    assert_eq!(
        writes(r#"{"cpu": {"idle": 1, "shares": 512}}"#),
        ["cpu.idle=1"]
    );
}

#[test]
fn pids() {
    assert_eq!(writes(r#"{"pids": {"limit": -1}}"#), ["pids.max=max"]);
    assert_eq!(writes(r#"{"pids": {"limit": 0}}"#), ["pids.max=1"]);
}

#[test]
fn a_limit_can_be_checked_against_what_is_used() {
    let resources = r#"{"resources": {"memory": {"limit": 5, "checkBeforeUpdate": true}}}"#;
    assert!(plan(resources).unwrap().settings[0].check_usage);
}

#[test]
fn all_problems_at_once_each_with_its_place() {
    let resources = r#"{
        "cpu": {"idle": 2, "quota": 100, "burst": 101, "realtimeRuntime": 1, "realtimePeriod": 1, "cpus": "x"},
        "memory": {"limit": 2, "swap": 1, "reservation": -7},
        "blockIO": {"weight": 5, "leafWeight": 10, "weightDevice": [{"major": -1, "minor": 0, "weight": 10}]},
        "pids": {"limit": -2}, "network": {"classID": 1}, "hugepageLimits": [{"pageSize": "2M/", "limit": 1}],
        "rdma": {"x y": {"hcaHandles": 1}}, "unified": {"../x": "1", "memory.max": ""},
        "devices": [{"allow": true, "access": "x"}]}"#;
    let expected = [
        "linux.resources.cpu.cpus",
        "linux.resources.cpu.idle",
        "linux.resources.cpu.burst",
        "linux.resources.cpu.realtimeRuntime",
        "linux.resources.cpu.realtimePeriod",
        "linux.resources.memory.reservation",
        "linux.resources.memory.swap",
        "linux.resources.blockIO.weight",
        "linux.resources.blockIO.leafWeight",
        "linux.resources.blockIO.weightDevice[0]",
        "linux.resources.pids.limit",
        "linux.resources.hugepageLimits[0].pageSize",
        "linux.resources.rdma[\"x y\"]",
        "linux.resources.network.classID",
        "linux.resources.unified[\"../x\"]",
        "linux.resources.unified[\"memory.max\"]",
        "linux.resources.devices[0].access",
    ];
    assert_eq!(problems(resources), expected);
}
