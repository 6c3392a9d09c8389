//! Where cgroup v2 is mounted, and where the runtime itself is in it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use super::file;
use crate::error::{Error, Result};

/// The usual mount points: of a machine with cgroup v2 only, and of one that has both versions.
const USUAL: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// The mounted cgroup v2 hierarchy.
#[derive(Debug)]
pub struct Hierarchy {
    root: OwnedFd,
    path: PathBuf,
}

impl Hierarchy {
    /// Finds the mount: at the usual places, and only then by reading the mount table.
    pub fn find() -> Result<Self> {
        let open = |path: &Path| file::open_cgroup(path).ok().map(|root| Self { root, path: path.to_owned() });
        if let Some(found) = USUAL.iter().find_map(|path| open(Path::new(path))) {
            return Ok(found);
        }
        let mounts = mounts("cgroup2")?;
        mounts.iter().find_map(|mount| open(&mount.path)).ok_or_else(|| {
            Error::new("/sys/fs/cgroup", "cgroup v2 is mounted nowhere")
                .hint("mount -t cgroup2 none /sys/fs/cgroup, or boot with systemd.unified_cgroup_hierarchy=1")
        })
    }

    /// The mount point.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The parent of the runtime's own cgroup, as a path below the mount point; the root for one that is in the root.
    ///
    /// Not its own cgroup: there the runtime itself is, and a cgroup with processes can't have children with limits.
    pub(super) fn beside_own() -> Result<PathBuf> {
        const FILE: &str = "/proc/self/cgroup";
        let text = read(FILE)?;
        let own = text.lines().find_map(|line| line.strip_prefix("0::"));
        let own = own.ok_or_else(|| Error::new(FILE, "names no cgroup v2 of this process"))?;
        let parent = Path::new(own).parent().unwrap_or(Path::new("/"));
        let names: Option<PathBuf> = parent
            .components()
            .filter(|component| !matches!(component, Component::RootDir))
            .map(|component| matches!(component, Component::Normal(_)).then_some(component))
            .collect();
        // A path with ".." lies outside the cgroup namespace: then its root is as near as can be.
        Ok(names.unwrap_or_default())
    }
}

impl AsFd for Hierarchy {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }
}

/// A mount of a cgroup file system.
#[derive(Debug, PartialEq)]
pub(super) struct Mount {
    pub path: PathBuf,
    /// The options of the file system; of cgroup v1 the controllers are among them.
    pub options: String,
}

/// The mounts of a file system type, from the mount table.
pub(super) fn mounts(kind: &str) -> Result<Vec<Mount>> {
    const FILE: &str = "/proc/self/mountinfo";
    let table = read(FILE)?;
    Ok(parse(&table, kind))
}

/// Lines of `proc_pid_mountinfo(5)`: `31 23 0:28 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate`.
fn parse(table: &str, kind: &str) -> Vec<Mount> {
    let mount = |line: &str| {
        let (first, last) = line.split_once(" - ")?;
        let mut last = last.split(' ');
        if last.next() != Some(kind) {
            return None;
        }
        let options = last.nth(1)?.to_owned();
        Some(Mount { path: unescape(first.split(' ').nth(4)?).into(), options })
    };
    table.lines().filter_map(mount).collect()
}

/// Undoes the octal escapes of the mount table: `\040` is a space.
fn unescape(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..3).and_then(|octal| u8::from_str_radix(octal, 8).ok()) {
            Some(byte) => {
                plain.push(byte.into());
                plain.push_str(&part[3..]);
            }
            None => plain.push_str(part),
        }
    }
    plain
}

/// A file of procfs.
fn read(file: &str) -> Result<String> {
    std::fs::read_to_string(file).map_err(|cause| {
        let missing = cause.kind() == std::io::ErrorKind::NotFound;
        let error = Error::io(file, "can't be read", cause);
        if missing { error.hint("onggi needs procfs: mount -t proc proc /proc") } else { error }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_table() {
        let table = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n\
                     35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n\
                     41 31 0:38 / /sys/fs/my\\040cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
        let found = parse(table, "cgroup2");
        assert_eq!(found, [Mount { path: "/sys/fs/my cgroup".into(), options: "rw,nsdelegate".into() }]);
        let found = parse(table, "cgroup");
        assert_eq!(found, [Mount { path: "/sys/fs/cgroup/memory".into(), options: "rw,memory".into() }]);
    }
}
