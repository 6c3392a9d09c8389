//! Files and directories, by descriptor.

use core::ffi::CStr;

use super::Fd;
use super::abi::{self, nr};
use super::raw::{Errno, pointer, pointer_mut, syscall, text};

/// The kernel's `struct open_how`.
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// What [`stat`] reports: the part of the kernel's `struct statx` that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Stat {
    /// Type and permission bits.
    pub mode: u32,
    /// Device number of a node: major.
    pub major: u32,
    /// Device number of a node: minor.
    pub minor: u32,
    /// Inode number.
    pub inode: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes.
    pub size: u64,
    /// When its content was last changed: seconds, nanoseconds.
    pub modified: [u64; 2],
}

impl Stat {
    /// Whether the type bits are `kind` (`S_IFDIR` ...).
    pub fn is(&self, kind: u32) -> bool {
        self.mode & abi::S_IFMT == kind
    }
}

/// The kernel's `struct statx`, 256 bytes.
#[repr(C)]
struct Statx {
    mask: u32,
    blksize: u32,
    attributes: u64,
    nlink: u32,
    uid: u32,
    gid: u32,
    mode: u16,
    spare0: u16,
    inode: u64,
    size: u64,
    blocks: u64,
    attributes_mask: u64,
    times: [u64; 6],
    modified: [u64; 2],
    rdev_major: u32,
    rdev_minor: u32,
    device: u64,
    mount: u64,
    rest: [u64; 13],
}

const _: () = assert!(size_of::<Statx>() == 256);

/// Bounded, because an attacker may go on renaming for ever: then we give up (EAGAIN).
const LOOKUP_TRIES: usize = 128;

/// openat2(2): opens `path` below `dir`. `resolve` is `RESOLVE_*`; `O_CLOEXEC` is added. EAGAIN (the tree was being
/// renamed meanwhile) is retried a bounded number of times.
pub fn openat2(dir: Fd, path: &CStr, flags: u64, mode: u32, resolve: u64) -> Result<Fd, Errno> {
    let how = OpenHow { flags: flags | abi::O_CLOEXEC, mode: u64::from(mode), resolve };
    let mut tries = 0;
    loop {
        // SAFETY: path is NUL-terminated and how has the size that is given; both outlive the call.
        let opened =
            unsafe { syscall(nr::openat2, [dir.arg(), text(path), pointer(&how), size_of::<OpenHow>(), 0, 0]) };
        match opened {
            Err(Errno(abi::EAGAIN | abi::EINTR)) if tries < LOOKUP_TRIES => tries += 1,
            other => return other.map(fd),
        }
    }
}

/// openat(2) of a path that is trusted: never one of the container's.
pub fn openat(dir: Fd, path: &CStr, flags: u64) -> Result<Fd, Errno> {
    // SAFETY: path is NUL-terminated and outlives the call.
    unsafe { syscall(nr::openat, [dir.arg(), text(path), (flags | abi::O_CLOEXEC) as usize, 0, 0, 0]) }.map(fd)
}

/// close(2); an error says nothing that could be acted on.
pub fn close(file: Fd) {
    // SAFETY: no memory is involved.
    let _ = unsafe { syscall(nr::close, [file.arg(), 0, 0, 0, 0, 0]) };
}

/// close_range(2): `first` to `last`, closed or (with `CLOSE_RANGE_CLOEXEC`) marked to be closed by execve.
pub fn close_range(first: u32, last: u32, flags: usize) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(nr::close_range, [first as usize, last as usize, flags, 0, 0, 0]) }.map(drop)
}

/// fcntl(2) with a number as its argument.
pub fn fcntl(file: Fd, command: usize, argument: usize) -> Result<usize, Errno> {
    // SAFETY: only commands that take a number are used in this project.
    unsafe { syscall(nr::fcntl, [file.arg(), command, argument, 0, 0, 0]) }
}

/// read(2) into `buffer`: the number of bytes.
pub fn read(file: Fd, buffer: &mut [u8]) -> Result<usize, Errno> {
    loop {
        let length = buffer.len();
        // SAFETY: buffer is writable for its length.
        match unsafe { syscall(nr::read, [file.arg(), pointer_mut(buffer), length, 0, 0, 0]) } {
            Err(Errno(abi::EINTR)) => {}
            other => return other,
        }
    }
}

/// write(2) of all of `bytes`; a short write counts as an error (EAGAIN).
pub fn write(file: Fd, bytes: &[u8]) -> Result<(), Errno> {
    // SAFETY: bytes is readable for its length.
    let written = unsafe { syscall(nr::write, [file.arg(), pointer(bytes), bytes.len(), 0, 0, 0]) }?;
    if written == bytes.len() { Ok(()) } else { Err(Errno(abi::EAGAIN)) }
}

