//! Making the cgroup: its directory and those above it.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, mkdirat};

use super::events::Events;
use super::{Cgroup, Hierarchy, controllers, file, remove};
use crate::error::{Error, Result};
use crate::plan::{self, cgroup::Place};

/// How often making the directories is begun anew when others remove parents meanwhile.
const ATTEMPTS: usize = 64;

/// [`Cgroup::create`].
pub(super) fn create(hierarchy: &Hierarchy, plan: &plan::Cgroup, id: &str) -> Result<Option<Cgroup>> {
    let names = names(&plan.place, id)?;
    let mut maker = Maker { hierarchy, made: Vec::new() };
    let (directory, new) = match maker.make(&names) {
        Ok(made) => made,
        Err(fault) => {
            remove::undo(hierarchy, &maker.made);
            return if fault.denied() && plan.settings.is_empty() && !is_root() {
                Ok(None)
            } else {
                Err(fault.error(plan))
            };
        }
    };
    let cgroup = Cgroup { directory, path: hierarchy.path().join(&names), made: maker.made };
    let limited = check(&cgroup, new)
        .and_then(|()| controllers::enable(hierarchy, &names, &cgroup, &plan.settings))
        .and_then(|()| cgroup.write(&plan.settings));
    match limited {
        Ok(()) => Ok(Some(cgroup)),
        Err(error) => {
            remove::undo(hierarchy, &cgroup.made);
            Err(error)
        }
    }
}

/// [`Cgroup::intended`].
pub(super) fn intended(hierarchy: &Hierarchy, plan: &plan::Cgroup, id: &str) -> Result<(PathBuf, Vec<PathBuf>)> {
    let names = names(&plan.place, id)?;
    let missing = |names: &&Path| matches!(open_beneath(hierarchy, names), Err(Errno::ENOENT));
    let mut made: Vec<_> = names.ancestors().take_while(missing).map(|names| hierarchy.path().join(names)).collect();
    made.reverse();
    Ok((hierarchy.path().join(&names), made))
}

/// The path below the mount point: plain names only, at least one.
fn names(place: &Place, id: &str) -> Result<PathBuf> {
    let names = match place {
        Place::Root(names) => names.clone(),
        Place::Relative(names) => Hierarchy::beside_own()?.join(names),
        Place::Unset => Hierarchy::beside_own()?.join(id),
        Place::Systemd(unit) => unit.path(id),
    };
    let plain = names.components().all(|component| matches!(component, Component::Normal(_)));
    if plain && names.file_name().is_some() {
        Ok(names)
    } else {
        Err(Error::new("linux.cgroupsPath", format!("{} is not a path of plain names", names.display())))
    }
}

/// Whether this process is root of the machine, not only of its own user namespace.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    /// The inode of the first user namespace (`PROC_USER_INIT_INO` of `linux/proc_ns.h`).
    const FIRST: u64 = 0xEFFF_FFFD;
    nix::unistd::geteuid().is_root() && std::fs::metadata("/proc/self/ns/user").is_ok_and(|file| file.ino() == FIRST)
}

/// What can't be made.
struct Fault {
    path: PathBuf,
    cause: Errno,
}

impl Fault {
    /// Whether this user just may not.
    fn denied(&self) -> bool {
        matches!(self.cause, Errno::EACCES | Errno::EPERM | Errno::EROFS)
    }

    fn error(self, plan: &plan::Cgroup) -> Error {
        let place = plan.settings.first().map_or("linux.cgroupsPath", |setting| &setting.place);
        let what = format!("cannot make the cgroup {}", self.path.display());
        let hint = match self.cause {
            Errno::EACCES | Errno::EPERM => {
                "run as root, or in a delegated cgroup: systemd-run --user --scope -p Delegate=yes"
            }
            Errno::EROFS => "mount the cgroup file system read-write",
            Errno::EAGAIN => "cgroup.max.descendants or cgroup.max.depth of a cgroup above it is reached",
            Errno::ENOENT => "the cgroups above it are being removed again and again",
            _ => return Error::io(place, what, self.cause),
        };
        Error::io(place, what, self.cause).hint(hint)
    }
}

