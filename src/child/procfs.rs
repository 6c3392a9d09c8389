//! Files of procfs: what is written to is the kernel's, not what only looks like it.
//!
//! The host's /proc comes from the parent, which verified its root. Below it there may still be mounts of somebody else
//! (we may be in a container of theirs), so nothing of that kind is passed through. The container's own /proc is never asked.

use core::ffi::CStr;

use super::text;
use crate::sys::{Errno, Fd, abi, file, mount};

/// No link and no mount on the way: what is opened is a file of procfs and nothing else.
const STRICT: u64 = abi::RESOLVE_BENEATH | abi::RESOLVE_NO_XDEV | abi::RESOLVE_NO_SYMLINKS;

/// Longest path of a process's file below the root of procfs, with its NUL.
const LENGTH: usize = 64;

/// A procfs of this pid namespace that is mounted nowhere, so nobody can mount anything over what is in it. In a user
/// namespace the kernel may forbid one.
pub fn private() -> Result<Fd, Errno> {
    let context = mount::fsopen(c"proc")?;
    mount::fscreate(context)?;
    mount::fsmount(context, 0)
}

/// Writes `value` to the file `path` below the root `proc`.
pub fn write(proc: Fd, path: &CStr, value: &[u8]) -> Result<(), Errno> {
    write_to(file::openat2(proc, path, abi::O_WRONLY, 0, STRICT)?, value)
}

/// Writes `value` to the file `path` of this process.
pub fn write_own(proc: Fd, path: &CStr, value: &[u8]) -> Result<(), Errno> {
    write_to(open_own(proc, path, abi::O_WRONLY)?, value)
}

fn write_to(opened: Fd, value: &[u8]) -> Result<(), Errno> {
    let written = file::write(opened, value);
    file::close(opened);
    written
}

/// Opens `path` below this process's own directory of the procfs `proc`. EXDEV if `proc` is not a procfs, or if something is mounted over the path.
///
/// The process that writes to an attribute must have opened it: the kernel lets no other write.
pub fn open_own(proc: Fd, path: &CStr, flags: u64) -> Result<Fd, Errno> {
    genuine(proc)?;
    // `self` is our process id in the pid namespace of this procfs, whichever that is.
    let link = file::openat2(proc, c"self", abi::O_PATH | abi::O_NOFOLLOW, 0, STRICT)?;
    let mut number = [0; 16];
    let number = file::read_link(link, &mut number);
    file::close(link);
    let number = number?.to_bytes();
    if number.is_empty() || !number.iter().all(u8::is_ascii_digit) {
        return Err(Errno(abi::EXDEV));
    }
    let mut buffer = [0; LENGTH];
    let below = text::join(&mut buffer, &[number, b"/", path.to_bytes()]).ok_or(Errno(abi::ENAMETOOLONG))?;
    let opened = file::openat2(proc, below, flags, 0, STRICT)?;
    match genuine(opened) {
        Ok(()) => Ok(opened),
        Err(errno) => {
            file::close(opened);
            Err(errno)
        }
    }
}

fn genuine(file: Fd) -> Result<(), Errno> {
    if file::filesystem(file)? == abi::PROC_SUPER_MAGIC { Ok(()) } else { Err(Errno(abi::EXDEV)) }
}

#[cfg(test)]
#[path = "procfs/tests.rs"]
mod tests;
