//! config-linux.md, "Control groups": the path, the life of the cgroup, devices, pause, limits.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::support::{Bundle, Host, guarded, skipped};

const ROOT: &str = "/sys/fs/cgroup";

fn sleeper() -> Bundle {
    Bundle::new().deeds(&["say", "ready", "sleep"])
}

/// The directory of a process's cgroup.
pub fn of(pid: i32) -> PathBuf {
    let lines = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let path = lines.lines().find_map(|line| line.strip_prefix("0::/")).unwrap().to_owned();
    Path::new(ROOT).join(path)
}

/// Whether the test's cgroup has this controller to hand on; a test that needs more is skipped.
pub fn has_controller(name: &str) -> bool {
    let all = fs::read_to_string(format!("{ROOT}/cgroup.subtree_control")).unwrap();
    let has = all.split_whitespace().any(|one| one == name);
    if !has {
        skipped(&format!("the cgroup v2 controller {name} is not to be had on this machine"));
    }
    has
}

/// An absolute `cgroupsPath` is taken from the hierarchy's mount point, and is gone with the container.
#[test]
fn absolute_path() {
    guarded(|host| {
        let parent = Path::new(ROOT).join("jars");
        fs::create_dir(&parent).unwrap();
        let container = host.start(&sleeper().edit(|config| config["linux"]["cgroupsPath"] = json!("/jars/one")));
        assert_eq!(of(container.pid()), parent.join("one"));
        container.force_delete();
        assert!(!parent.join("one").exists());
        fs::remove_dir(parent).unwrap();
    });
}

/// A relative `cgroupsPath` lies where the runtime likes, always at the same place, under this name.
#[test]
fn relative_path() {
    guarded(|host| {
        let path = || {
            let container = host.start(&sleeper().edit(|config| config["linux"]["cgroupsPath"] = json!("relative")));
            let path = of(container.pid());
            container.force_delete();
            path
        };
        let first = path();
        assert!(first.ends_with("relative"), "{first:?}");
        assert_eq!(path(), first);
        assert!(!first.exists());
    });
}

/// Without a path each container still has a cgroup of its own.
#[test]
fn no_path() {
    guarded(|host| {
        let container = host.start(&sleeper());
        let path = of(container.pid());
        assert_ne!(path, of(std::process::id().cast_signed()));
        container.force_delete();
        assert!(!path.exists());
    });
}

/// In a cgroup namespace the container's cgroup is the root, in /proc and in the mounted hierarchy.
#[test]
fn seen_from_inside() {
    guarded(|host| {
        let bundle =
            Bundle::new().deeds(&["report", "--read", "/sys/fs/cgroup/cgroup.procs", "--write", "/sys/fs/cgroup"]);
        let report = host.report(&bundle);
        assert_eq!(report["cgroup"]["path"], "/");
        assert_eq!(report["reads"]["/sys/fs/cgroup/cgroup.procs"], "1\n");
        assert_eq!(report.probe("write /sys/fs/cgroup"), "EROFS");
        let bundle =
            Bundle::new().without_namespace("cgroup").edit(|config| config["linux"]["cgroupsPath"] = json!("/seen"));
        assert_eq!(host.report(&bundle)["cgroup"]["path"], "/seen");
    });
}

/// `kill --all` reaches every process, also without a pid namespace.
#[test]
fn kill_all() {
    guarded(|host| {
        let mut container =
            host.start(&Bundle::new().without_namespace("pid").deeds(&["fork", "4", "say", "ready", "sleep"]));
        assert_eq!(processes(&of(container.pid())), 5);
        host.runtime().call(["kill", "--all", "jar", "KILL"]).ok();
        assert_eq!(container.rest(), "", "nobody holds stdout any more");
        container.ended();
        container.delete();
    });
}

fn processes(cgroup: &Path) -> usize {
    fs::read_to_string(cgroup.join("cgroup.procs")).unwrap().lines().count()
}

/// `pause` stops every process, `resume` lets them go on; a paused container says so.
#[test]
fn pause_and_resume() {
    guarded(|host| {
        let mut container = host.start(&Bundle::new().deeds(&["trap-term", "say", "ready", "sleep"]));
        container.call("pause", &[]).ok();
        assert_eq!(container.status(), "paused");
        let cgroup = of(container.pid());
        assert!(fs::read_to_string(cgroup.join("cgroup.events")).unwrap().contains("frozen 1"));
        container.call("resume", &[]).ok();
        assert_eq!(container.status(), "running");
        container.kill("TERM");
        assert_eq!(container.rest(), "");
        container.ended();
        container.delete();
    });
}

