//! Places in the rootfs: the only way to get at what a container's files may have prepared.
//!
//! A place is looked up below the descriptor of the rootfs as if that were the root (`RESOLVE_IN_ROOT`): links stay inside, magic
//! links are refused. The result is a descriptor, and that is what is used; a path is never looked up twice.

use core::ffi::CStr;

use crate::sys::{Errno, Fd, abi, file};

/// As a process in the container would see it, but without magic links.
const INSIDE: u64 = abi::RESOLVE_IN_ROOT | abi::RESOLVE_NO_MAGICLINKS;
/// Directly below: a name that was just made.
const DIRECT: u64 = abi::RESOLVE_BENEATH | abi::RESOLVE_NO_SYMLINKS | abi::RESOLVE_NO_XDEV;
/// Longest path of the kernel, with its NUL.
const PATH_MAX: usize = 4096;

/// What is made where a place is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An empty directory.
    Directory,
    /// An empty file, to be covered by a mount.
    File,
}

/// The place `path`, of any type; closed by the caller.
pub fn find(root: Fd, path: &CStr) -> Result<Fd, Errno> {
    file::openat2(root, path, abi::O_PATH, 0, INSIDE)
}

/// The place `path`, to which no link leads: every component is an ordinary directory.
pub fn find_plain(root: Fd, path: &CStr) -> Result<Fd, Errno> {
    let mut buffer = [0; PATH_MAX];
    let below = text(&mut buffer, path.to_bytes().trim_ascii_start_matches(b'/'))?;
    file::openat2(root, below, abi::O_PATH | abi::O_DIRECTORY, 0, abi::RESOLVE_BENEATH | abi::RESOLVE_NO_SYMLINKS)
}

/// Opens the place `path` with `flags`, which must not create anything.
pub fn open(root: Fd, path: &CStr, flags: u64) -> Result<Fd, Errno> {
    file::openat2(root, path, flags, 0, INSIDE)
}

/// The place `path`; what is missing of it is made, one component at a time, the last one as `kind`.
pub fn find_or_make(root: Fd, path: &CStr, kind: Kind) -> Result<Fd, Errno> {
    match find(root, path) {
        Err(Errno(abi::ENOENT)) => make(root, path.to_bytes(), kind),
        found => found,
    }
}

fn make(root: Fd, path: &[u8], kind: Kind) -> Result<Fd, Errno> {
    let mut here = find(root, c"/")?;
    let mut at = 0;
    while let Some((start, end)) = component(path, at) {
        let last = component(path, end).is_none();
        let next = enter(root, here, path, (start, end), if last { kind } else { Kind::Directory });
        file::close(here);
        here = next?;
        at = end;
    }
    Ok(here)
}

/// The component `start..end` of `path`, found below the root or made below `here`, which is the place before it.
fn enter(root: Fd, here: Fd, path: &[u8], (start, end): (usize, usize), kind: Kind) -> Result<Fd, Errno> {
    let mut buffer = [0; PATH_MAX];
    match find(root, text(&mut buffer, path.get(..end).unwrap_or_default())?) {
        Err(Errno(abi::ENOENT)) => {}
        found => return found,
    }
    let name = text(&mut buffer, path.get(start..end).unwrap_or_default())?;
    let made = match kind {
        Kind::Directory => file::mkdir(here, name, 0o755),
        Kind::File => file::mknod(here, name, abi::S_IFREG | 0o644, 0, 0),
    };
    match made {
        // Somebody else made it meanwhile; if it is a link that leads nowhere, the next call says so.
        Ok(()) | Err(Errno(abi::EEXIST)) => {}
        Err(errno) => return Err(errno),
    }
    let found = file::openat2(here, name, abi::O_PATH | abi::O_NOFOLLOW, 0, DIRECT)?;
    // A link itself can be opened like this; what it leads to is not there.
    if file::stat(found)?.is(abi::S_IFLNK) {
        file::close(found);
        return Err(Errno(abi::ELOOP));
    }
    Ok(found)
}

/// The bounds of the next component of `path` from `at` on.
fn component(path: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = path.get(at..)?;
    let start = at + rest.iter().position(|byte| *byte != b'/')?;
    let length = path.get(start..)?.iter().position(|byte| *byte == b'/');
    Some((start, length.map_or(path.len(), |length| start + length)))
}

/// `bytes` as a NUL-terminated string in `buffer`.
fn text<'a>(buffer: &'a mut [u8; PATH_MAX], bytes: &[u8]) -> Result<&'a CStr, Errno> {
    let long = Errno(abi::ENAMETOOLONG);
    buffer.get_mut(..bytes.len()).ok_or(long)?.copy_from_slice(bytes);
    *buffer.get_mut(bytes.len()).ok_or(long)? = 0;
    CStr::from_bytes_until_nul(buffer).map_err(|_| long)
}

/// What `core` has for `str` only.
trait TrimStart {
    fn trim_ascii_start_matches(&self, byte: u8) -> &Self;
}

impl TrimStart for [u8] {
    fn trim_ascii_start_matches(&self, byte: u8) -> &Self {
        let start = self.iter().position(|other| *other != byte).unwrap_or(self.len());
        self.get(start..).unwrap_or_default()
    }
}
