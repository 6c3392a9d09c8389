//! The container's cgroup (v2): made, limited, watched, emptied and removed.
//!
//! [`Hierarchy::find`] finds the mount, [`Cgroup::create`] makes the directory that the plan asks for and writes its
//! limits, and the child is cloned straight into it by [`Cgroup::fd`]. Later commands come back by the path in the
//! state: [`Cgroup::open`]. Directories are made and removed one component at a time below directory descriptors,
//! and only what was made here is removed. Every wait has a deadline and wakes by the kernel's own notification.
//!
//! Where systemd is to make it, [`systemd`] asks for it.
//!
//! May enter: `plan` (what to write), `sys` (bpf). Knows nothing of containers' states or configs.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::plan;

mod below;
mod controllers;
mod devices;
mod events;
mod file;
mod freeze;
mod hierarchy;
mod limits;
mod owner;
mod processes;
mod remove;
mod stats;
pub mod systemd;
mod tree;
mod update;
mod usage;

pub use events::MemoryEvents;
pub use hierarchy::Hierarchy;
pub use stats::Stats;
pub use usage::Memory;

/// A container's cgroup: an open directory of the cgroup v2 file system.
#[derive(Debug)]
pub struct Cgroup {
    directory: OwnedFd,
    path: PathBuf,
    made: Vec<PathBuf>,
}

impl Cgroup {
    /// Makes the cgroup that `plan` asks for and writes its limits; devices are [`Cgroup::attach_devices`]'s.
    ///
    /// `id` is the container's, for its name where the config has no path. `None` if there is none to be had and
    /// none is needed: no limit is asked for and this user, or a root that is root only in its own user namespace,
    /// may not make one. Then the container stays in the runtime's cgroup, and nothing here can be done with it.
    ///
    /// # Errors
    /// If a controller that a setting needs can't be had (by the JSON path, with the reason), if the kernel refuses a
    /// value, or if the cgroup is there already and has processes, is frozen, or is threaded. What was made on the
    /// way is removed again.
    pub fn create(hierarchy: &Hierarchy, plan: &plan::Cgroup, id: &str) -> Result<Option<Self>> {
        tree::create(hierarchy, plan, id)
    }

    /// Where [`Cgroup::create`] will make the cgroup, and which directories it will have to make for it, parents first:
    /// to be remembered before it does. The cgroup itself is not among them if it is there already.
    pub fn intended(hierarchy: &Hierarchy, plan: &plan::Cgroup, id: &str) -> Result<(PathBuf, Vec<PathBuf>)> {
        tree::intended(hierarchy, plan, id)
    }

    /// The cgroup at an absolute path of the host, as [`Cgroup::path`] gave it; `None` if it is gone.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        match file::open_cgroup(path) {
            Ok(directory) => Ok(Some(Self { directory, path: path.to_owned(), made: Vec::new() })),
            Err(Errno::ENOENT | Errno::ENODEV) => Ok(None),
            Err(cause) => Err(Error::io(path.display().to_string(), "cannot open the cgroup", cause)),
        }
    }

    /// The directory, for `CLONE_INTO_CGROUP`.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// The directory's absolute path on the host, for the state.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directories that [`Cgroup::create`] made, parents first, for the state and [`Cgroup::remove`].
    pub fn made(&self) -> &[PathBuf] {
        &self.made
    }

    /// Moves a process in; where `CLONE_INTO_CGROUP` is possible that is by far quicker.
    pub fn add(&self, pid: i32) -> Result<()> {
        file::write(self, "cgroup.procs", &pid.to_string())
            .map_err(|cause| self.error("cgroup.procs", format!("cannot move process {pid} in"), cause))
    }

    /// An error about one of its files.
    fn error(&self, file: &str, what: impl std::fmt::Display, cause: Errno) -> Error {
        Error::io(self.path.join(file).display().to_string(), what, cause)
    }
}

impl AsFd for Cgroup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd()
    }
}
