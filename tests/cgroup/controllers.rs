//! Limits: written, or refused with the reason.

use std::fs;
use std::path::Path;

use onggi::cgroup::{Cgroup, Hierarchy};
use onggi::plan;

use crate::world::{Process, ROOT, World, planned, soon};

/// Whether cgroup v2 has a controller on this machine.
fn available(controller: &str) -> bool {
    let list = fs::read_to_string(Path::new(ROOT).join("cgroup.controllers")).unwrap();
    list.split_whitespace().any(|word| word == controller)
}

/// A machine without it skips what needs it, and says so.
fn needs(controller: &str) -> bool {
    let available = available(controller);
    if !available {
        eprintln!("SKIPPED: cgroup v2 has no {controller} controller here");
    }
    available
}

const HUGE: &str = r#"{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}"#;

#[test]
fn limits_are_written_through_nested_parents() {
    let Some(world) = World::enter() else { return };
    if !needs("hugetlb") {
        return;
    }
    let cgroup = world.create("a/b/leaf", HUGE).unwrap();
    for file in ["hugetlb.2MB.max", "hugetlb.2MB.rsvd.max"] {
        assert_eq!(fs::read_to_string(cgroup.path().join(file)).unwrap(), "4194304\n");
    }
    // As update does, by the path in the state.
    let (settings, _) = plan::cgroup::limits(
        &serde_json::from_str(r#"{"hugepageLimits": [{"pageSize": "2MB", "limit": -1}]}"#).unwrap(),
    )
    .unwrap();
    Cgroup::open(cgroup.path()).unwrap().unwrap().update(&settings, None).unwrap();
    assert_eq!(fs::read_to_string(cgroup.path().join("hugetlb.2MB.max")).unwrap(), "max\n");
}

#[test]
fn unified_is_written_last() {
    let Some(world) = World::enter() else { return };
    let both = r#"{"unified": {"cgroup.max.depth": "7", "cgroup.max.descendants": "9"}}"#;
    let cgroup = world.create("leaf", both).unwrap();
    assert_eq!(fs::read_to_string(cgroup.path().join("cgroup.max.depth")).unwrap(), "7\n");
    assert_eq!(fs::read_to_string(cgroup.path().join("cgroup.max.descendants")).unwrap(), "9\n");
}

#[test]
fn a_size_that_the_kernel_lacks_is_named_and_leaves_nothing() {
    let Some(world) = World::enter() else { return };
    if !needs("hugetlb") {
        return;
    }
    let odd = r#"{"hugepageLimits": [{"pageSize": "3MB", "limit": 1}]}"#;
    let error = world.create("a/leaf", odd).unwrap_err().to_string();
    let said = "linux.resources.hugepageLimits[0].pageSize: this kernel has no huge pages of 3MB (it has those of ";
    assert!(error.starts_with(said) && error.contains("2MB"), "{error}");
    assert_eq!(world.listing(), [""; 0]);
}

#[test]
fn a_value_that_the_kernel_refuses_is_named() {
    let Some(world) = World::enter() else { return };
    let odd = r#"{"unified": {"cgroup.max.depth": "many"}}"#;
    let error = world.create("a/leaf", odd).unwrap_err().to_string();
    let expected = "linux.resources.unified[\"cgroup.max.depth\"]: the kernel refuses \"many\" for cgroup.max.depth: invalid argument (";
    assert!(error.starts_with(expected), "{error}");
    assert_eq!(world.listing(), [""; 0]);
}

#[test]
fn a_controller_of_cgroup_v1_is_named_with_the_remedy() {
    let Some(world) = World::enter() else { return };
    for (controller, resources, place) in [
        ("memory", r#"{"memory": {"limit": 104857600}}"#, "linux.resources.memory.limit"),
        ("pids", r#"{"pids": {"limit": 100}}"#, "linux.resources.pids.limit"),
        ("cpu", r#"{"cpu": {"shares": 512}}"#, "linux.resources.cpu.shares"),
        ("io", r#"{"blockIO": {"weight": 500}}"#, "linux.resources.blockIO.weight"),
    ] {
        if available(controller) {
            continue;
        }
        let error = world.create("a/leaf", resources).unwrap_err().to_string();
        let expected = format!("{place}: needs the {controller} controller, which is bound to cgroup v1");
        assert!(error.starts_with(&expected), "{error}");
        assert!(error.contains("cgroup_no_v1="), "{error}");
        assert_eq!(world.listing(), [""; 0]);
    }
}

#[test]
fn no_limit_holds_without_its_controller() {
    let Some(world) = World::enter() else { return };
    let unlimited = r#"{"pids": {"limit": -1}, "memory": {"limit": -1, "swap": -1}}"#;
    let cgroup = world.create("a/leaf", unlimited).unwrap();
    for (controller, file) in [("pids", "pids.max"), ("memory", "memory.max")] {
        let written = fs::read_to_string(cgroup.path().join(file)).ok();
        let expected = available(controller).then(|| "max\n".to_owned());
        assert_eq!(written, expected, "{file}");
    }
}

#[test]
fn all_missing_controllers_at_once() {
    let Some(world) = World::enter() else { return };
    let unknown = r#"{"unified": {"magic.max": "1", "other.max": "1"}}"#;
    let error = world.create("leaf", unknown).unwrap_err();
    assert_eq!(error.problems.len(), 2, "{error}");
    assert!(error.problems[0].what.contains("the magic controller, which this kernel does not have"), "{error}");
}

#[test]
fn a_parent_with_processes_is_named() {
    let Some(world) = World::enter() else { return };
    if !needs("hugetlb") {
        return;
    }
    fs::create_dir(world.path().join("busy")).unwrap();
    let busy = Cgroup::open(&world.path().join("busy")).unwrap().unwrap();
    let process = Process::start_in(&busy);
    let error = world.create("busy/leaf", HUGE).unwrap_err().to_string();
    let expected = format!("{} can't pass on while it has process {}", busy.path().display(), process.pid());
    assert!(error.contains(&expected), "{error}");
    assert_eq!(world.listing(), ["busy"]);
}

#[test]
fn new_parents_offer_what_they_have() {
    let Some(world) = World::enter() else { return };
    if !needs("hugetlb") {
        return;
    }
    // The first asks for a limit, so that the world's directory passes it on ...
    world.create("first", HUGE).unwrap();
    // ... and a container without limits below a parent made for it has the statistics.
    let cgroup = world.create("parent/leaf", "{}").unwrap();
    assert!(fs::read_to_string(cgroup.path().join("hugetlb.2MB.current")).is_ok());
}

#[test]
fn the_usual_controllers_where_the_machine_has_them() {
    let Some(world) = World::enter() else { return };
    if !(needs("memory") && needs("cpu") && needs("pids")) {
        return;
    }
    let resources = r#"{"memory": {"limit": 104857600, "swap": 209715200}, "pids": {"limit": 100},
        "cpu": {"shares": 512, "quota": 50000, "period": 100000}}"#;
    let cgroup = world.create("a/leaf", resources).unwrap();
    let read = |name: &str| fs::read_to_string(cgroup.path().join(name)).unwrap().trim().to_owned();
    assert_eq!((read("memory.max"), read("memory.swap.max")), ("104857600".into(), "104857600".into()));
    assert_eq!(
        (read("pids.max"), read("cpu.weight"), read("cpu.max")),
        ("100".into(), "59".into(), "50000 100000".into())
    );
    assert_eq!(cgroup.memory().limit, Some(104_857_600));
    Cgroup::remove(cgroup.path(), cgroup.made(), soon()).unwrap();
}

#[test]
fn the_mount_is_found_on_a_machine_with_both_versions() {
    // Not in the private view: as the machine is.
    let Ok(hierarchy) = Hierarchy::find() else {
        eprintln!("SKIPPED: cgroup v2 is mounted nowhere");
        return;
    };
    assert!(hierarchy.path().join("cgroup.procs").exists());
}

#[test]
fn an_update_enables_what_was_not_needed_before() {
    let Some(world) = World::enter() else { return };
    if !needs("hugetlb") {
        return;
    }
    fs::create_dir(world.path().join("theirs")).unwrap();
    let cgroup = world.create("theirs/leaf", "{}").unwrap();
    let _process = Process::start_in(&cgroup);
    assert!(!cgroup.path().join("hugetlb.2MB.max").exists());
    let plan = planned(&world.place("theirs/leaf"), HUGE);
    Cgroup::open(cgroup.path()).unwrap().unwrap().update(&plan.settings, None).unwrap();
    assert_eq!(fs::read_to_string(cgroup.path().join("hugetlb.2MB.max")).unwrap(), "4194304\n");
}