/// pwrite64(2), as [`write`]: where the file stands stays as it is.
pub fn write_at(file: Fd, bytes: &[u8], at: usize) -> Result<(), Errno> {
    // SAFETY: bytes is readable for its length.
    let written = unsafe { syscall(nr::pwrite64, [file.arg(), pointer(bytes), bytes.len(), at, 0, 0]) }?;
    if written == bytes.len() { Ok(()) } else { Err(Errno(abi::EAGAIN)) }
}

/// sendfile(2): at most `length` bytes from `source` to `target`, from where they stand; the number of bytes.
pub fn send(source: Fd, target: Fd, length: u64) -> Result<u64, Errno> {
    loop {
        // SAFETY: no memory is involved; without an offset the files' own are used.
        match unsafe { syscall(nr::sendfile, [target.arg(), source.arg(), 0, length as usize, 0, 0]) } {
            Err(Errno(abi::EINTR)) => {}
            other => return other.map(|sent| sent as u64),
        }
    }
}

/// dup3(2): makes `copy` refer to what `file` does, open across execve.
pub fn dup(file: Fd, copy: Fd) -> Result<(), Errno> {
    if file == copy {
        return fcntl(file, abi::F_SETFD, 0).map(drop);
    }
    // SAFETY: no memory is involved.
    unsafe { syscall(nr::dup3, [file.arg(), copy.arg(), 0, 0, 0, 0]) }.map(drop)
}

/// statx(2) of an open file (of the link itself where `file` was opened as one).
pub fn stat(file: Fd) -> Result<Stat, Errno> {
    statx(file, c"", abi::AT_EMPTY_PATH)
}

/// statx(2) of a name below `dir`, not following it.
pub fn stat_name(dir: Fd, name: &CStr) -> Result<Stat, Errno> {
    statx(dir, name, abi::AT_SYMLINK_NOFOLLOW)
}

/// statx(2) of a path of the container's own, as its processes would see it.
pub fn stat_path(path: &CStr) -> Result<Stat, Errno> {
    statx(Fd::CWD, path, 0)
}

fn statx_raw(dir: Fd, path: &CStr, flags: usize, wanted: usize) -> Result<Statx, Errno> {
    let mut buffer = core::mem::MaybeUninit::<Statx>::zeroed();
    let address = buffer.as_mut_ptr() as usize;
    // SAFETY: path is NUL-terminated; the buffer has the kernel's size for struct statx.
    unsafe { syscall(nr::statx, [dir.arg(), text(path), flags, wanted, address, 0]) }?;
    // SAFETY: zeroed before and filled by the kernel; every bit pattern is a valid Statx.
    Ok(unsafe { buffer.assume_init() })
}

fn statx(dir: Fd, path: &CStr, flags: usize) -> Result<Stat, Errno> {
    let found = statx_raw(dir, path, flags, abi::STATX_BASIC_STATS)?;
    Ok(Stat {
        mode: u32::from(found.mode),
        major: found.rdev_major,
        minor: found.rdev_minor,
        inode: found.inode,
        uid: found.uid,
        gid: found.gid,
        size: found.size,
        // The kernel's nanoseconds are 32 bits wide, with padding.
        modified: [found.modified[0], found.modified[1] & 0xffff_ffff],
    })
}

/// statx(2) for the number of the mount that `file` was found on; ENOSYS before Linux 6.8.
pub fn mount_number(file: Fd) -> Result<u64, Errno> {
    let wanted = abi::STATX_MNT_ID_UNIQUE;
    let found = statx_raw(file, c"", abi::AT_EMPTY_PATH, wanted)?;
    if found.mask as usize & wanted != 0 { Ok(found.mount) } else { Err(Errno(abi::ENOSYS)) }
}

/// Whether both were found on the same mount, by statx(2) since Linux 5.8; not if the kernel does not say.
pub fn same_mount(one: Fd, other: Fd) -> bool {
    let number = |file| {
        let found = statx_raw(file, c"", abi::AT_EMPTY_PATH, abi::STATX_MNT_ID).ok()?;
        (found.mask as usize & abi::STATX_MNT_ID != 0).then_some(found.mount)
    };
    number(one).is_some_and(|mount| number(other) == Some(mount))
}

/// fstatfs(2): the magic number of the file system that `file` lies on.
pub fn filesystem(file: Fd) -> Result<u64, Errno> {
    let mut buffer = [0u64; 15];
    // SAFETY: struct statfs of 64-bit kernels has 120 bytes; its first word is f_type.
    unsafe { syscall(nr::fstatfs, [file.arg(), pointer_mut(&mut buffer), 0, 0, 0, 0]) }?;
    Ok(buffer[0])
}

/// mkdirat(2).
pub fn mkdir(dir: Fd, name: &CStr, mode: u32) -> Result<(), Errno> {
    // SAFETY: name is NUL-terminated.
    unsafe { syscall(nr::mkdirat, [dir.arg(), text(name), mode as usize, 0, 0, 0]) }.map(drop)
}

