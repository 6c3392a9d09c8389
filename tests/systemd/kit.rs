//! Asking systemd.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Bundle, Container, Runtime, patience};

/// Whether this is the virtual machine, booted with systemd: these tests make users' sessions. If not the test is to be left.
pub fn is_there() -> bool {
    let there = std::env::var_os("ONGGI_VM").is_some() && Path::new("/run/systemd/system").exists();
    if !there {
        let line = b"SKIPPED systemd is PID 1 in the virtual machine only (make vm-test)\n";
        let _ = std::io::stderr().write_all(line);
        let notes = concat!(env!("CARGO_TARGET_TMPDIR"), "/skipped");
        if let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(notes) {
            let _ = file.write_all(line);
        }
    }
    there
}

/// Runs a command: whether it succeeded, and what it said.
pub fn ask(program: &str, words: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(words).output().unwrap_or_else(|cause| panic!("{program}: {cause}"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).trim().to_owned())
}

/// The same, which must succeed.
#[track_caller]
pub fn tell(program: &str, words: &[&str]) -> String {
    let (success, text) = ask(program, words);
    assert!(success, "{program} {words:?}: {text}");
    text
}

/// Waits until `holds`: who is asked tells nobody by itself.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + patience(Duration::from_secs(20));
    while !holds() {
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Properties of a unit as `systemctl show` has them, one a line.
#[track_caller]
pub fn show(unit: &str, properties: &[&str]) -> String {
    let mut words = vec!["show", unit];
    let names: Vec<String> = properties.iter().map(|name| format!("--property={name}")).collect();
    words.extend(names.iter().map(String::as_str));
    tell("systemctl", &words)
}

/// Nothing is left of a unit: it is not loaded, has not failed, and has no job.
#[track_caller]
pub fn is_gone(unit: &str) {
    let state = show(unit, &["LoadState", "ActiveState", "Job"]);
    assert_eq!(state, "LoadState=not-found\nActiveState=inactive\nJob=", "{unit}");
    let jobs = tell("systemctl", &["list-jobs", "--no-legend"]);
    assert!(!jobs.contains(unit), "{jobs}");
}

/// onggi, with a state root of its own in `folder`.
pub fn onggi(folder: &tempfile::TempDir) -> Runtime {
    Runtime::new(folder.path().join("state"))
}

/// A bundle that says `ready` and sleeps, its cgroup made by systemd at `place`.
pub fn sleeper(place: &str) -> Bundle {
    Bundle::new().deeds(&["say", "ready", "sleep"]).edit(|config| config["linux"]["cgroupsPath"] = place.into())
}

/// Starts a container in the background.
#[track_caller]
pub fn start<'r>(runtime: &'r Runtime, bundle: &Bundle, id: &str) -> Container<'r> {
    let mut container = Container::launch(runtime, &["--systemd-cgroup", "run", "--detach"], bundle, id);
    assert_eq!(container.line(), "ready");
    container
}

/// The directory of a process's cgroup.
pub fn of(pid: i32) -> PathBuf {
    let lines = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let path = lines.lines().find_map(|line| line.strip_prefix("0::/")).unwrap().to_owned();
    Path::new("/sys/fs/cgroup").join(path)
}

/// What a file of a cgroup says.
pub fn read(cgroup: &Path, file: &str) -> String {
    std::fs::read_to_string(cgroup.join(file)).unwrap_or_else(|cause| format!("{file}: {cause}")).trim().to_owned()
}
