//! Short ways to the files of a container's cgroup.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Bundle, Container, Host, patience, skipped};

pub const ROOT: &str = "/sys/fs/cgroup";

/// Whether the test's cgroup has these controllers to hand on. If not the test is to be left.
#[track_caller]
pub fn has(controllers: &[&str]) -> bool {
    let all = fs::read_to_string(format!("{ROOT}/cgroup.subtree_control")).unwrap();
    lacks(
        controllers
            .iter()
            .find(|one| !all.split_whitespace().any(|word| word == **one))
            .map(|lacking| format!("cgroup v2 has no {lacking} controller on this machine")),
    )
}

/// Whether a file is there. If not the test is to be left.
#[track_caller]
pub fn has_file(path: &str) -> bool {
    lacks((!Path::new(path).exists()).then(|| format!("this machine has no {path}")))
}

/// Whether the machine swaps. If not the test is to be left.
#[track_caller]
pub fn has_swap() -> bool {
    let swaps = fs::read_to_string("/proc/swaps").unwrap_or_default();
    lacks((swaps.lines().count() < 2).then(|| "this machine has no swap".to_owned()))
}

#[track_caller]
fn lacks(what: Option<String>) -> bool {
    let Some(what) = what else { return true };
    assert!(std::env::var_os("ONGGI_VM").is_none(), "the virtual machine is to have everything: {what}");
    skipped(&what);
    false
}

/// A bundle that does these deeds under these `linux.resources`.
pub fn limited(resources: &Value, deeds: &[&str]) -> Bundle {
    Bundle::new().deeds(deeds).edit(|config| merge(&mut config["linux"]["resources"], resources))
}

/// One that says `ready` and sleeps.
pub fn sleeper(resources: &Value) -> Bundle {
    limited(resources, &["say", "ready", "sleep"])
}

fn merge(config: &mut Value, resources: &Value) {
    for (name, value) in resources.as_object().unwrap() {
        config[name] = value.clone();
    }
}

/// The directory of a process's cgroup.
pub fn of(pid: i32) -> PathBuf {
    let lines = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let path = lines.lines().find_map(|line| line.strip_prefix("0::/")).unwrap().to_owned();
    Path::new(ROOT).join(path)
}

/// A file's text without its end.
#[track_caller]
pub fn read(folder: &Path, file: &str) -> String {
    let path = folder.join(file);
    fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display())).trim().to_owned()
}

/// The number after `key` in a file of lines like `nr_throttled 7`.
#[track_caller]
pub fn keyed(folder: &Path, file: &str, key: &str) -> u64 {
    let text = read(folder, file);
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {key} in {file}: {text}"))
}

/// Starts a container under these resources, reads these files of its cgroup, and removes it.
#[track_caller]
pub fn written<const N: usize>(host: &Host, resources: &Value, files: [&str; N]) -> [String; N] {
    let container = host.start(&sleeper(resources));
    let folder = of(container.pid());
    let texts = files.map(|file| read(&folder, file));
    container.force_delete();
    texts
}

/// Starts a bundle that says nothing, under an id and at a place of its own.
#[track_caller]
pub fn start_as<'h>(host: &'h Host, bundle: &Bundle, id: &str) -> Container<'h> {
    let container = Container::launch(host.runtime(), &["create"], bundle, id);
    container.start();
    container
}

/// Waits until `holds`: what the kernel counts it tells nobody of.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + patience(Duration::from_secs(20));
    while !holds() {
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