/// mknodat(2): a device node, FIFO or regular file; fails if the name is taken.
pub fn mknod(dir: Fd, name: &CStr, mode: u32, major: u32, minor: u32) -> Result<(), Errno> {
    let (major, minor) = (major as usize, minor as usize);
    let device = (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12);
    // SAFETY: name is NUL-terminated.
    unsafe { syscall(nr::mknodat, [dir.arg(), text(name), mode as usize, device, 0, 0]) }.map(drop)
}

/// symlinkat(2).
pub fn symlink(target: &CStr, dir: Fd, name: &CStr) -> Result<(), Errno> {
    // SAFETY: both are NUL-terminated.
    unsafe { syscall(nr::symlinkat, [text(target), dir.arg(), text(name), 0, 0, 0]) }.map(drop)
}

/// readlinkat(2) of the link `link`, an `O_PATH` descriptor of it: where it leads to. ENAMETOOLONG if that does not fit
/// into `buffer` with a NUL.
pub fn read_link(link: Fd, buffer: &mut [u8]) -> Result<&CStr, Errno> {
    let length = buffer.len();
    // SAFETY: the path is NUL-terminated and the buffer writable for its length.
    let filled = unsafe { syscall(nr::readlinkat, [link.arg(), text(c""), pointer_mut(buffer), length, 0, 0]) }?;
    let long = Errno(abi::ENAMETOOLONG);
    *buffer.get_mut(filled).ok_or(long)? = 0;
    CStr::from_bytes_until_nul(buffer).map_err(|_| long)
}

/// utimensat(2) of an open file: when it was last changed, in seconds and nanoseconds.
pub fn set_modified(file: Fd, time: [u64; 2]) -> Result<(), Errno> {
    let times = [[0, abi::UTIME_OMIT], time];
    // SAFETY: two structs timespec of a 64-bit kernel; without a path it is the file itself.
    unsafe { syscall(nr::utimensat, [file.arg(), 0, pointer(&times), 0, 0, 0]) }.map(drop)
}

/// fchmodat(2) of a name that was just made in `dir`, which nobody else writes.
pub fn chmod(dir: Fd, name: &CStr, mode: u32) -> Result<(), Errno> {
    // SAFETY: name is NUL-terminated.
    unsafe { syscall(nr::fchmodat, [dir.arg(), text(name), mode as usize, 0, 0, 0]) }.map(drop)
}

/// fchownat(2) of a name in `dir`, not following it.
pub fn chown(dir: Fd, name: &CStr, uid: u32, gid: u32) -> Result<(), Errno> {
    // SAFETY: name is NUL-terminated.
    unsafe { syscall(nr::fchownat, [dir.arg(), text(name), uid as usize, gid as usize, abi::AT_SYMLINK_NOFOLLOW, 0]) }
        .map(drop)
}

/// fchown(2): the owner only, the group stays.
pub fn fchown(file: Fd, uid: u32) -> Result<(), Errno> {
    // SAFETY: no memory is involved; -1 leaves the group.
    unsafe { syscall(nr::fchown, [file.arg(), uid as usize, u32::MAX as usize, 0, 0, 0]) }.map(drop)
}

/// faccessat2(2) for execution, with the effective ids.
pub fn executable(path: &CStr) -> Result<(), Errno> {
    // SAFETY: path is NUL-terminated; 1 is X_OK.
    unsafe { syscall(nr::faccessat2, [Fd::CWD.arg(), text(path), 1, abi::AT_EACCESS, 0, 0]) }.map(drop)
}

/// chdir(2).
pub fn chdir(path: &CStr) -> Result<(), Errno> {
    // SAFETY: path is NUL-terminated.
    unsafe { syscall(nr::chdir, [text(path), 0, 0, 0, 0, 0]) }.map(drop)
}

/// fchdir(2).
pub fn fchdir(dir: Fd) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(nr::fchdir, [dir.arg(), 0, 0, 0, 0, 0]) }.map(drop)
}

/// getcwd(2): whether the working directory can be reached from the root (the kernel writes `(unreachable)` before
/// the path of one that can't).
pub fn cwd_is_reachable() -> Result<bool, Errno> {
    let mut buffer = [0u8; 4096];
    // SAFETY: buffer is writable for its length.
    unsafe { syscall(nr::getcwd, [pointer_mut(&mut buffer), buffer.len(), 0, 0, 0, 0]) }?;
    Ok(buffer[0] == b'/')
}

/// umask(2).
pub fn umask(mask: u32) {
    // SAFETY: no memory is involved; it can't fail.
    let _ = unsafe { syscall(nr::umask, [mask as usize, 0, 0, 0, 0, 0]) };
}

/// A successful result as a descriptor: the kernel hands out small ones only.
pub(super) fn fd(number: usize) -> Fd {
    Fd(number as i32)
}
