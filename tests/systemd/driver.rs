//! The life of a container in a scope of systemd's.

use std::path::Path;

use serde_json::json;

use crate::kit::{is_gone, is_there, of, onggi, read, show, sleeper, start, tell};
use crate::support::{Bundle, Report};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// The scope lies where `cgroupsPath` says, has every property that is asked for, and the same limits are in its files.
#[test]
fn properties() {
    if !is_there() {
        return;
    }
    let folder = folder();
    let runtime = onggi(&folder);
    let bundle = sleeper("jars-pod1.slice:cri:properties").edit(|config| {
        config["linux"]["resources"] = json!({
            "cpu": {"shares": 512, "quota": 33_333, "period": 100_000, "cpus": "0", "mems": "0"},
            "memory": {"limit": 67_108_864, "swap": 100_663_296, "reservation": 33_554_432},
            "pids": {"limit": 33},
            "blockIO": {"weight": 500},
            "unified": {"memory.high": "60000000"},
            "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"}],
        });
    });
    let container = start(&runtime, &bundle, "properties");
    let unit = "cri-properties.scope";
    let cgroup = of(container.pid());
    assert_eq!(cgroup, Path::new("/sys/fs/cgroup/jars.slice/jars-pod1.slice").join(unit));
    let wanted = "Slice=jars-pod1.slice\nDelegate=yes\nCPUAccounting=yes\nCPUWeight=59\nCPUQuotaPerSecUSec=340ms\n\
                  CPUQuotaPeriodUSec=100ms\nAllowedCPUs=0\nAllowedMemoryNodes=0\nIOAccounting=yes\nIOWeight=4950\nMemoryAccounting=yes\n\
                  MemoryLow=33554432\nMemoryHigh=60000000\nMemoryMax=67108864\nMemorySwapMax=33554432\nDevicePolicy=strict\n\
                  TasksAccounting=yes\nTasksMax=33\nActiveState=active\nDefaultDependencies=no\nCollectMode=inactive-or-failed";
    let names: Vec<&str> = wanted.lines().map(|line| line.split('=').next().unwrap()).collect();
    let shown = show(unit, &names);
    let (mut wanted, mut shown): (Vec<_>, Vec<_>) = (wanted.lines().collect(), shown.lines().collect());
    wanted.sort_unstable();
    shown.sort_unstable();
    assert_eq!(shown, wanted);
    assert!(show(unit, &["Description"]).starts_with("Description=onggi container properties (2"));
    let devices = show(unit, &["DeviceAllow"]);
    for device in ["char-* m", "/dev/char/1:3 rwm", "char-136 rwm", "/dev/char/10:229 rw"] {
        assert!(devices.lines().any(|line| line == format!("DeviceAllow={device}")), "{device}: {devices}");
    }
    for (file, value) in [
        ("cpu.max", "33333 100000"),
        ("cpu.weight", "59"),
        ("cpuset.cpus", "0"),
        ("memory.max", "67108864"),
        ("memory.swap.max", "33554432"),
        ("memory.low", "33554432"),
        ("memory.high", "59998208"),
        ("pids.max", "33"),
    ] {
        assert_eq!(read(&cgroup, file), value, "{file}");
    }
    // The placeholder is gone.
    assert_eq!(read(&cgroup, "cgroup.procs"), container.pid().to_string());
    // systemd writes all that it knows anew.
    tell("systemctl", &["daemon-reload"]);
    assert_eq!((read(&cgroup, "memory.max"), read(&cgroup, "pids.max")), ("67108864".into(), "33".into()));
    container.force_delete();
    is_gone(unit);
    assert!(!cgroup.exists());
    assert_eq!(tell("systemctl", &["--failed", "--no-legend"]), "");
}

/// create, start, exec, pause, resume, ps, kill, delete: as with any other cgroup.
#[test]
fn life() {
    if !is_there() {
        return;
    }
    let folder = folder();
    let runtime = onggi(&folder);
    let bundle = sleeper("system.slice:docker:life");
    let mut container = crate::support::Container::launch(&runtime, &["--systemd-cgroup", "create"], &bundle, "life");
    let cgroup = of(container.pid());
    assert_eq!(cgroup, Path::new("/sys/fs/cgroup/system.slice/docker-life.scope"));
    assert_eq!(container.status(), "created");
    container.start();
    assert_eq!(container.line(), "ready");
    let report = Report::parse(&container.exec(&[], &["report"]).ok().stdout);
    assert_eq!(report["cgroup"]["path"], "/", "the root of its cgroup namespace is the scope");
    let null = || std::fs::File::options().write(true).open("/dev/null").unwrap();
    let detached = runtime.invoke(["exec", "--detach", "life", "/payload", "sleep"]);
    detached.with(|command| _ = command.stdout(null())).run().ok();
    let pids: Vec<i32> = serde_json::from_str(&runtime.call(["ps", "--format", "json", "life"]).ok().stdout).unwrap();
    assert_eq!(pids.len(), 2);
    assert!(pids.iter().all(|pid| of(*pid) == cgroup));
    container.call("pause", &[]).ok();
    assert_eq!(container.status(), "paused");
    container.call("resume", &[]).ok();
    container.kill("KILL");
    container.died();
    container.delete();
    is_gone("docker-life.scope");
    assert!(!cgroup.exists());
    assert_eq!(runtime.ids(), [""; 0]);
}

