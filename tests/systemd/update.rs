//! Limits that change while the container runs.

use oci_spec::runtime::LinuxResources;
use onggi::cgroup::{Cgroup, systemd};
use onggi::error::Error;
use onggi::plan::cgroup::limits;
use onggi::plan::cgroup::systemd::{Reference, changed_devices};
use serde_json::{Value, json};

use crate::kit::{is_there, of, onggi, read, show, sleeper, start, tell};

fn resources(json: Value) -> LinuxResources {
    serde_json::from_value(json).unwrap()
}

/// systemd is told, so that it does not bring the old limits back when it is reloaded.
#[test]
fn systemd_is_told() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = onggi(&folder);
    let unit = "docker-update.scope";
    let bundle = sleeper("system.slice:docker:update").edit(|config| {
        config["linux"]["resources"] = json!({
            "memory": {"limit": 67_108_864}, "cpu": {"quota": 20_000, "period": 50_000},
            "devices": [{"allow": false, "access": "rwm"}],
        });
    });
    let container = start(&runtime, &bundle, "update");
    let state: Value =
        serde_json::from_str(&std::fs::read_to_string(runtime.root().join("update/state.json")).unwrap()).unwrap();
    let reference: Reference = serde_json::from_value(state["systemd"].clone()).unwrap();
    assert_eq!((reference.name.as_str(), reference.user), (unit, false));
    let path = of(container.pid());
    let cgroup = Cgroup::open(&path).unwrap().unwrap();
    let asked = resources(json!({"memory": {"limit": 50_331_648}, "cpu": {"quota": 30_000}, "pids": {"limit": 44},
        "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"}]}));
    let settings = limits(&asked).unwrap().0;
    // What does the writing fails: systemd is to know of the old limits again.
    let failing = systemd::update(&reference, &settings, &[], &cgroup, || Err(Error::new("here", "no")));
    assert_eq!(failing.unwrap_err().to_string(), "here: no");
    let shown = show(unit, &["MemoryMax", "CPUQuotaPerSecUSec", "TasksMax"]);
    for line in ["MemoryMax=67108864", "CPUQuotaPerSecUSec=400ms"] {
        assert!(shown.lines().any(|one| one == line), "{line}: {shown}");
    }
    let mut written = false;
    let devices = changed_devices(&asked).unwrap();
    systemd::update(&reference, &settings, &devices, &cgroup, || {
        written = true;
        Ok(())
    })
    .unwrap();
    assert!(written);
    tell("systemctl", &["daemon-reload"]);
    assert_eq!(read(&path, "memory.max"), "50331648");
    assert_eq!(read(&path, "cpu.max"), "30000 50000");
    assert_eq!(read(&path, "pids.max"), "44");
    let shown = show(unit, &["MemoryMax", "CPUQuotaPerSecUSec", "TasksMax", "DeviceAllow"]);
    for line in ["MemoryMax=50331648", "CPUQuotaPerSecUSec=600ms", "TasksMax=44", "DeviceAllow=/dev/char/10:229 rw"] {
        assert!(shown.lines().any(|one| one == line), "{line}: {shown}");
    }
    let nobody = Reference { name: "docker-nobody.scope".into(), ..reference };
    let refused = systemd::update(&nobody, &settings, &[], &cgroup, || panic!("systemd has refused it"));
    let refused = refused.unwrap_err().to_string();
    assert!(refused.starts_with("docker-nobody.scope: systemd can't change this unit: "), "{refused}");
    container.force_delete();
}
