//! A cgroup for one test, in the machine's v2 hierarchy wherever that is mounted.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use nix::poll::PollFlags;

use crate::support::command::ready;

/// The start of the names of the tests' cgroups.
const PREFIX: &str = "onggi-test-";

/// A directory in the v2 hierarchy, locked as long as its test runs.
///
/// Below it lies `test`, where the test's processes are: a cgroup with processes can't hand
/// controllers on, so that the containers' cgroups are beside it.
pub struct OwnCgroup {
    path: PathBuf,
    lock: Flock<File>,
}

impl OwnCgroup {
    /// Makes one, after clearing away those of tests that were killed.
    pub fn make() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let root = v2_mount()?;
        sweep(&root);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = root.join(format!("{PREFIX}{}-{count}", std::process::id()));
        fs::create_dir(&path)?;
        let lock = lock(&path).ok_or_else(|| io::Error::other("somebody swept the new cgroup"))?;
        fs::create_dir(path.join("test"))?;
        Ok(Self { path, lock })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Kills what is in it and removes it. Gives the command lines of what was there.
    pub fn clear(&self) -> Vec<String> {
        let left = processes(&self.path);
        remove(&self.path);
        left
    }
}

/// Where the v2 hierarchy is mounted: at `/sys/fs/cgroup`, or elsewhere on hybrid machines.
fn v2_mount() -> io::Result<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    let mut found = table.lines().filter_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        right
            .starts_with("cgroup2 ")
            .then(|| left.split(' ').nth(4))
            .flatten()
    });
    found
        .next()
        .map(PathBuf::from)
        .ok_or_else(|| io::Error::other("cgroup v2 is not mounted on this machine"))
}

fn lock(path: &Path) -> Option<Flock<File>> {
    Flock::lock(File::open(path).ok()?, FlockArg::LockExclusiveNonblock).ok()
}

/// The cgroups whose lock is free are those of tests that are gone.
fn sweep(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let old = || {
            entry
                .metadata()
                .and_then(|folder| folder.modified())
                .is_ok_and(|made| {
                    // Not one that another test makes right now and has not locked yet.
                    made.elapsed().is_ok_and(|age| age > Duration::from_secs(5))
                })
        };
        if ours && old() && lock(&entry.path()).is_some() {
            remove(&entry.path());
        }
    }
}

fn remove(path: &Path) {
    let _ = fs::write(path.join("cgroup.kill"), "1");
    if let Ok(events) = File::open(path.join("cgroup.events")) {
        while io::read_to_string(&events).is_ok_and(|text| text.contains("populated 1")) {
            if !ready(&events.as_fd(), PollFlags::POLLPRI, Duration::from_secs(10)) {
                break;
            }
            let _ = io::Seek::rewind(&mut &events);
        }
    }
    remove_folders(path);
}

fn remove_folders(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_folders(&entry.path());
        }
    }
    let _ = fs::remove_dir(path);
}

fn processes(path: &Path) -> Vec<String> {
    let mut all = Vec::new();
    let pids = fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
    for pid in pids.lines() {
        let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        all.push(format!("{pid} {}", command.replace('\0', " ")));
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            all.extend(processes(&entry.path()));
        }
    }
    all
}