/// What the container has made below its cgroup stands still with it, also where that takes longer than its own: a crowd
/// below shares a processor with a busy thread.
#[test]
fn pause_reaches_below() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "waits for the container's own cgroup only") {
            return;
        }
        let container = host.start(&Bundle::new().deeds(&["fork", "400", "say", "ready", "sleep"]));
        let cgroup = of(container.pid());
        let below = cgroup.join("below");
        fs::create_dir(&below).unwrap();
        let pids = fs::read_to_string(cgroup.join("cgroup.procs")).unwrap();
        for child in pids.lines().map(|pid| pid.parse().unwrap()).filter(|&pid| pid != container.pid()) {
            pin(child);
            fs::write(below.join("cgroup.procs"), child.to_string()).unwrap();
        }
        let says = |word| fs::read_to_string(below.join("cgroup.events")).unwrap().contains(word);
        beside_a_busy_thread(|| {
            container.call("pause", &[]).ok();
            assert!(says("frozen 1"));
        });
        container.call("resume", &[]).ok();
        // The container itself is awake as soon as one of its own processes is; those below follow.
        let end = Instant::now() + Duration::from_secs(10);
        while !says("frozen 0") {
            assert!(Instant::now() < end, "frozen below");
            std::thread::yield_now();
        }
        container.force_delete();
    });
}

/// Leaves a process, or this thread (0), one processor, the same one for all.
fn pin(pid: i32) {
    let allowed = sched_getaffinity(Pid::this()).unwrap();
    let first = (0..CpuSet::count()).find(|&cpu| allowed.is_set(cpu).unwrap()).unwrap();
    let mut only = CpuSet::new();
    only.set(first).unwrap();
    sched_setaffinity(Pid::from_raw(pid), &only).unwrap();
}

/// Does something while a thread uses all of the processor that [`pin`] gives, for ten seconds at most.
fn beside_a_busy_thread(work: impl FnOnce()) {
    let (busy, done) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pin(0);
            busy.store(true, Ordering::Relaxed);
            let end = Instant::now() + Duration::from_secs(10);
            while !done.load(Ordering::Relaxed) && Instant::now() < end {
                std::hint::spin_loop();
            }
        });
        while !busy.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        work();
        done.store(true, Ordering::Relaxed);
    });
}

/// What somebody else has frozen, further up, can't be resumed here; the message says where.
#[test]
fn frozen_from_above() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "does not say why") {
            return;
        }
        let parent = Path::new(ROOT).join("jars");
        fs::create_dir(&parent).unwrap();
        let container = host.start(&sleeper().edit(|config| config["linux"]["cgroupsPath"] = json!("/jars/one")));
        container.call("pause", &[]).ok();
        fs::write(parent.join("cgroup.freeze"), "1").unwrap();
        container.call("resume", &[]).fails_with("write 0 to /sys/fs/cgroup/jars/cgroup.freeze");
        assert_eq!(container.status(), "paused");
        fs::write(parent.join("cgroup.freeze"), "0").unwrap();
        container.force_delete();
        fs::remove_dir(parent).unwrap();
    });
}

/// What SIGKILL has ended while it was paused is resumed by containerd's shim, so that nothing in its cgroup stays frozen.
#[test]
fn resume_of_one_killed_while_paused() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "leaves it frozen") {
            return;
        }
        let container = host.start(&sleeper());
        let cgroup = of(container.pid());
        container.call("pause", &[]).ok();
        container.kill("KILL");
        container.ended();
        container.call("resume", &[]).ok();
        assert_eq!(fs::read_to_string(cgroup.join("cgroup.freeze")).unwrap(), "0\n");
        assert_eq!(container.status(), "stopped");
        container.call("resume", &[]).fails_with("not paused");
        container.delete();
    });
}

/// A paused container can be deleted by force.
#[test]
fn delete_of_a_paused_one() {
    guarded(|host| {
        let container = host.start(&sleeper());
        container.call("pause", &[]).ok();
        container.force_delete();
    });
}

