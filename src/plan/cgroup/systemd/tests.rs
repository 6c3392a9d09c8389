use super::*;
use crate::plan::Cgroup;

const ROOT: Driver = Driver::Systemd { user: false, allowed: &[] };

fn unit(linux: &str, driver: Driver) -> Unit {
    let linux: Linux = serde_json::from_str(linux).unwrap();
    Cgroup::with(&linux, None, driver).unwrap().place.unit().unwrap().clone()
}

fn said(unit: &Unit) -> Vec<String> {
    unit.properties.iter().map(|one| format!("{} ({}) = {}", one.name, one.value.signature(), one.value)).collect()
}

#[test]
fn all_that_is_asked_for() {
    let unit = unit(
        r#"{"cgroupsPath": "kubepods-pod1.slice:cri:abc", "resources": {
            "cpu": {"shares": 512, "quota": 25000, "period": 100000, "cpus": "0-1", "mems": "0"},
            "memory": {"limit": 1048576, "swap": 2097152, "reservation": 524288},
            "pids": {"limit": 33}, "blockIO": {"weight": 500},
            "unified": {"memory.high": "786432", "pids.max": "34"},
            "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"}]
        }}"#,
        ROOT,
    );
    assert_eq!(unit.path("x"), std::path::Path::new("kubepods.slice/kubepods-pod1.slice/cri-abc.scope"));
    assert_eq!(
        said(&unit),
        [
            "DefaultDependencies (b) = no",
            "CollectMode (s) = inactive-or-failed",
            "CPUAccounting (b) = yes",
            "MemoryAccounting (b) = yes",
            "TasksAccounting (b) = yes",
            "IOAccounting (b) = yes",
            "Delegate (b) = yes",
            "DevicePolicy (s) = strict",
            "DeviceAllow (a(ss)) = char-* m, block-* m, /dev/char/1:3 rwm, /dev/char/1:5 rwm, /dev/char/1:7 rwm, \
             /dev/char/1:8 rwm, /dev/char/1:9 rwm, /dev/char/5:0 rwm, /dev/char/5:1 rwm, /dev/char/5:2 rwm, \
             char-136 rwm, /dev/char/10:229 rw",
            "AllowedCPUs (ay) = 0 1",
            "AllowedMemoryNodes (ay) = 0",
            "CPUWeight (t) = 59",
            "CPUQuotaPerSecUSec (t) = 250000",
            "CPUQuotaPeriodUSec (t) = 100000",
            "MemoryMax (t) = 1048576",
            "MemorySwapMax (t) = 1048576",
            "MemoryLow (t) = 524288",
            "IOWeight (t) = 4950",
            "MemoryHigh (t) = 786432",
            "TasksMax (t) = 34",
        ]
    );
}

#[test]
fn without_a_path_it_is_named_after_the_container() {
    let unit = unit("{}", ROOT);
    assert_eq!((unit.name("web"), unit.slice.as_str()), ("onggi-web.scope".to_owned(), "system.slice"));
    assert_eq!(unit.path("a+b"), std::path::Path::new("system.slice/onggi-a\\x2bb.scope"));
}

#[test]
fn of_a_user_without_devices() {
    let unit = unit("{}", Driver::Systemd { user: true, allowed: &[] });
    assert_eq!(unit.slice, "user.slice");
    assert!(unit.user && !said(&unit).iter().any(|line| line.starts_with("Device")), "{unit:?}");
}

#[test]
fn a_slice_is_named_after_its_place_and_not_delegated() {
    let unit = unit(r#"{"cgroupsPath": "system.slice:x:a-b.slice"}"#, ROOT);
    assert_eq!(unit.path("x"), std::path::Path::new("a.slice/a-b.slice"));
    assert!(unit.is_slice() && !said(&unit).iter().any(|line| line.starts_with("Delegate")));
}

#[test]
fn all_problems_at_once() {
    let linux: Linux =
        serde_json::from_str(r#"{"cgroupsPath": "/docker/abc", "resources": {"cpu": {"idle": 7}}}"#).unwrap();
    let places: Vec<_> = Cgroup::with(&linux, None, ROOT).unwrap_err().into_iter().map(|one| one.place).collect();
    assert_eq!(places, ["linux.cgroupsPath", "linux.resources.cpu.idle"]);
    // As a path it is fine.
    assert!(Cgroup::new(&serde_json::from_str(r#"{"cgroupsPath": "/docker/abc"}"#).unwrap()).is_ok());
}

#[test]
fn annotations_are_told_apart() {
    let annotations = HashMap::from([
        (format!("{ANNOTATION}KillSignal"), "37".to_owned()),
        (format!("{ANNOTATION}TimeoutStopUSec"), "uint64 10000000".to_owned()),
    ]);
    let allowed = ["TimeoutStopUSec".to_owned()];
    let driver = Driver::Systemd { user: false, allowed: &allowed };
    let cgroup = Cgroup::with(&Linux::default(), Some(&annotations), driver).unwrap();
    let unit = cgroup.place.unit().unwrap();
    assert_eq!(said(unit).last().unwrap(), "TimeoutStopUSec (t) = 10000000");
    assert_eq!(cgroup.notes.len(), 1);
    assert!(cgroup.notes[0].place.contains("KillSignal"), "{:?}", cgroup.notes);
}
