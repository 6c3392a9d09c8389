//! The host's /proc, and what we write there.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::fcntl::readlinkat;

use crate::error::{Error, Result};
use crate::sys::{Errno, Fd, abi, file, owned};

/// Nothing on the way but procfs itself: no link, no other mount.
const STRICT: u64 = abi::RESOLVE_BENEATH | abi::RESOLVE_NO_XDEV | abi::RESOLVE_NO_SYMLINKS;
/// Inode of the root of every procfs (`PROC_ROOT_INO`).
const ROOT_INODE: u64 = 1;

/// The root of a procfs, verified to be one, and to number processes as we do.
pub struct Proc(OwnedFd);

impl Proc {
    /// Opens /proc. An error if something else stands there in its place.
    pub fn open() -> Result<Self> {
        let failed = |errno: Errno| Error::io("/proc", "can't be opened", std::io::Error::from_raw_os_error(errno.0));
        let root = owned(file::openat(Fd::CWD, c"/proc", abi::O_PATH | abi::O_DIRECTORY).map_err(failed)?);
        let number = Fd(root.as_raw_fd());
        let genuine = file::filesystem(number) == Ok(abi::PROC_SUPER_MAGIC)
            && file::stat(number).is_ok_and(|found| found.inode == ROOT_INODE);
        if !genuine {
            return Err(Error::new("/proc", "is not a procfs").hint("mount one: mount -t proc proc /proc"));
        }
        // Of another pid namespace: then a number that we know is somebody else's there.
        let us = readlinkat(&root, "self").ok().and_then(|us| us.to_str()?.parse().ok());
        if us == Some(std::process::id()) {
            Ok(Self(root))
        } else {
            Err(Error::new("/proc", "is that of another pid namespace")
                .hint("mount this one's: mount -t proc proc /proc"))
        }
    }

    /// Opens a file below it.
    pub fn file(&self, path: &CStr, flags: u64) -> Result<OwnedFd, Errno> {
        file::openat2(Fd(self.0.as_raw_fd()), path, flags, 0, STRICT).map(owned)
    }

    /// Writes a file below it, in one call.
    pub fn write(&self, path: &CStr, value: &[u8]) -> Result<(), Errno> {
        let opened = self.file(path, abi::O_WRONLY)?;
        file::write(Fd(opened.as_raw_fd()), value)
    }

    /// Opens a namespace of process `pid` (`user`): the one link that is followed, from a directory of procfs to nsfs.
    pub fn namespace(&self, pid: i32, name: &CStr) -> Result<OwnedFd, Errno> {
        let path = CString::new(format!("{pid}/ns")).unwrap_or_default();
        let directory = self.file(&path, abi::O_PATH | abi::O_DIRECTORY)?;
        let opened = owned(file::openat(Fd(directory.as_raw_fd()), name, abi::O_RDONLY)?);
        match file::filesystem(Fd(opened.as_raw_fd()))? {
            abi::NSFS_MAGIC => Ok(opened),
            _ => Err(Errno(abi::EINVAL)),
        }
    }

    /// For the child.
    pub fn into_fd(self) -> OwnedFd {
        self.0
    }
}
