//! Leaves nothing behind, and says so when a contender did.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::Result;
use crate::contender::Container;
use crate::stage::Stage;

/// Removes what a container that failed has left: its processes, its cgroup, its state.
pub fn sweep(container: &Container) {
    for cgroup in cgroups_named(Path::new("/sys/fs/cgroup"), &container.id) {
        remove_cgroup(&cgroup);
    }
    let _ = fs::remove_dir_all(container.state_dir());
}

/// After a race that may have been interrupted: removes whatever bears its name.
pub fn sweep_all(name: &str) {
    for cgroup in cgroups_named(Path::new("/sys/fs/cgroup"), name) {
        remove_cgroup(&cgroup);
    }
}

/// At the end: every cgroup, state directory and mount of the race must be gone.
pub fn check(stage: &Stage) -> Result<()> {
    let mut left = Vec::new();
    let parent = Path::new("/sys/fs/cgroup").join(&stage.name);
    for cgroup in cgroups_named(Path::new("/sys/fs/cgroup"), &stage.name) {
        if cgroup != parent {
            left.push(format!("cgroup {}", cgroup.display()));
        }
        remove_cgroup(&cgroup);
    }
    for contender in fs::read_dir(stage.dir.join("state"))?.flatten() {
        for state in fs::read_dir(contender.path())?.flatten() {
            if state.file_name().to_string_lossy().contains(&stage.name) {
                left.push(format!("state {}", state.path().display()));
            }
        }
    }
    if mounts()? != stage.mounts {
        left.push("mounts in the caller's mount namespace".to_owned());
    }
    if left.is_empty() {
        println!("\nNothing was left behind: no cgroup, state, mount or process.");
        return Ok(());
    }
    Err(format!("left behind: {}", left.join(", ")).into())
}

/// The mount table of this process, to compare.
pub fn mounts() -> Result<String> {
    Ok(fs::read_to_string("/proc/self/mountinfo")?)
}

/// Cgroups whose name contains the text, the deepest first.
fn cgroups_named(below: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        found.extend(cgroups_named(&entry.path(), text));
        if entry.path().to_string_lossy().contains(text) {
            found.push(entry.path());
        }
    }
    found
}

/// Kills what is inside and removes the directory; a process that is just dying is waited for.
fn remove_cgroup(path: &Path) {
    let _ = fs::write(path.join("cgroup.kill"), "1");
    let deadline = Instant::now() + Duration::from_secs(5);
    while fs::remove_dir(path).is_err() && path.exists() && Instant::now() < deadline {
        std::thread::yield_now();
    }
}
