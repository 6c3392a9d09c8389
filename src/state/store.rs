//! The root directory, in which each container has its own.

use std::cell::OnceCell;
use std::fs::{DirBuilder, File};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};

use super::{Entry, Id};
use crate::error::{Error, Result};

/// How every directory here is opened: really that directory, and never handed on to another program.
const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// The root directory (`--root`).
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// Empty as long as it does not exist: a command that only looks does not make it.
    directory: OnceCell<Rc<File>>,
}

impl Store {
    /// Opens the directory `root`, if it is there.
    ///
    /// Fails if it is a symbolic link or no directory, belongs to another user than the effective one, or if others can
    /// write to it: they could put a container's state in place of ours.
    pub fn open(root: &Path) -> Result<Self> {
        let directory = match open(root, DIRECTORY, Mode::empty()) {
            Ok(directory) => OnceCell::from(Rc::new(checked(root, directory.into())?)),
            Err(Errno::ENOENT) => OnceCell::new(),
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
        let root = if let Some(root) = self.directory.get() {
            Rc::clone(root)
        } else {
            let made = Rc::new(self.make()?);
            Rc::clone(self.directory.get_or_init(|| made))
        };
        let path = self.path.join(id.as_str());
        match mkdirat(&*root, id.as_str(), Mode::S_IRWXU) {
            Ok(()) => {}
            Err(Errno::EEXIST) => {
                return Err(Error::new(id.as_str(), "container with given ID already exists")
                    .hint("choose another id, or `delete` that container"));
            }
            Err(cause) => {
                let remedy = match cause {
                    Errno::ENOSPC | Errno::EDQUOT => "make room on that file system",
                    _ => "make that place writable",
                };
                return Err(Error::io(path.to_string_lossy(), "can't make the container's directory", cause)
                    .hint(format!("{remedy}, or keep states elsewhere with --root DIR")));
            }
        }
        match openat(&*root, id.as_str(), DIRECTORY, Mode::empty()) {
            Ok(directory) => Ok(Entry::new(root, directory.into(), id.clone(), path)),
            Err(cause) => {
                // It is still empty: nothing can have been put into it.
                let _ = unlinkat(&*root, id.as_str(), UnlinkatFlags::RemoveDir);
                Err(open_error(&path, cause))
            }
        }
    }

    /// The container `id`; the error of an unknown one says `does not exist`.
    pub fn open_entry(&self, id: &Id) -> Result<Entry> {
        self.find(id)?.ok_or_else(|| {
            let hint = format!("none of that id is in {}; an engine's are in a --root of its own", self.path.display());
            Error::new("", format!("container {:?} does not exist", id.as_str())).hint(hint)
        })
    }

    /// The container `id`, if there is one.
    pub fn find(&self, id: &Id) -> Result<Option<Entry>> {
        let Some(root) = self.directory.get() else { return Ok(None) };
        let path = self.path.join(id.as_str());
        match openat(root.as_fd(), id.as_str(), DIRECTORY, Mode::empty()) {
            Ok(directory) => Ok(Some(Entry::new(Rc::clone(root), directory.into(), id.clone(), path))),
            Err(Errno::ENOENT) => Ok(None),
            Err(cause) => Err(open_error(&path, cause)),
        }
    }

    /// The ids of all containers, in order.
    pub fn list(&self) -> Result<Vec<Id>> {
        let Some(root) = self.directory.get() else { return Ok(Vec::new()) };
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
        return Err(Error::new(
            place.clone(),
            format!("can be written to by others (mode {:04o})", about.mode() & 0o7777),
        )
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

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::state::Record;

    fn id(text: &str) -> Id {
        Id::new(text).unwrap()
    }

    #[test]
    fn an_id_is_taken_once_and_can_be_used_again() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("a/b");
        let store = Store::open(&root).unwrap();
        assert!(!root.exists(), "looking does not make it");
        assert_eq!(store.list().unwrap(), []);
        let entry = store.claim(&id("web")).unwrap();
        assert_eq!(fs::metadata(&root).unwrap().mode() & 0o7777, 0o700);
        let store = Store::open(&root).unwrap();
        let error = store.claim(&id("web")).unwrap_err().to_string();
        assert!(error.starts_with("web: container with given ID already exists"), "{error}");
        assert_eq!(store.list().unwrap(), [id("web")]);
        entry.remove().unwrap();
        assert!(
            store
                .open_entry(&id("web"))
                .unwrap_err()
                .to_string()
                .starts_with("container \"web\" does not exist (none of that id is in /")
        );
        store.claim(&id("web")).unwrap();
    }

    #[test]
    fn of_many_at_once_one_gets_the_id() {
        let dir = tempfile::tempdir().unwrap();
        let claim = || Store::open(dir.path()).unwrap().claim(&id("web")).is_ok();
        let won: usize = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(claim)).collect();
            all.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
        });
        assert_eq!(won, 1);
    }

    #[test]
    fn a_root_that_others_can_change_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str| Store::open(&dir.path().join(name)).map(|_| ()).unwrap_err().to_string();
        fs::create_dir(dir.path().join("open")).unwrap();
        fs::set_permissions(dir.path().join("open"), Permissions::from_mode(0o1777)).unwrap();
        assert!(open("open").contains("can be written to by others (mode 1777)"), "{}", open("open"));
        symlink("/run", dir.path().join("link")).unwrap();
        assert!(open("link").contains("must be a directory, not a file or a symbolic link"), "{}", open("link"));
        fs::write(dir.path().join("file"), "").unwrap();
        assert!(open("file").contains("must be a directory"), "{}", open("file"));
        assert!(open("file/x").contains("must be a directory"), "{}", open("file/x"));
    }

    #[test]
    fn a_container_that_is_a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        symlink("/run", dir.path().join("web")).unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert!(store.open_entry(&id("web")).is_err());
        assert_eq!(store.list().unwrap(), []);
    }

    #[test]
    fn records_are_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let entry = Store::open(dir.path()).unwrap().claim(&id("web")).unwrap();
        let error = entry.read().unwrap_err().to_string();
        assert!(error.starts_with("web: was never completely created"), "{error}");
        let cgroup = Some(PathBuf::from("/sys/fs/cgroup/web"));
        let intent = Record { version: 1, cgroup: cgroup.clone(), ..Record::default() };
        entry.write(&intent).unwrap();
        assert_eq!(entry.read().unwrap(), intent);
        let record = Record { pid: Some(7), ..intent };
        entry.write(&record).unwrap();
        assert_eq!(entry.read().unwrap(), record);
        let mut names: Vec<_> =
            fs::read_dir(dir.path().join("web")).unwrap().map(|item| item.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["cgroup", "state.json"]);

        fs::write(dir.path().join("web/state.json"), "{\"vers").unwrap();
        assert!(entry.read().unwrap_err().to_string().contains("web/state.json: is damaged"));
        assert_eq!(entry.cgroup(), cgroup);
    }

    #[test]
    fn the_lock_of_a_deleted_container_is_not_to_be_had() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let entry = store.claim(&id("web")).unwrap();
        let other = store.open_entry(&id("web")).unwrap();
        entry.save_config(b"{}").unwrap();
        assert_eq!(other.config().unwrap(), b"{}");
        entry.remove().unwrap();
        store.claim(&id("web")).unwrap();
        assert_eq!(other.lock().unwrap_err().to_string(), "container \"web\" does not exist");
    }
}
