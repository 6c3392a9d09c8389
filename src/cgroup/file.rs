//! Directories and files of the cgroup file system, below a directory descriptor.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;
use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, fstatfs};

/// Reads a file; a missing one is `ENOENT`, one of a removed cgroup `ENOENT` or `ENODEV`.
pub fn read(directory: impl AsFd, name: &str) -> Result<String, Errno> {
    let mut text = String::new();
    open(directory, name, OFlag::O_RDONLY)?.read_to_string(&mut text).map_err(|cause| errno(&cause))?;
    Ok(text)
}

/// Writes to a file, in one write.
pub fn write(directory: impl AsFd, name: &str, value: &str) -> Result<(), Errno> {
    open(directory, name, OFlag::O_WRONLY)?.write_all(value.as_bytes()).map_err(|cause| errno(&cause))
}

/// Opens a file.
pub fn open(directory: impl AsFd, name: &str, how: OFlag) -> Result<File, Errno> {
    let flags = how | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    Ok(openat(directory, name, flags, Mode::empty())?.into())
}

/// Opens a directory below another, without following a symbolic link in its last component.
pub fn open_directory(directory: impl AsFd, path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(directory, path, flags, Mode::empty())
}

/// The same, and `path` may be longer than paths can be (PATH_MAX): a container nests its cgroups as deep as it likes.
pub fn open_deep(directory: impl AsFd, path: &Path) -> Result<OwnedFd, Errno> {
    let mut here = match open_directory(&directory, path) {
        Err(Errno::ENAMETOOLONG) => open_directory(&directory, Path::new("."))?,
        opened => return opened,
    };
    let mut part = PathBuf::new();
    for name in path.components() {
        // A name has 255 bytes at most, and the NUL wants its place, too.
        if part.as_os_str().len() + 257 > libc::PATH_MAX as usize {
            here = open_directory(&here, &part)?;
            part.clear();
        }
        part.push(name);
    }
    open_directory(&here, &part)
}

/// Opens a directory of the host that must be one of cgroup v2; `EMEDIUMTYPE` if it is not.
pub fn open_cgroup(path: &Path) -> Result<OwnedFd, Errno> {
    let directory = open_directory(AT_FDCWD, path)?;
    if fstatfs(&directory)?.filesystem_type() == CGROUP2_SUPER_MAGIC { Ok(directory) } else { Err(Errno::EMEDIUMTYPE) }
}

/// The names of the cgroups in this one.
pub fn children(directory: impl AsFd) -> Result<Vec<PathBuf>, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut names = Vec::new();
    for entry in Dir::openat(directory, ".", flags, Mode::empty())?.iter() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if entry.file_type() == Some(Type::Directory) && name != b"." && name != b".." {
            names.push(path_of(name));
        }
    }
    Ok(names)
}

/// Calls `visit` with each cgroup of the tree below `top`, which comes first; those that are removed meanwhile are left out.
pub fn walk(top: impl AsFd, mut visit: impl FnMut(&OwnedFd) -> Result<(), Errno>) -> Result<(), Errno> {
    let mut unread = vec![PathBuf::from(".")];
    while let Some(path) = unread.pop() {
        let mut one = || {
            let directory = open_deep(&top, &path)?;
            unread.extend(children(&directory)?.iter().map(|name| path.join(name)));
            visit(&directory)
        };
        match one() {
            Ok(()) | Err(Errno::ENOENT | Errno::ENODEV) => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(())
}

fn path_of(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(name).into()
}

/// The value of a key in a file of lines `key value`.
pub fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

fn errno(cause: &std::io::Error) -> Errno {
    cause.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
