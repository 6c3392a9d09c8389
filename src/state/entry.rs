//! One container's directory.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, readlinkat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, symlinkat, unlinkat};

use super::{Id, Record, START_SOCKET};
use crate::error::{Error, Result};
use crate::sys::Fd;
use crate::sys::directory::Reader;

const RECORD: &str = "state.json";
/// Where a new record is written before it takes the old one's place.
const NEXT_RECORD: &str = "state.json.next";
const CONFIG: &str = "config.json";
/// A symbolic link to the cgroup: it can still be read when the record is damaged.
const CGROUP: &str = "cgroup";
/// How long a command waits for another one that changes the same container.
const PATIENCE: Duration = Duration::from_secs(10);

/// One container's directory, open.
#[derive(Debug)]
pub struct Entry {
    root: Rc<File>,
    directory: File,
    id: Id,
    path: PathBuf,
    locked: Cell<bool>,
}

/// Keeps other commands from changing the container, until it is dropped.
#[derive(Debug)]
pub struct Lock<'entry>(&'entry Entry);

impl Entry {
    pub(super) fn new(root: Rc<File>, directory: File, id: Id, path: PathBuf) -> Self {
        Self { root, directory, id, path, locked: Cell::new(false) }
    }

    /// The container's id.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// The directory.
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Waits until no other command changes this container, at most ten seconds, and keeps others from it.
    ///
    /// Fails with `does not exist` if it was deleted meanwhile.
    pub fn lock(&self) -> Result<Lock<'_>> {
        let end = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(1);
        loop {
            match self.directory.try_lock() {
                Ok(()) => break,
                // flock(2) has no deadline of its own.
                Err(TryLockError::WouldBlock) if Instant::now() < end => sleep(pause),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::new(self.id.as_str(), "another command has been at work on it for 10 seconds")
                        .hint("try again, or look for a hook that hangs"));
                }
                Err(TryLockError::Error(cause)) => {
                    return Err(self.failed("", "can't be locked", cause));
                }
            }
            pause = (pause * 2).min(Duration::from_millis(50));
        }
        self.locked.set(true);
        let lock = Lock(self);
        if self.deleted()? { Err(self.gone()) } else { Ok(lock) }
    }

    fn deleted(&self) -> Result<bool> {
        let about = nix::sys::stat::fstat(&self.directory);
        about.map(|about| about.st_nlink == 0).map_err(|cause| self.failed("", "can't be looked at", cause))
    }

    pub(super) fn gone(&self) -> Error {
        Error::new("", format!("container {:?} does not exist", self.id.as_str()))
    }

    /// Whether another command is changing this container; false while this entry holds the lock itself.
    pub(super) fn busy(&self) -> Result<bool> {
        if self.locked.get() {
            return Ok(false);
        }
        // Another open file, because a lock belongs to one: by way of `directory` this would give up our own.
        let other = openat(&self.directory, ".", OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
        match other.map(|other| File::from(other).try_lock_shared()) {
            Ok(taken) => Ok(matches!(taken, Err(TryLockError::WouldBlock))),
            // Deleted meanwhile.
            Err(Errno::ENOENT) => Ok(false),
            Err(cause) => Err(self.failed("", "can't be opened", cause)),
        }
    }

    /// Replaces the record: after a crash there is the old one or the new one, whole.
    pub fn write(&self, record: &Record) -> Result<()> {
        let json = record.to_json()?;
        if let (None, Some(cgroup)) = (record.pid, &record.cgroup) {
            self.remember_cgroup(cgroup)?;
        }
        let renamed = |()| Ok(renameat(&self.directory, NEXT_RECORD, &self.directory, RECORD)?);
        self.put(NEXT_RECORD, &json).and_then(renamed).map_err(|cause| self.failed(RECORD, "can't be written", cause))
    }

    /// The record. An error names the file and says what is wrong with it.
    pub fn read(&self) -> Result<Record> {
        self.find_record()?.ok_or_else(|| self.gone())
    }

    /// The record, as [`Self::read`] has it; `None` if there is no container yet, as another command has only begun to make
    /// it, or none any more.
    pub fn find_record(&self) -> Result<Option<Record>> {
        let missing = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::NotFound;
        let json = match self.get(RECORD) {
            Err(cause) if missing(&cause) => {
                // Asked before the second look: a `create` that is no longer at work has written it.
                let busy = self.busy()?;
                match self.get(RECORD) {
                    Err(cause) if missing(&cause) && (busy || self.deleted()?) => return Ok(None),
                    again => again,
                }
            }
            json => json,
        };
        let json = json.map_err(|cause| {
            if missing(&cause) {
                Error::new(self.id.as_str(), "was never completely created")
                    .hint("`delete --force` removes what is left of it")
            } else {
                self.failed(RECORD, "can't be read", cause)
            }
        })?;
        Record::from_json(&json, &self.place(RECORD)).map(Some)
    }

    /// The record, if it is whole. Fails only where it could be read at another time: no file descriptors left, say.
    pub fn salvage(&self) -> Result<Option<Record>> {
        match self.get(RECORD) {
            Ok(json) => Ok(Record::from_json(&json, RECORD).ok()),
            Err(cause) if matches!(cause.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM)) => {
                Err(self.failed(RECORD, "can't be read", cause))
            }
            Err(_) => Ok(None),
        }
    }

    /// Remembers where the container's cgroup will be, for [`Self::cgroup`]. To be called before it is made, but only
    /// if nothing is there yet: what is found by it is removed.
    pub fn remember_cgroup(&self, path: &Path) -> Result<()> {
        match symlinkat(path, &self.directory, CGROUP) {
            Ok(()) | Err(Errno::EEXIST) => Ok(()),
            Err(cause) => Err(self.failed(CGROUP, "can't be made", cause)),
        }
    }

    /// The cgroup, when the record can't be read, or does not know it yet.
    pub fn cgroup(&self) -> Option<PathBuf> {
        readlinkat(&self.directory, CGROUP).ok().map(PathBuf::from)
    }

    /// Keeps a copy of the config, the file's bytes as they are.
    pub fn save_config(&self, json: &[u8]) -> Result<()> {
        self.put(CONFIG, json).map_err(|cause| self.failed(CONFIG, "can't be written", cause))
    }

    /// The copy of the config, as it was saved.
    pub fn config(&self) -> Result<Vec<u8>> {
        self.get(CONFIG).map_err(|cause| self.failed(CONFIG, "can't be read", cause))
    }

    /// A path of the start socket that is short enough for a socket's address (unix(7): 107 bytes), whatever the
    /// directory's name is. It holds as long as this entry is open.
    pub fn start_socket(&self) -> PathBuf {
        Path::new("/proc/self/fd").join(self.directory.as_raw_fd().to_string()).join(START_SOCKET)
    }

    /// Makes the start socket.
    pub fn listen(&self) -> Result<OwnedFd> {
        let listener = UnixListener::bind(self.start_socket()).map(OwnedFd::from);
        listener.map_err(|cause| self.failed(START_SOCKET, "can't be made", cause))
    }

    /// Removes the start socket: the container has started. That there is none is no error.
    pub fn remove_start_socket(&self) -> Result<()> {
        match unlinkat(&self.directory, START_SOCKET, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(cause) => Err(self.failed(START_SOCKET, "can't be removed", cause)),
        }
    }

    /// Removes the directory, and so gives the id back. The record goes last: what is interrupted can be tried again.
    pub fn remove(&self) -> Result<()> {
        for file in self.files().map_err(|cause| self.failed("", "can't be listed", cause))? {
            self.unlink(&file)?;
        }
        self.unlink(RECORD.as_ref())?;
        match unlinkat(&self.root, self.id.as_str(), UnlinkatFlags::RemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(cause) => Err(self.failed("", "can't be removed", cause)),
        }
    }

    /// The names of all that is in the directory but the record. No further file is opened for it: that there can be none
    /// may be why all is undone.
    fn files(&self) -> std::io::Result<Vec<PathBuf>> {
        (&self.directory).rewind()?;
        let mut names = Reader::new(Fd(self.directory.as_raw_fd()));
        let mut files = Vec::new();
        while let Some(name) = names.next().map_err(|errno| std::io::Error::from_raw_os_error(errno.0))? {
            let name = name.to_bytes();
            if name != b"." && name != b".." && name != RECORD.as_bytes() {
                files.push(PathBuf::from(OsStr::from_bytes(name)));
            }
        }
        Ok(files)
    }

    fn unlink(&self, file: &Path) -> Result<()> {
        let unlinked = match unlinkat(&self.directory, file, UnlinkatFlags::NoRemoveDir) {
            Err(Errno::EISDIR) => self.remove_directory(file),
            unlinked => unlinked,
        };
        match unlinked {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(cause) => Err(self.failed(&file.to_string_lossy(), "can't be removed", cause)),
        }
    }

    /// Removes a directory with the files in it.
    fn remove_directory(&self, name: &Path) -> nix::Result<()> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mut directory = Dir::openat(&self.directory, name, flags, Mode::empty())?;
        let names: Vec<_> = directory.iter().filter_map(|item| Some(item.ok()?.file_name().to_owned())).collect();
        for file in names.iter().filter(|name| !matches!(name.to_bytes(), b"." | b"..")) {
            unlinkat(&directory, file.as_c_str(), UnlinkatFlags::NoRemoveDir)?;
        }
        unlinkat(&self.directory, name, UnlinkatFlags::RemoveDir)
    }

    /// Writes a file of this directory, durably. A file that could not be written whole is not left behind.
    fn put(&self, name: &str, content: &[u8]) -> std::io::Result<()> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mut file = File::from(openat(&self.directory, name, flags, Mode::S_IRUSR | Mode::S_IWUSR)?);
        file.write_all(content).and_then(|()| file.sync_data()).inspect_err(|_| {
            // The first error is the one to be told.
            let _ = unlinkat(&self.directory, name, UnlinkatFlags::NoRemoveDir);
        })
    }

    fn get(&self, name: &str) -> std::io::Result<Vec<u8>> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mut content = Vec::new();
        File::from(openat(&self.directory, name, flags, Mode::empty())?).read_to_end(&mut content)?;
        Ok(content)
    }

    fn place(&self, file: &str) -> String {
        let path = if file.is_empty() { self.path.clone() } else { self.path.join(file) };
        path.to_string_lossy().into_owned()
    }

    fn failed(&self, file: &str, what: &str, cause: impl Into<std::io::Error>) -> Error {
        let cause = cause.into();
        let full = matches!(cause.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT));
        let error = Error::io(self.place(file), what, cause);
        if full { error.hint("make room on that file system, or keep states elsewhere with --root DIR") } else { error }
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // Closing the directory gives the lock up as well, so there is nothing to be done about an error.
        let _ = self.0.directory.unlock();
        self.0.locked.set(false);
    }
}