/// `linux.resources.devices`: what a rule allows can be opened, in just this way; other nodes can't.
#[test]
fn devices() {
    guarded(|host| {
        // Character devices 240 to 254 are for local use, so that nobody answers: ENXIO means allowed.
        let bundle = Bundle::new()
            .deeds(&[
                "report",
                "--open",
                "/dev/a:r",
                "--open",
                "/dev/a:w",
                "--open",
                "/dev/b:r",
                "--open",
                "/dev/zero:r",
            ])
            .edit(|config| {
                config["linux"]["devices"] = json!([
                    {"path": "/dev/a", "type": "c", "major": 240, "minor": 99, "fileMode": 0o666},
                    {"path": "/dev/b", "type": "c", "major": 240, "minor": 98, "fileMode": 0o666},
                ]);
                config["linux"]["resources"]["devices"] = json!([
                    {"allow": false, "access": "rwm"},
                    {"allow": true, "type": "c", "major": 240, "minor": 99, "access": "r"},
                ]);
            });
        let report = host.report(&bundle);
        assert_eq!(report.probe("open /dev/a:r"), "ENXIO");
        assert_eq!(report.probe("open /dev/a:w"), "EPERM");
        assert_eq!(report.probe("open /dev/b:r"), "EPERM");
        assert_eq!(report.probe("open /dev/zero:r"), "ok", "a default device");
    });
}

/// Later rules go before earlier ones, and a wildcard stands for every number.
#[test]
fn device_rules_in_order() {
    guarded(|host| {
        if host.lacks(&["runc"], "1.1 can not forbid one device of a class") {
            return;
        }
        let bundle = Bundle::new().deeds(&["report", "--open", "/dev/a:r", "--open", "/dev/b:r"]).edit(|config| {
            config["linux"]["devices"] = json!([
                {"path": "/dev/a", "type": "c", "major": 240, "minor": 99, "fileMode": 0o666},
                {"path": "/dev/b", "type": "c", "major": 240, "minor": 98, "fileMode": 0o666},
            ]);
            config["linux"]["resources"]["devices"] = json!([
                {"allow": false, "access": "rwm"},
                {"allow": true, "type": "c", "major": 240, "access": "rw"},
                {"allow": false, "type": "c", "major": 240, "minor": 98, "access": "r"},
            ]);
        });
        let report = host.report(&bundle);
        assert_eq!(
            (report.probe("open /dev/a:r").as_str(), report.probe("open /dev/b:r").as_str()),
            ("ENXIO", "EPERM")
        );
    });
}

/// The value of one file of the container's cgroup under these resources.
fn limit(host: &Host, resources: &Value, file: &str) -> String {
    let container = host.start(&sleeper().edit(|config| config["linux"]["resources"] = resources.clone()));
    let text = fs::read_to_string(of(container.pid()).join(file)).unwrap_or_default();
    container.force_delete();
    text.trim().to_owned()
}

/// `resources.memory`: limit, swap (memory and swap together) and reservation.
#[test]
fn memory() {
    guarded(|host| {
        if !has_controller("memory") {
            return;
        }
        let resources = json!({"memory": {"limit": 67_108_864, "swap": 100_663_296, "reservation": 33_554_432}});
        assert_eq!(limit(host, &resources, "memory.max"), "67108864");
        assert_eq!(limit(host, &resources, "memory.swap.max"), "33554432");
        assert_eq!(limit(host, &resources, "memory.low"), "33554432");
    });
}

/// `resources.cpu`: quota and period.
#[test]
fn cpu() {
    guarded(|host| {
        if !has_controller("cpu") {
            return;
        }
        let resources = json!({"cpu": {"quota": 30_000, "period": 100_000}});
        assert_eq!(limit(host, &resources, "cpu.max"), "30000 100000");
    });
}

/// `resources.pids`.
#[test]
fn pids() {
    guarded(|host| {
        if has_controller("pids") {
            assert_eq!(limit(host, &json!({"pids": {"limit": 17}}), "pids.max"), "17");
        }
    });
}

/// `resources.hugepageLimits`, a limit for one page size.
#[test]
fn huge_pages() {
    guarded(|host| {
        if has_controller("hugetlb") {
            let resources = json!({"hugepageLimits": [{"pageSize": "2MB", "limit": 4_194_304}]});
            assert_eq!(limit(host, &resources, "hugetlb.2MB.max"), "4194304");
        }
    });
}

/// `resources.unified`: a file of the cgroup by its name.
#[test]
fn unified() {
    guarded(|host| {
        let resources = json!({"unified": {"cgroup.max.descendants": "3"}});
        assert_eq!(limit(host, &resources, "cgroup.max.descendants"), "3");
    });
}

/// Null, empty and zero resources ask for nothing, as engines send them.
#[test]
fn nothing_asked() {
    guarded(|host| {
        let bundle = Bundle::new().edit(|config| {
            config["linux"]["resources"] = json!({"memory": {}, "cpu": {"shares": 0}, "blockIO": {"weight": 0}});
        });
        if !host.lacks(&["crun", "runc"], "wants the controllers that it doesn't need") {
            host.run(&bundle).ok();
        }
    });
}
