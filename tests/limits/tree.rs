//! config-linux.md, "Control groups": the place in the tree, and what the kernel's rules of the tree make of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::kit::{ROOT, has, limited, of, read, sleeper, until};
use crate::support::{Bundle, guarded};

fn at(bundle: Bundle, place: &str) -> Bundle {
    bundle.edit(|config| config["linux"]["cgroupsPath"] = json!(place))
}

fn directory(name: &str) -> PathBuf {
    let path = Path::new(ROOT).join(name);
    fs::create_dir(&path).unwrap();
    path
}

/// A process of the host that is in this cgroup.
fn process_in(folder: &Path) -> Child {
    let child = Command::new("/bin/sleep").arg("1000").stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    fs::write(folder.join("cgroup.procs"), child.id().to_string()).unwrap();
    child
}

/// Controllers are enabled all the way down, through parents that were there without any, and through new ones. What
/// was made is removed, what was there stays.
#[test]
fn nested() {
    guarded(|host| {
        if !has(&["memory", "pids"]) {
            return;
        }
        let there = directory("there");
        let limits = json!({"memory": {"limit": 67_108_864}, "pids": {"limit": 30}});
        let container = host.start(&at(sleeper(&limits), "/there/a/b/leaf"));
        let folder = of(container.pid());
        assert_eq!(folder, there.join("a/b/leaf"));
        assert_eq!((read(&folder, "memory.max"), read(&folder, "pids.max")), ("67108864".into(), "30".into()));
        for parent in [&there, &there.join("a/b")] {
            let enabled = read(parent, "cgroup.subtree_control");
            assert!(enabled.contains("memory") && enabled.contains("pids"), "{}: {enabled}", parent.display());
        }
        container.force_delete();
        assert!(!there.join("a").exists());
        fs::remove_dir(there).unwrap();
    });
}

/// A cgroup with processes can't hand controllers on: the message names it and who is there.
#[test]
fn no_internal_processes() {
    guarded(|host| {
        if !has(&["memory", "pids"]) {
            return;
        }
        let busy = directory("busy");
        let mut child = process_in(&busy);
        let limits = json!({"pids": {"limit": 30}});
        let output = host.run(&at(limited(&limits, &["exit", "0"]), "/busy/jar"));
        let output = output.fails_with("linux.resources.pids.limit: needs the pids controller");
        assert!(output.stderr.contains(&format!("process {}", child.id())), "{output:?}");
        // Without limits there is nothing to hand on.
        host.run(&at(Bundle::new().deeds(&["exit", "0"]), "/busy/jar")).ok();
        child.kill().unwrap();
        child.wait().unwrap();
        fs::remove_dir(busy).unwrap();
    });
}

/// A threaded cgroup takes no container, nor does a domain below one.
#[test]
fn threaded() {
    guarded(|host| {
        let parent = directory("mixed");
        let threaded = parent.join("threaded");
        fs::create_dir(&threaded).unwrap();
        fs::write(threaded.join("cgroup.type"), "threaded").unwrap();
        let bundle = Bundle::new().deeds(&["exit", "0"]);
        let output = host.run(&at(bundle, "/mixed/threaded")).fails_with("linux.cgroupsPath");
        assert!(output.stderr.contains("threaded"), "{output:?}");
        let bundle = Bundle::new().deeds(&["exit", "0"]);
        let output = host.run(&at(bundle, "/mixed/threaded/below")).fails_with("threaded");
        assert!(output.stderr.contains("/mixed/threaded/below"), "{output:?}");
        assert!(!threaded.join("below").exists());
        // Beside it, in what has become a threaded domain, containers can live.
        let bundle = Bundle::new().deeds(&["exit", "0"]);
        let output = host.run(&at(bundle, "/mixed/beside"));
        assert!(output.status == 0 || output.stderr.contains("threaded"), "{output:?}");
        fs::remove_dir(threaded).unwrap();
        fs::remove_dir(parent).unwrap();
    });
}

/// Two containers share the parents that the first made; the last one to go removes them.
#[test]
fn parents_go_with_the_last() {
    guarded(|host| {
        let start =
            |id: &str| crate::kit::start_as(host, &at(Bundle::new().deeds(&["sleep"]), &format!("/pod/{id}")), id);
        let (first, second) = (start("first"), start("second"));
        first.force_delete();
        assert!(Path::new(ROOT).join("pod/second").exists());
        second.force_delete();
        // The second did not make the pod: its maker could not remove it while it was in use.
        let _ = fs::remove_dir(Path::new(ROOT).join("pod"));
    });
}

/// A container that is given its cgroup to write makes cgroups below; `exec --cgroup` goes there, and `delete` removes
/// all of it, however deep.
#[test]
fn the_containers_own() {
    guarded(|host| {
        if !has(&["pids"]) || !host.is_onggi() {
            return;
        }
        let bundle = Bundle::new()
            .deeds(&["mkdir", "/sys/fs/cgroup/one", "mkdir", "/sys/fs/cgroup/one/two", "say", "ready", "sleep"])
            .without_mount("/sys/fs/cgroup")
            .mount(json!({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
                          "options": ["nosuid", "noexec", "nodev", "rw"]}));
        let container = host.start(&bundle);
        let folder = of(container.pid());
        let output = container.exec(&["--cgroup", "one/two"], &["report"]).ok();
        let report = crate::support::Report::parse(&output.stdout);
        assert_eq!(report["cgroup"]["path"], "/one/two");
        let output = container.exec(&["--cgroup", "../.."], &["exit", "0"]);
        output.fails_with("--cgroup");
        let output = container.exec(&["--cgroup", "none"], &["exit", "0"]);
        output.fails_with("--cgroup");
        container.force_delete();
        assert!(!folder.exists());
    });
}

/// `kill --all` and `delete --force` reach processes in cgroups below the container's own, frozen ones too.
#[test]
fn nested_and_frozen() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let bundle = Bundle::new()
            .deeds(&["mkdir", "/sys/fs/cgroup/below", "say", "ready", "sleep"])
            .without_mount("/sys/fs/cgroup")
            .mount(json!({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
                          "options": ["nosuid", "noexec", "nodev", "rw"]}));
        let container = host.start(&bundle);
        let folder = of(container.pid());
        let pid_file = host.folder().join("pid");
        let line = [
            "exec",
            "--detach",
            "--pid-file",
            pid_file.to_str().unwrap(),
            "--cgroup",
            "below",
            "jar",
            "/payload",
            "sleep",
        ];
        host.runtime().call(line).ok();
        // While it is not reaped the container's first process, its pid namespace's init, can't end.
        let ending = crate::support::reaper(fs::read_to_string(&pid_file).unwrap().parse().unwrap());
        until("a process below", || !read(&folder.join("below"), "cgroup.procs").is_empty());
        container.call("pause", &[]).ok();
        assert!(read(&folder.join("below"), "cgroup.events").contains("frozen 1"));
        assert_eq!(container.status(), "paused");
        container.force_delete();
        ending.join().unwrap();
        assert!(!folder.exists());
    });
}
