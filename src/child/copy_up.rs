//! `tmpcopyup`: a new tmpfs begins with what it covers.
//!
//! What it covers belongs to the image, or to a volume that another container is changing at this moment. So every name is
//! opened below the directory that it was read from, never through a link or onto another mount; and what is looked at
//! and copied is what was opened. The copy lies on a mount that nobody else can reach yet.

use core::ffi::CStr;

use crate::sys::directory::Reader;
use crate::sys::file::{self, Stat};
use crate::sys::{Errno, Fd, abi};

/// A name as it was read: no link is followed, no other mount is entered.
const DIRECT: u64 = abi::RESOLVE_BENEATH | abi::RESOLVE_NO_SYMLINKS | abi::RESOLVE_NO_XDEV;

/// How deeply directories may be nested: each takes some of the stack, and two descriptors.
const DEEPEST: u32 = 128;

/// Copies the content of the directory `from` (`O_PATH`) into the empty file system `to`, whose root stays as it is: its
/// mode and owner are what the mount's options ask for. Directories, files and links are copied, with mode, owner and (but
/// for links) time; sockets, FIFOs and devices are left out, and so is what is mounted below `from`. Extended attributes
/// are not copied, hard links become files of their own.
///
/// # Errors
/// Those of the system calls; ENOSPC if it does not fit in; ENAMETOOLONG if directories are nested too deeply.
pub fn copy_up(from: Fd, to: Fd) -> Result<(), Errno> {
    directory(from, to, 0)
}

/// The content of `from` into `to`; both stay open, and may be `O_PATH`.
fn directory(from: Fd, to: Fd, depth: u32) -> Result<(), Errno> {
    if depth == DEEPEST {
        return Err(Errno(abi::ENAMETOOLONG));
    }
    let listed = file::openat2(from, c".", abi::O_RDONLY | abi::O_DIRECTORY, 0, DIRECT)?;
    let mut names = Reader::new(listed);
    while let Some(name) = names.next()? {
        if name == c"." || name == c".." {
            continue;
        }
        match file::openat2(listed, name, abi::O_PATH | abi::O_NOFOLLOW, 0, DIRECT) {
            Ok(found) => {
                entry(listed, found, to, name, depth)?;
                file::close(found);
            }
            // Something is mounted there; or it was removed since.
            Err(Errno(abi::EXDEV | abi::ENOENT)) => {}
            Err(errno) => return Err(errno),
        }
    }
    file::close(listed);
    Ok(())
}

/// `found`, which is `name` in `listed`, into `to`.
fn entry(listed: Fd, found: Fd, to: Fd, name: &CStr, depth: u32) -> Result<(), Errno> {
    let stat = file::stat(found)?;
    match stat.mode & abi::S_IFMT {
        abi::S_IFDIR => {
            file::mkdir(to, name, 0o700)?;
            let made = file::openat2(to, name, abi::O_RDONLY | abi::O_DIRECTORY, 0, DIRECT)?;
            directory(found, made, depth + 1)?;
            finish(to, name, made, &stat)
        }
        abi::S_IFREG => regular(listed, to, name),
        abi::S_IFLNK => link(found, to, name, &stat),
        _ => Ok(()),
    }
}

fn regular(listed: Fd, to: Fd, name: &CStr) -> Result<(), Errno> {
    // It may have become a FIFO or a terminal since it was looked at: neither waits, and it is looked at again.
    let flags = abi::O_RDONLY | abi::O_NOFOLLOW | abi::O_NONBLOCK | abi::O_NOCTTY;
    let source = file::openat2(listed, name, flags, 0, DIRECT)?;
    let stat = file::stat(source)?;
    if !stat.is(abi::S_IFREG) {
        file::close(source);
        return Ok(());
    }
    let made = file::openat2(to, name, abi::O_WRONLY | abi::O_CREAT | abi::O_EXCL, 0o600, DIRECT)?;
    // As many bytes as it had, not up to its end: somebody may be writing to it faster than we read.
    let mut left = stat.size;
    while left > 0 {
        match file::send(source, made, left)? {
            0 => break,
            sent => left -= sent,
        }
    }
    file::close(source);
    finish(to, name, made, &stat)
}

/// A function of its own, not to be inlined: its buffer must not be on the stack once for every directory.
#[inline(never)]
fn link(found: Fd, to: Fd, name: &CStr, stat: &Stat) -> Result<(), Errno> {
    let mut buffer = [0; 4096];
    let target = file::read_link(found, &mut buffer)?;
    file::symlink(target, to, name)?;
    own(to, name, stat).map(drop)
}

/// Owner, mode and time of `made`, which is `name` in `to`; it is closed.
fn finish(to: Fd, name: &CStr, made: Fd, stat: &Stat) -> Result<(), Errno> {
    // A set-user-id file whose owner is unknown here must not become one of root's.
    let bits = if own(to, name, stat)? { 0o7777 } else { 0o1777 };
    file::chmod(to, name, stat.mode & bits)?;
    file::set_modified(made, stat.modified)?;
    file::close(made);
    Ok(())
}

/// The owner of `name` in `to`, if it is one in this user namespace; otherwise it stays with us.
fn own(to: Fd, name: &CStr, stat: &Stat) -> Result<bool, Errno> {
    match file::chown(to, name, stat.uid, stat.gid) {
        Ok(()) => Ok(true),
        Err(Errno(abi::EINVAL | abi::EPERM)) => Ok(false),
        Err(errno) => Err(errno),
    }
}
