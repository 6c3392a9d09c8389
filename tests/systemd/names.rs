//! Names of units that others have, or had.

use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::kit::{ask, is_gone, is_there, onggi, show, sleeper, start};
use crate::support::Runtime;

/// A scope of somebody's, with a process in it, as long as this lives.
struct Stranger(Child);

impl Stranger {
    fn scope(unit: &str, description: &str) -> Self {
        let mut command = Command::new("systemd-run");
        command.args(["--scope", "--collect", &format!("--unit={unit}"), &format!("--description={description}")]);
        let child = command.args(["sleep", "1000"]).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stranger = Self(child);
        // It says so when it runs.
        let mut said = [0; 8];
        std::io::Read::read_exact(stranger.0.stderr.as_mut().unwrap(), &mut said).unwrap();
        assert_eq!(&said, b"Running ");
        stranger
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn create(runtime: &Runtime, place: &str, id: &str) -> crate::support::Output {
    let bundle = sleeper(place);
    let path = bundle.path().to_str().unwrap().to_owned();
    runtime.call(["--systemd-cgroup", "create", "--bundle", &path, id])
}

/// A name that is taken: an error that says by whom, and the unit goes on as it was.
#[test]
fn taken() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = onggi(&folder);
    let _stranger = Stranger::scope("docker-taken.scope", "a stranger");
    let output = create(&runtime, "system.slice:docker:taken", "taken");
    output.fails_with("linux.cgroupsPath: systemd has a unit docker-taken.scope already, which is active");
    assert_eq!(show("docker-taken.scope", &["ActiveState"]), "ActiveState=active");
    assert_eq!(runtime.ids(), [""; 0]);
}

/// A unit that failed is in nobody's way.
#[test]
fn failed_before() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = onggi(&folder);
    ask("systemd-run", &["--scope", "--unit=docker-failed.scope", "--property=RuntimeMaxSec=100ms", "sleep", "1000"]);
    let state = || show("docker-failed.scope", &["ActiveState"]);
    let until = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while state() != "ActiveState=failed" && std::time::Instant::now() < until {
        std::thread::yield_now();
    }
    assert_eq!(state(), "ActiveState=failed");
    let container = start(&runtime, &sleeper("system.slice:docker:failed"), "failed");
    assert_eq!(state(), "ActiveState=active");
    container.force_delete();
    is_gone("docker-failed.scope");
}

/// The record of a creation that was killed before it knew what systemd did.
fn interrupted(runtime: &Runtime, id: &str, unit: &str, description: &str) {
    let record: Value = json!({
        "version": 1, "cgroup": null, "systemd": {"name": unit, "user": false, "description": description},
        "pid": null, "start_time": null, "id": id, "bundle": "/", "rootfs": "/", "created": "", "owner": 0, "oci_version": "1.3.0",
    });
    let folder = runtime.root().join(id);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("state.json"), record.to_string()).unwrap();

    std::fs::set_permissions(runtime.root(), std::fs::Permissions::from_mode(0o700)).unwrap();
}

/// After a creation that was interrupted, `delete` ends the unit that is its own, by the description, and no other.
#[test]
fn of_an_interrupted_creation() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = onggi(&folder);
    let _theirs = Stranger::scope("docker-theirs.scope", "onggi container x (today)");
    interrupted(&runtime, "theirs", "docker-theirs.scope", "onggi container x (yesterday)");
    runtime.call(["delete", "--force", "theirs"]).ok();
    assert_eq!(show("docker-theirs.scope", &["ActiveState"]), "ActiveState=active");

    let _ours = Stranger::scope("docker-ours.scope", "onggi container y (today)");
    interrupted(&runtime, "ours", "docker-ours.scope", "onggi container y (today)");
    runtime.call(["delete", "--force", "ours"]).ok();
    is_gone("docker-ours.scope");

    interrupted(&runtime, "none", "docker-none.scope", "onggi container z (today)");
    runtime.call(["delete", "none"]).ok();
    assert_eq!(runtime.ids(), [""; 0]);
    is_gone("docker-none.scope");
}

/// Killed at any of its words with systemd: `delete --force` leaves nothing, and the id and the name can be used again.
#[test]
fn killed_at_any_word() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = onggi(&folder);
    let bundle = sleeper("system.slice:docker:killed");
    let (program, root) = (runtime.program().to_str().unwrap(), runtime.root().to_str().unwrap());
    let path = bundle.path().to_str().unwrap().to_owned();
    for call in ["sendto", "recvfrom"] {
        let mut killed = 0;
        loop {
            let inject = format!("inject={call}:signal=KILL:when={}", killed + 1);
            let words = ["-qqq", "-o", "/dev/null", "-e", &inject, program, "--root", root, "--systemd-cgroup"];
            let mut command = Command::new("strace");
            command
                .args(words)
                .args(["create", "--bundle", &path, "killed"])
                .stdin(Stdio::null())
                .stdout(Stdio::null());
            let whole = command.stderr(Stdio::null()).status().unwrap().success();
            runtime.call(["delete", "--force", "killed"]).ok();
            is_gone("docker-killed.scope");
            if whole {
                break;
            }
            killed += 1;
        }
        // Greeting, Subscribe, StartTransientUnit, and which cgroup it is.
        assert!(killed >= 4, "{call}: {killed}");
    }
}

/// One after the other under the same name, as an engine restarts a container.
#[test]
fn again_and_again() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = onggi(&folder);
    for _ in 0..5 {
        let container = start(&runtime, &sleeper("system.slice:docker:again"), "again");
        container.kill("KILL");
        container.died();
        container.delete();
    }
    is_gone("docker-again.scope");
}

/// A path that systemd does not understand.
#[test]
fn not_for_systemd() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = onggi(&folder);
    let output = create(&runtime, "/docker/abc", "abc");
    let output = output.fails_with("linux.cgroupsPath: must be slice:prefix:name where systemd makes the cgroup");
    assert!(output.stderr.contains("leave out --systemd-cgroup"), "{output:?}");
}
