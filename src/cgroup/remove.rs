//! Removing the cgroup, with what its container made in it and what was made for it.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::events::Events;
use super::{Cgroup, Hierarchy, file};
use crate::error::{Error, Result};

/// Between a cgroup's last process and its removal the kernel may need a moment, of which it tells nobody.
const MOMENT: Duration = Duration::from_millis(2);

impl Cgroup {
    /// Removes the cgroup at `path` of a container that has ended: the cgroups that it made below its own, its own,
    /// and those above it that are empty; of the latter two only what is in `made`. What is gone already is fine.
    ///
    /// # Errors
    /// If there are processes in it still at the deadline, naming them.
    pub fn remove(path: &Path, made: &[PathBuf], deadline: Instant) -> Result<()> {
        let ours = made.iter().any(|made| made == path);
        // Most containers make no cgroups of their own.
        if ours && matches!(rmdir(path), Ok(()) | Err(Errno::ENOENT)) {
            return remove_parents(path, made);
        }
        if let Some(cgroup) = Self::open(path)? {
            remove_below(&cgroup, deadline).map_err(|cause| cgroup.stuck(cause))?;
            if ours {
                let remove = || rmdir(path);
                persist(&cgroup, deadline, remove).map_err(|cause| cgroup.stuck(cause))?;
            }
        }
        remove_parents(path, made)
    }

    fn stuck(&self, cause: Errno) -> Error {
        let place = self.path.display().to_string();
        match (cause, self.populated()) {
            (Errno::EBUSY, Ok(true)) => {
                Error::new(place, format!("the cgroup can't be removed, it still has {}", self.described()))
            }
            _ => Error::io(place, "the cgroup can't be removed", cause),
        }
    }
}

/// Removes the directories above `path` that are in `made`, from the bottom up, until one is in use by others.
fn remove_parents(path: &Path, made: &[PathBuf]) -> Result<()> {
    for parent in path.ancestors().skip(1).filter(|parent| made.iter().any(|made| made == parent)) {
        match rmdir(parent) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(Errno::EBUSY | Errno::ENOTEMPTY) => break,
            Err(cause) => return Err(Error::io(parent.display().to_string(), "the cgroup can't be removed", cause)),
        }
    }
    Ok(())
}

/// Removes what was just made, as far as it is not in use. No further file is opened for it: that there can be none may be
/// why all is undone.
pub(super) fn undo(hierarchy: &Hierarchy, made: &[PathBuf]) {
    for names in made.iter().rev().filter_map(|path| path.strip_prefix(hierarchy.path()).ok()) {
        let _ = unlinkat(hierarchy, names, UnlinkatFlags::RemoveDir);
    }
}

/// Removes one directory, which must be one of cgroup v2.
fn rmdir(path: &Path) -> Result<(), Errno> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err(Errno::EINVAL) };
    unlinkat(file::open_cgroup(parent)?, name, UnlinkatFlags::RemoveDir)
}

/// Removes all cgroups below one.
///
/// A container with a cgroup namespace can nest them as deep as it likes: so this keeps no list and no descriptors
/// of the way down, it goes back up by "..".
fn remove_below(top: &Cgroup, deadline: Instant) -> Result<(), Errno> {
    let mut depth = 0;
    let mut here = file::open_directory(top, Path::new("."))?;
    loop {
        match busy_child(&here)? {
            Some(child) => match file::open_directory(&here, &child) {
                Ok(next) if file::children(&next).is_ok_and(|children| !children.is_empty()) => {
                    here = next;
                    depth += 1;
                }
                Ok(next) => persist(&next, deadline, || unlinkat(&here, &child, UnlinkatFlags::RemoveDir))?,
                Err(Errno::ENOENT) => {}
                Err(cause) => return Err(cause),
            },
            None if depth == 0 => return Ok(()),
            None => {
                here = file::open_directory(&here, Path::new(".."))?;
                depth -= 1;
            }
        }
    }
}

/// Removes the children that can be removed: the first that can't, as it has children or processes.
fn busy_child(directory: &OwnedFd) -> Result<Option<PathBuf>, Errno> {
    for child in file::children(directory)? {
        match unlinkat(directory, &child, UnlinkatFlags::RemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(Errno::EBUSY | Errno::ENOTEMPTY) => return Ok(Some(child)),
            Err(cause) => return Err(cause),
        }
    }
    Ok(None)
}

/// Tries again while the cgroup is busy, until the deadline.
fn persist(
    cgroup: impl std::os::fd::AsFd,
    deadline: Instant,
    remove: impl Fn() -> Result<(), Errno>,
) -> Result<(), Errno> {
    loop {
        match remove() {
            Err(Errno::EBUSY) if Instant::now() < deadline => {}
            Err(Errno::ENOENT) => return Ok(()),
            result => return result,
        }
        let events = match Events::open(&cgroup) {
            Err(Errno::ENOENT | Errno::ENODEV) => return Ok(()),
            events => events?,
        };
        if events.state()?.populated {
            if !events.wait(deadline, |state| !state.populated)? {
                return Err(Errno::EBUSY);
            }
        } else {
            events.changed(MOMENT)?;
        }
    }
}
