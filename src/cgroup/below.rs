//! Cgroups that the container has made below its own, for processes that are to run there.

use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use super::{Cgroup, Hierarchy};
use crate::error::{Error, Result};

impl Cgroup {
    /// The cgroup at `path` below this one; a leading slash means this one, not the hierarchy's root. `None` if there is
    /// none.
    ///
    /// What is below is decided by the kernel, component by component from this directory on: `../foo-suffix` and
    /// `a/../../foo` are refused as they stand, and nothing but directories of this mount is gone through.
    pub fn below(&self, path: &Path) -> Result<Option<Self>> {
        let plain = |component: Component<'_>| match component {
            Component::Normal(name) => Some(Path::new(name).to_owned()),
            Component::RootDir | Component::CurDir => Some(std::path::PathBuf::new()),
            Component::ParentDir | Component::Prefix(_) => None,
        };
        let names: Option<std::path::PathBuf> = path.components().map(plain).collect();
        let names = names.ok_or_else(|| {
            Error::new("--cgroup", format!("{path:?} is not a path below the container's cgroup"))
                .hint("it is taken from there, and can't contain \"..\"")
        })?;
        let here = names.as_os_str().is_empty();
        let from = if here { Path::new(".") } else { &names };
        let how = OpenHow::new()
            .flags(OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV);
        let path = if here { self.path.clone() } else { self.path.join(&names) };
        match openat2(self, from, how) {
            Ok(directory) => Ok(Some(Self { directory, path, made: Vec::new() })),
            Err(Errno::ENOENT | Errno::ENODEV | Errno::ENOTDIR) => Ok(None),
            Err(cause) => Err(Error::io(path.display().to_string(), "cannot open the cgroup", cause)),
        }
    }

    /// The cgroup in which process `pid` is, if it is below this one: a container that manages cgroups of its own has
    /// moved its init there, and hands controllers on here, where then nobody else may be.
    pub fn of_process_below(&self, pid: i32) -> Option<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let place = text.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let hierarchy = Hierarchy::find().ok()?;
        let below = hierarchy.path().join(place).strip_prefix(&self.path).ok()?.to_owned();
        if below.as_os_str().is_empty() { None } else { self.below(&below).ok().flatten() }
    }
}
