//! What the host looks like: everything that a container must leave as it was.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Host;

/// What there is, by a name for people; the value is what it's like.
pub struct Snapshot(BTreeMap<String, String>);

impl Snapshot {
    /// Mounts, `/dev`, `/dev/pts`, cgroups, the state root, canaries, this machine's name, and live descendants.
    pub fn take(host: &Host) -> Self {
        let mut all = BTreeMap::new();
        mounts(&mut all);
        files("device", Path::new("/dev"), &mut all);
        if host.has_world() {
            cgroups(Path::new("/sys/fs/cgroup"), &mut all);
        }
        files("canary", &host.canaries(), &mut all);
        for id in host.runtime().ids() {
            all.insert(format!("container {id} in the state root"), String::new());
        }
        for path in [
            "/etc/passwd",
            "/etc/hosts",
            "/proc/sys/kernel/core_pattern",
            "/proc/sys/kernel/hostname",
        ] {
            let text = fs::read_to_string(path).unwrap_or_default();
            all.insert(
                format!("file {path}"),
                format!("{}: {text}", facts(Path::new(path))),
            );
        }
        all.insert(
            "the runtime's program".to_owned(),
            facts(host.runtime().program()),
        );
        let oom = fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
        all.insert("the test's oom_score_adj".to_owned(), oom);
        for pid in descendants(std::process::id().cast_signed()) {
            let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            all.insert(format!("process {pid}"), command.replace('\0', " "));
        }
        Self(all)
    }

    /// How `after` differs: one line a difference, none if it doesn't.
    pub fn differences(&self, after: &Self) -> Vec<String> {
        let gone = self
            .0
            .iter()
            .filter(|(name, _)| !after.0.contains_key(*name));
        let gone = gone.map(|(name, value)| format!("- {name}  {value}"));
        let new = after
            .0
            .iter()
            .filter_map(|(name, value)| match self.0.get(name) {
                None => Some(format!("+ {name}  {value}")),
                Some(old) if old != value => {
                    Some(format!("~ {name}\n    was {old}\n    now {value}"))
                }
                Some(_) => None,
            });
        gone.chain(new).collect()
    }
}

/// The pids of all processes below `root`, zombies left out.
pub fn descendants(root: i32) -> Vec<i32> {
    let parents: Vec<(i32, i32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, living_parent(pid)?)))
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(
            parents
                .iter()
                .filter(|(_, its)| *its == parent)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    found.split_off(1)
}

/// A process's parent, none if it's dead. The command's name in the file may hold anything but the last `)`.
fn living_parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut words = stat.rsplit_once(')')?.1.split_whitespace();
    let state = words.next()?;
    if state == "Z" || state == "X" {
        None
    } else {
        words.next()?.parse().ok()
    }
}

fn mounts(all: &mut BTreeMap<String, String>) {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    for line in table.lines() {
        let mut words = line.splitn(6, ' ');
        let (id, target) = (
            words.next().unwrap_or_default(),
            words.nth(3).unwrap_or_default(),
        );
        all.insert(format!("mount {target} ({id})"), line.to_owned());
    }
}

fn cgroups(folder: &Path, all: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            all.insert(format!("cgroup {}", entry.path().display()), String::new());
            cgroups(&entry.path(), all);
        }
    }
}

/// Everything below a folder. What other programs of the machine share memory with is theirs.
fn files(what: &str, folder: &Path, all: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if ["/dev/shm", "/dev/mqueue", "/dev/hugepages"]
            .iter()
            .any(|shared| path == Path::new(shared))
        {
            continue;
        }
        all.insert(format!("{what} {}", path.display()), facts(&path));
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files(what, &path, all);
        }
    }
}

fn facts(path: &Path) -> String {
    match fs::symlink_metadata(path) {
        Err(cause) => cause.to_string(),
        Ok(file) => {
            let kind = file.file_type();
            // A directory's size and the time of a device node or a terminal change in ordinary use.
            let changed = if kind.is_file() {
                (file.len(), file.mtime(), file.mtime_nsec())
            } else {
                (0, 0, 0)
            };
            let link = fs::read_link(path)
                .map(|target| target.display().to_string())
                .unwrap_or_default();
            let (mode, device, inode) = (file.mode(), file.rdev(), file.ino());
            format!(
                "mode {mode:o} owner {}:{} device {device:x} inode {inode} {changed:?} {link}",
                file.uid(),
                file.gid()
            )
        }
    }
}
