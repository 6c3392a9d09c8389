//! The root directory, in which each container has its own.

use std::fs::{DirBuilder, File};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::geteuid;

use super::{Entry, Id};
use crate::error::{Error, Result};

/// How every directory here is opened: really that directory, and never handed on to another program.
const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// The root directory (`--root`).
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// `None` as long as it does not exist: a command that only looks does not make it.
    directory: Option<Rc<File>>,
}

impl Store {
    /// Opens the directory `root`, if it is there.
    ///
    /// Fails if it is a symbolic link or no directory, belongs to another user than the effective one, or if others can
    /// write to it: they could put a container's state in place of ours.
    pub fn open(root: &Path) -> Result<Self> {
        let directory = match open(root, DIRECTORY, Mode::empty()) {
            Ok(directory) => Some(Rc::new(checked(root, directory.into())?)),
            Err(Errno::ENOENT) => None,
            Err(cause) => return Err(open_error(root, cause)),
        };
        Ok(Self { path: root.to_owned(), directory })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes `id` for a new container: makes its directory, which is the lock on the id.
    ///
    /// Fails with `container with given ID already exists` if it is taken.
    pub fn claim(&self, id: &Id) -> Result<Entry> {
        let root = match &self.directory {
            Some(root) => Rc::clone(root),
            None => Rc::new(self.make()?),
        };
        let path = self.path.join(id.as_str());
        match mkdirat(&*root, id.as_str(), Mode::S_IRWXU) {
            Ok(()) => {}
            Err(Errno::EEXIST) => {
                return Err(Error::new(id.as_str(), "container with given ID already exists")
                    .hint("choose another id, or `delete` that container"));
            }
            Err(cause) => return Err(Error::io(path.to_string_lossy(), "can't make the container's directory", cause)),
        }
        match openat(&*root, id.as_str(), DIRECTORY, Mode::empty()) {
            Ok(directory) => Ok(Entry::new(root, directory.into(), id.clone(), path)),
            Err(cause) => Err(open_error(&path, cause)),
        }
    }

    /// The container `id`; the error of an unknown one says `does not exist`.
    pub fn open_entry(&self, id: &Id) -> Result<Entry> {
        self.find(id)?.ok_or_else(|| Error::new("", format!("container {:?} does not exist", id.as_str())))
    }

    /// The container `id`, if there is one.
    pub fn find(&self, id: &Id) -> Result<Option<Entry>> {
        let Some(root) = &self.directory else { return Ok(None) };
        let path = self.path.join(id.as_str());
        match openat(root.as_fd(), id.as_str(), DIRECTORY, Mode::empty()) {
            Ok(directory) => Ok(Some(Entry::new(Rc::clone(root), directory.into(), id.clone(), path))),
            Err(Errno::ENOENT) => Ok(None),
            Err(cause) => Err(open_error(&path, cause)),
        }
    }

    /// The ids of all containers, in order.
    pub fn list(&self) -> Result<Vec<Id>> {
        let Some(root) = &self.directory else { return Ok(Vec::new()) };
        let failed = |cause| Error::io(self.path.to_string_lossy(), "can't be listed", cause);
        let mut ids = Vec::new();
        for item in Dir::openat(root.as_fd(), ".", DIRECTORY, Mode::empty()).map_err(failed)?.iter() {
            let item = item.map_err(failed)?;
            // What is no id, or no directory, is not ours.
            let directory = !matches!(item.file_type(), Some(kind) if kind != nix::dir::Type::Directory);
            let id = item.file_name().to_str().ok().and_then(|name| Id::new(name).ok());
            ids.extend(id.filter(|_| directory));
        }
        ids.sort();
        Ok(ids)
    }

    /// Makes the root directory, and those above it that are missing, for this user alone.
    fn make(&self) -> Result<File> {
        let place = self.path.to_string_lossy();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.path);
        made.map_err(|cause| {
            Error::io(place, "can't make the root directory", cause).hint("give another with --root DIR")
        })?;
        let directory = open(&self.path, DIRECTORY, Mode::empty()).map_err(|cause| open_error(&self.path, cause))?;
        checked(&self.path, directory.into())
    }
}

/// The directory, if nobody else can change what is in it.
fn checked(path: &Path, directory: File) -> Result<File> {
    let place = path.to_string_lossy();
    let about = directory.metadata().map_err(|cause| Error::io(place.clone(), "can't be looked at", cause))?;
    let user = geteuid().as_raw();
    if about.uid() != user {
        return Err(Error::new(place, format!("belongs to user {}, not to {user}", about.uid()))
            .hint("give a root directory of your own with --root DIR"));
    }
    if about.mode() & 0o022 != 0 {
        return Err(Error::new(place.clone(), format!("can be written to by others (mode {:04o})", about.mode() & 0o7777))
            .hint(format!("chmod 700 {place}")));
    }
    Ok(directory)
}

fn open_error(path: &Path, cause: Errno) -> Error {
    let place = path.to_string_lossy();
    match cause {
        // O_NOFOLLOW together with O_DIRECTORY says ENOTDIR of a link.
        Errno::ELOOP | Errno::ENOTDIR => Error::new(place, "must be a directory, not a file or a symbolic link"),
        _ => Error::io(place, "can't be opened", cause),
    }
}