/// Makes directories and remembers which.
struct Maker<'a> {
    hierarchy: &'a Hierarchy,
    made: Vec<PathBuf>,
}

impl Maker<'_> {
    /// Opens the directory `names`, made if need be with those above it; and whether it was made.
    ///
    /// A shared parent can be removed by another container's end at any time: then all begins anew.
    fn make(&mut self, names: &Path) -> Result<(OwnedFd, bool), Fault> {
        let mut attempt = 1;
        loop {
            match self.attempt(names) {
                Err(Fault { cause: Errno::ENOENT | Errno::ENODEV, .. }) if attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    fn attempt(&mut self, names: &Path) -> Result<(OwnedFd, bool), Fault> {
        let mut missing: VecDeque<Component> = names.components().collect();
        let Some(leaf) = missing.pop_back() else { return Err(Fault { path: names.into(), cause: Errno::EINVAL }) };
        let mut path = self.hierarchy.path().to_owned();
        let mut directory = None;
        let parent = names.parent().unwrap_or(Path::new(""));
        // The usual case: the parent is there. Otherwise the walk makes it, or finds out what is wrong.
        if let Ok(found) = open_beneath(self.hierarchy, parent) {
            directory = Some(found);
            path.push(parent);
            missing.clear();
        }
        for name in missing {
            path.push(name);
            let (next, new) = self.step(directory.as_ref(), name, &path)?;
            if new {
                controllers::offer(&next);
            }
            directory = Some(next);
        }
        path.push(leaf);
        self.step(directory.as_ref(), leaf, &path)
    }

    /// Makes one directory or finds it there, below `directory` or the root.
    fn step(&mut self, directory: Option<&OwnedFd>, name: Component, path: &Path) -> Result<(OwnedFd, bool), Fault> {
        use std::os::fd::AsFd;
        let directory = directory.map_or(self.hierarchy.as_fd(), AsFd::as_fd);
        let fault = |cause| Fault { path: path.to_owned(), cause };
        let mode = Mode::from_bits_truncate(0o755);
        let new = match mkdirat(directory, name.as_os_str(), mode) {
            Ok(()) => true,
            Err(Errno::EEXIST) => false,
            // What is there can be entered where nothing may be made.
            Err(cause @ (Errno::EACCES | Errno::EPERM | Errno::EROFS)) => {
                return file::open_directory(directory, name.as_ref())
                    .map(|found| (found, false))
                    .map_err(|_| fault(cause));
            }
            Err(cause) => return Err(fault(cause)),
        };
        if new && !self.made.iter().any(|made| made == path) {
            self.made.push(path.to_owned());
        }
        file::open_directory(directory, name.as_ref()).map(|found| (found, new)).map_err(fault)
    }
}

/// Opens a directory below the root in one call.
fn open_beneath(hierarchy: &Hierarchy, names: &Path) -> Result<OwnedFd, Errno> {
    let names = if names.as_os_str().is_empty() { Path::new(".") } else { names };
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV);
    openat2(hierarchy, names, how)
}

/// Whether a container can begin in this cgroup.
fn check(cgroup: &Cgroup, new: bool) -> Result<()> {
    let place = || format!("linux.cgroupsPath {}", cgroup.path().display());
    let state = Events::open(cgroup).and_then(|events| events.state());
    let state = state.map_err(|cause| cgroup.error("cgroup.events", "cannot read", cause))?;
    if state.frozen {
        return Err(Error::new(place(), "the cgroup is frozen, nothing could start in it")
            .hint("it or one above it was frozen: write 0 to cgroup.freeze there"));
    }
    if new {
        return Ok(());
    }
    if state.populated {
        let pids: Vec<_> = cgroup.processes()?.iter().map(ToString::to_string).collect();
        return Err(Error::new(place(), format!("the cgroup is in use by {}", super::processes::named(&pids)))
            .hint("give each container a cgroup of its own"));
    }
    match file::read(cgroup, "cgroup.type").as_deref().map(str::trim) {
        Ok("domain") | Err(_) => Ok(()),
        Ok(kind) => {
            Err(Error::new(place(), format!("the cgroup is of the type \"{kind}\", a container needs a domain")))
        }
    }
}
