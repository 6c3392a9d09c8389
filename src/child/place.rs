//! Places in the rootfs: the only way to get at what a container's files may have prepared.
//!
//! A place is looked up below the descriptor of the rootfs as if that were the root (`RESOLVE_IN_ROOT`): links stay inside, magic
//! links are refused. The result is a descriptor, and that is what is used; a path is never looked up twice.

use core::ffi::CStr;

use crate::sys::{Errno, Fd, abi, file, mount};

/// As a process in the container would see it, but without magic links.
const INSIDE: u64 = abi::RESOLVE_IN_ROOT | abi::RESOLVE_NO_MAGICLINKS;
/// Longest path of the kernel, with its NUL.
const PATH_MAX: usize = 4096;
/// As many links as the kernel follows in one path (path_resolution(7)).
const LINKS: u32 = 40;

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

/// The place `path`; what is missing of it is made, the last component as `kind`. A link that leads to what is missing is
/// followed as the container would follow it, and what it leads to is made.
pub fn find_or_make(root: Fd, path: &CStr, kind: Kind) -> Result<Fd, Errno> {
    match find(root, path) {
        Err(Errno(abi::ENOENT)) => make(root, path, kind),
        found => found,
    }
}

/// `found`, which is the place `path`, or an error (EXDEV) if a link has led there and it lies on a mount that is shared with
/// others, who would see what is mounted on it.
pub fn unshared(root: Fd, path: &CStr, found: Fd) -> Result<Fd, Errno> {
    if let Ok(direct) = file::openat2(root, path, abi::O_PATH, 0, INSIDE | abi::RESOLVE_NO_SYMLINKS) {
        file::close(found);
        return Ok(direct);
    }
    // Of another mount an older kernel does not say: then it may be.
    if file::same_mount(root, found) || mount::is_shared(found) == Ok(false) {
        Ok(found)
    } else {
        Err(Errno(abi::EXDEV))
    }
}

/// Walks `path` one component at a time: each is opened, or made, below the descriptor of the one before it. What is
/// remembered as text is where we are, for `..` alone, and that is looked up below the root like any other path.
fn make(root: Fd, path: &CStr, kind: Kind) -> Result<Fd, Errno> {
    let mut walk = Walk { ahead: [0; PATH_MAX], start: PATH_MAX, behind: [0; PATH_MAX], length: 0 };
    walk.prepend(path.to_bytes())?;
    let mut here = find(root, c"/")?;
    let (mut links, mut buffer, mut name) = (0, [0; PATH_MAX], [0; PATH_MAX]);
    while let Some((start, end)) = walk.component() {
        let name = text(&mut name, walk.ahead.get(start..end).unwrap_or_default())?;
        walk.start = end;
        if name == c"." {
            continue;
        }
        if name == c".." {
            walk.step_back();
            let up = find(root, text(&mut buffer, walk.behind())?);
            file::close(here);
            here = up?;
            continue;
        }
        let last = walk.component().is_none();
        let next = enter(here, name, if last { kind } else { Kind::Directory })?;
        if file::stat(next)?.is(abi::S_IFLNK) {
            links += 1;
            // The magic links of procfs lead where no path does.
            if links > LINKS || file::filesystem(next)? == abi::PROC_SUPER_MAGIC {
                return Err(Errno(abi::ELOOP));
            }
            let target = file::read_link(next, &mut buffer)?.to_bytes();
            file::close(next);
            if target.first() == Some(&b'/') {
                walk.length = 0;
                file::close(here);
                here = find(root, c"/")?;
            }
            walk.prepend(target)?;
            continue;
        }
        walk.step_into(name.to_bytes())?;
        file::close(here);
        here = next;
    }
    Ok(here)
}

/// `name` directly below `here`, which is no link to follow: opened, or made first.
fn enter(here: Fd, name: &CStr, kind: Kind) -> Result<Fd, Errno> {
    let open = || file::openat2(here, name, abi::O_PATH | abi::O_NOFOLLOW, 0, abi::RESOLVE_BENEATH);
    match open() {
        Err(Errno(abi::ENOENT)) => {}
        found => return found,
    }
    let made = match kind {
        Kind::Directory => file::mkdir(here, name, 0o755),
        Kind::File => file::mknod(here, name, abi::S_IFREG | 0o644, 0, 0),
    };
    match made {
        // Somebody else made it meanwhile: it is looked at as if it had always been there.
        Ok(()) | Err(Errno(abi::EEXIST)) => open(),
        Err(errno) => Err(errno),
    }
}

/// Where a walk is: what is still to be walked, at the end of `ahead`, and what was, at the beginning of `behind`.
struct Walk {
    ahead: [u8; PATH_MAX],
    start: usize,
    behind: [u8; PATH_MAX],
    length: usize,
}

impl Walk {
    /// The bounds of the next component in `ahead`.
    fn component(&self) -> Option<(usize, usize)> {
        let rest = self.ahead.get(self.start..)?;
        let start = self.start + rest.iter().position(|byte| *byte != b'/')?;
        let length = self.ahead.get(start..)?.iter().position(|byte| *byte == b'/');
        Some((start, length.map_or(PATH_MAX, |length| start + length)))
    }

    /// Puts `path`, and a slash after it, before what is ahead.
    fn prepend(&mut self, path: &[u8]) -> Result<(), Errno> {
        let long = Errno(abi::ENAMETOOLONG);
        let slash = self.start.checked_sub(1).ok_or(long)?;
        let start = slash.checked_sub(path.len()).ok_or(long)?;
        *self.ahead.get_mut(slash).ok_or(long)? = b'/';
        self.ahead.get_mut(start..slash).ok_or(long)?.copy_from_slice(path);
        self.start = start;
        Ok(())
    }

    /// Where we are, as an absolute path.
    fn behind(&self) -> &[u8] {
        if self.length == 0 { b"/" } else { self.behind.get(..self.length).unwrap_or(b"/") }
    }

    fn step_into(&mut self, name: &[u8]) -> Result<(), Errno> {
        let end = self.length + 1 + name.len();
        let room = self.behind.get_mut(self.length..end).ok_or(Errno(abi::ENAMETOOLONG))?;
        if let Some((slash, rest)) = room.split_first_mut() {
            *slash = b'/';
            rest.copy_from_slice(name);
        }
        self.length = end;
        Ok(())
    }

    /// At the root this does nothing, as in the kernel.
    fn step_back(&mut self) {
        let behind = self.behind.get(..self.length).unwrap_or_default();
        self.length = behind.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    }
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
