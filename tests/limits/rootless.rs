//! Limits without root: with a cgroup that was delegated to the user, and without.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::kit::{ROOT, has, of, read};
use crate::support::{Bundle, Host, Output, before_exec, guarded_rootless};

/// What systemd hands over with `Delegate=yes`: a cgroup that is the user's, and below it one where their shell is.
struct Delegated {
    path: PathBuf,
}

impl Delegated {
    fn make(host: &Host, controllers: &str) -> Self {
        let slice = Path::new(ROOT).join("users");
        let path = slice.join("user");
        fs::create_dir_all(&path).unwrap();
        fs::write(slice.join("cgroup.subtree_control"), controllers).unwrap();
        let (uid, gid) = host.user();
        let delegated = fs::read_to_string("/sys/kernel/cgroup/delegate").unwrap();
        fs::create_dir(path.join("shell")).unwrap();
        for folder in [path.clone(), path.join("shell")] {
            chown(&folder, Some(uid), Some(gid)).unwrap();
            for file in delegated.lines().map(|file| folder.join(file)).filter(|file| file.exists()) {
                chown(&file, Some(uid), Some(gid)).unwrap();
            }
        }
        Self { path }
    }
}

impl Drop for Delegated {
    fn drop(&mut self) {
        let _ = fs::remove_dir(self.path.join("shell"));
        let _ = fs::remove_dir(&self.path);
        let _ = fs::remove_dir(self.path.parent().unwrap());
    }
}

/// Runs `RUNTIME WORDS...` as the user, from `cgroup`.
fn call(host: &Host, cgroup: &Path, words: &[&str]) -> Output {
    let procs = OpenOptions::new().write(true).open(cgroup.join("cgroup.procs")).unwrap();
    host.runtime()
        .invoke(words)
        .with(|command| before_exec(command, move || Ok(nix::unistd::write(&procs, b"0").map(drop)?)))
        .run()
}

fn bundle(host: &Host, resources: &Value, deeds: &[&str]) -> Bundle {
    let (uid, gid) = host.user();
    Bundle::rootless(uid, gid).deeds(deeds).edit(|config| config["linux"]["resources"] = resources.clone())
}

/// In a delegated cgroup all limits hold whose controllers were delegated, and the container's end leaves it as it was.
#[test]
fn delegated() {
    guarded_rootless(|host| {
        if !host.has_world() || !has(&["memory", "pids"]) {
            return;
        }
        let own = Delegated::make(host, "+memory +pids");
        let limits = json!({"memory": {"limit": 67_108_864}, "pids": {"limit": 20}});
        let bundle = bundle(host, &limits, &["sleep"]);
        let path = bundle.path().to_str().unwrap().to_owned();
        call(host, &own.path.join("shell"), &["run", "--detach", "--bundle", &path, "jar"]).ok();
        let folder = own.path.join("jar");
        let pid = read(&folder, "cgroup.procs").parse().unwrap();
        assert_eq!(of(pid), folder);
        assert_eq!((read(&folder, "memory.max"), read(&folder, "pids.max")), ("67108864".into(), "20".into()));
        call(host, &own.path.join("shell"), &["delete", "--force", "jar"]).ok();
        assert!(!folder.exists());
    });
}

/// A controller that was not delegated: which, where, and what to do.
#[test]
fn not_that_controller() {
    guarded_rootless(|host| {
        if !host.has_world() || !has(&["memory", "pids", "cpu"]) || !host.runtime().is_onggi() {
            return;
        }
        let own = Delegated::make(host, "+pids");
        let bundle = bundle(host, &json!({"pids": {"limit": 20}, "memory": {"limit": 67_108_864}}), &["exit", "0"]);
        let path = bundle.path().to_str().unwrap().to_owned();
        let output = call(host, &own.path.join("shell"), &["run", "--bundle", &path, "jar"]);
        let output = output.fails_with("linux.resources.memory.limit: needs the memory controller");
        assert!(output.stderr.contains("Delegate="), "{output:?}");
        assert!(!own.path.join("jar").exists());
        assert_eq!(host.runtime().ids(), [""; 0]);
    });
}

/// Nothing was delegated: limits are refused, with the remedy; without any the container runs where the user is.
#[test]
fn not_delegated() {
    guarded_rootless(|host| {
        if !host.has_world() || !has(&["pids"]) || !host.runtime().is_onggi() {
            return;
        }
        let output = host.run(&bundle(host, &json!({"pids": {"limit": 20}}), &["exit", "0"]));
        let output = output.fails_with("linux.resources.pids.limit");
        assert!(output.stderr.contains("Delegate="), "{output:?}");
        host.run(&bundle(host, &json!({}), &["exit", "0"])).ok();
    });
}

/// What needs a cgroup, of a container that has none of its own: each says so, and what to do; the rest works without.
#[test]
fn without_a_cgroup() {
    guarded_rootless(|host| {
        if !host.has_world() || !host.runtime().is_onggi() {
            return;
        }
        let container = host.start(&bundle(host, &json!({}), &["say", "ready", "sleep"]));
        for words in [&["pause", "jar"][..], &["update", "--pids-limit", "5", "jar"], &["events", "--stats", "jar"]] {
            let output = host.runtime().call(words).fails_with("no cgroup of its own");
            assert!(output.stderr.contains("systemd-run --user --scope -p Delegate=yes"), "{output:?}");
        }
        container.exec(&[], &["exit", "6"]).status(6);
        assert_eq!(container.status(), "running");
        container.force_delete();
    });
}