/// In the foreground, without a path, with a process limit of one: the scope is named after the container, the limit is the
/// container's own, and all is gone with it.
#[test]
fn foreground() {
    if !is_there() {
        return;
    }
    let folder = folder();
    let runtime = onggi(&folder);
    let bundle = Bundle::new().deeds(&["report", "--read", "/sys/fs/cgroup/pids.max"]).edit(|config| {
        config["linux"]["resources"]["pids"] = json!({"limit": 1});
    });
    let path = bundle.path().to_str().unwrap().to_owned();
    let output = runtime.call(["--systemd-cgroup", "run", "--bundle", &path, "fore+ground"]).ok();
    let report = Report::parse(&output.stdout);
    assert_eq!((&report["cgroup"]["path"], &report["reads"]["/sys/fs/cgroup/pids.max"]), (&json!("/"), &json!("1\n")));
    is_gone("onggi-fore\\x2bground.scope");
}

/// What our rules allow systemd's program allows, and what they deny is denied.
#[test]
fn devices() {
    if !is_there() {
        return;
    }
    let folder = folder();
    let runtime = onggi(&folder);
    let bundle = Bundle::new()
        .deeds(&["report", "--open", "/dev/a:r", "--open", "/dev/a:w", "--open", "/dev/b:r", "--open", "/dev/zero:r"])
        .edit(|config| {
            config["linux"]["devices"] = json!([
                {"path": "/dev/a", "type": "c", "major": 240, "minor": 99, "fileMode": 0o666},
                {"path": "/dev/b", "type": "c", "major": 240, "minor": 98, "fileMode": 0o666},
            ]);
            config["linux"]["resources"]["devices"] = json!([
                {"allow": false, "access": "rwm"},
                {"allow": true, "type": "c", "major": 240, "access": "r"},
                {"allow": false, "type": "c", "major": 240, "minor": 98, "access": "r"},
            ]);
        });
    let path = bundle.path().to_str().unwrap().to_owned();
    let report = Report::parse(&runtime.call(["--systemd-cgroup", "run", "--bundle", &path, "devices"]).ok().stdout);
    let felt = ["/dev/a:r", "/dev/a:w", "/dev/b:r", "/dev/zero:r"].map(|what| report.probe(&format!("open {what}")));
    assert_eq!(felt, ["ENXIO", "EPERM", "EPERM", "ok"]);
}

/// An idle container stays idle.
#[test]
fn idle() {
    if !is_there() {
        return;
    }
    let folder = folder();
    let runtime = onggi(&folder);
    let bundle = sleeper("system.slice:docker:idle").edit(|config| {
        config["linux"]["resources"]["cpu"] = json!({"idle": 1});
    });
    let container = start(&runtime, &bundle, "idle");
    let cgroup = of(container.pid());
    assert_eq!(read(&cgroup, "cpu.idle"), "1");
    tell("systemctl", &["daemon-reload"]);
    assert_eq!(read(&cgroup, "cpu.idle"), "1");
    container.force_delete();
    is_gone("docker-idle.scope");
}

/// A container in a slice: no scope, no placeholder.
#[test]
fn a_slice() {
    if !is_there() {
        return;
    }
    let folder = folder();
    let runtime = onggi(&folder);
    let bundle = sleeper("system.slice:x:jarslice-one.slice")
        .edit(|config| config["linux"]["resources"]["pids"] = json!({"limit": 20}));
    let container = start(&runtime, &bundle, "slice");
    let cgroup = of(container.pid());
    assert_eq!(cgroup, Path::new("/sys/fs/cgroup/jarslice.slice/jarslice-one.slice"));
    assert_eq!(read(&cgroup, "pids.max"), "20");
    container.force_delete();
    // Of any slice that could be systemd says that it is loaded.
    assert_eq!(show("jarslice-one.slice", &["ActiveState"]), "ActiveState=inactive");
    assert!(!cgroup.exists());
}

/// A limit that the kernel refuses: the error names it, and no unit is left.
#[test]
fn a_limit_that_is_refused() {
    if !is_there() {
        return;
    }
    let folder = folder();
    let runtime = onggi(&folder);
    let bundle = sleeper("system.slice:docker:refused")
        .edit(|config| config["linux"]["resources"]["unified"] = json!({"memory.high": "nonsense"}));
    let path = bundle.path().to_str().unwrap().to_owned();
    let output = runtime.call(["--systemd-cgroup", "create", "--bundle", &path, "refused"]);
    output.fails_with("linux.resources.unified[\"memory.high\"]: the kernel refuses \"nonsense\"");
    is_gone("docker-refused.scope");
    assert_eq!(runtime.ids(), [""; 0]);
}

/// A program that is not there: the scope goes with the container.
#[test]
fn undone() {
    if !is_there() {
        return;
    }
    let folder = folder();
    let runtime = onggi(&folder);
    let bundle =
        sleeper("system.slice:docker:undone").edit(|config| config["process"]["args"] = json!(["/nonexistent"]));
    let path = bundle.path().to_str().unwrap().to_owned();
    runtime.call(["--systemd-cgroup", "create", "--bundle", &path, "undone"]).fails_with("no such file or directory");
    is_gone("docker-undone.scope");
    assert_eq!(runtime.ids(), [""; 0]);
}

/// Without systemd's own socket the machine's bus serves.
#[test]
fn over_the_bus() {
    if !is_there() {
        return;
    }
    let folder = folder();
    let runtime = onggi(&folder);
    let bundle = sleeper("system.slice:docker:bus");
    let words = format!(
        "mount --bind /dev/null /run/systemd/private && onggi={} root={} && $onggi --root $root --systemd-cgroup run --detach \
         --bundle {} bus </dev/null >/dev/null && systemctl show --property=ActiveState docker-bus.scope && \
         $onggi --root $root delete --force bus",
        runtime.program().display(),
        runtime.root().display(),
        bundle.path().display()
    );
    assert_eq!(tell("unshare", &["--mount", "sh", "-c", &words]), "ActiveState=active");
    is_gone("docker-bus.scope");
}
