//! The mount interface by descriptors (open_tree(2), fsopen(2), mount_setattr(2) ...), and pivot_root.

use core::ffi::CStr;

use super::Fd;
use super::abi::{self, nr};
use super::file::fd;
use super::raw::{Errno, pointer, pointer_mut, syscall, text};

/// The kernel's `struct mount_attr`.
#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns: u64,
}

/// open_tree(2): a detached copy of the mount (of the whole tree if `recursive`) at `path` below `dir`; with an empty
/// path, of what `dir` itself refers to.
pub fn clone_tree(dir: Fd, path: &CStr, recursive: bool) -> Result<Fd, Errno> {
    let flags = abi::OPEN_TREE_CLONE
        | abi::OPEN_TREE_CLOEXEC
        | if path.is_empty() { abi::AT_EMPTY_PATH } else { 0 }
        | if recursive { abi::AT_RECURSIVE } else { 0 };
    // SAFETY: path is NUL-terminated.
    unsafe { syscall(nr::open_tree, [dir.arg(), text(path), flags, 0, 0, 0]) }.map(fd)
}

/// move_mount(2): attaches the detached mount `tree` on what `target` refers to.
pub fn attach(tree: Fd, target: Fd) -> Result<(), Errno> {
    let flags = abi::MOVE_MOUNT_F_EMPTY_PATH | abi::MOVE_MOUNT_T_EMPTY_PATH;
    // SAFETY: both paths are empty and NUL-terminated.
    unsafe { syscall(nr::move_mount, [tree.arg(), text(c""), target.arg(), text(c""), flags, 0]) }.map(drop)
}

/// move_mount(2) of `tree` onto the path `target`, which is one of our own words.
pub fn attach_at(tree: Fd, target: &CStr) -> Result<(), Errno> {
    // SAFETY: both paths are NUL-terminated.
    unsafe {
        syscall(nr::move_mount, [tree.arg(), text(c""), Fd::CWD.arg(), text(target), abi::MOVE_MOUNT_F_EMPTY_PATH, 0])
    }
    .map(drop)
}

/// mount_setattr(2) on the mount `tree`, or on all mounts below it as well.
pub fn set_attributes(tree: Fd, set: u64, clear: u64, propagation: u64, recursive: bool) -> Result<(), Errno> {
    setattr(tree, &MountAttr { set, clear, propagation, userns: 0 }, recursive)
}

/// mount_setattr(2) `MOUNT_ATTR_IDMAP`: the files of the detached `tree` (and of all mounts below it) are owned as the
/// mappings of the user namespace `namespace` say.
pub fn map_ids(tree: Fd, namespace: Fd, recursive: bool) -> Result<(), Errno> {
    let userns = namespace.0 as u64;
    setattr(tree, &MountAttr { set: abi::MOUNT_ATTR_IDMAP, clear: 0, propagation: 0, userns }, recursive)
}

fn setattr(tree: Fd, attributes: &MountAttr, recursive: bool) -> Result<(), Errno> {
    let flags = abi::AT_EMPTY_PATH | if recursive { abi::AT_RECURSIVE } else { 0 };
    // SAFETY: the structure has the size that is given.
    unsafe {
        syscall(nr::mount_setattr, [tree.arg(), text(c""), flags, pointer(attributes), size_of::<MountAttr>(), 0])
    }
    .map(drop)
}

/// statmount(2): whether the mount that `file` was found on belongs to a peer group, so that what is mounted on it is
/// mounted elsewhere, too. ENOSYS before Linux 6.8.
pub fn is_shared(file: Fd) -> Result<bool, Errno> {
    /// `STATMOUNT_MNT_BASIC`.
    const BASIC: u64 = 2;
    // struct mnt_id_req: its size (and four bytes of padding), the mount, what is asked for.
    let request = [24, super::file::mount_number(file)?, BASIC];
    // struct statmount; mnt_propagation is its tenth word.
    let mut answer = [0u64; 64];
    // SAFETY: the request says its size, and the answer's is given.
    unsafe { syscall(nr::statmount, [pointer(&request), pointer_mut(&mut answer), size_of_val(&answer), 0, 0, 0]) }?;
    Ok(answer[9] & abi::MS_SHARED != 0)
}

/// fsopen(2): a context for a new instance of the file system `kind`.
pub fn fsopen(kind: &CStr) -> Result<Fd, Errno> {
    // SAFETY: kind is NUL-terminated.
    unsafe { syscall(nr::fsopen, [text(kind), abi::FSOPEN_CLOEXEC, 0, 0, 0, 0]) }.map(fd)
}

/// fsconfig(2): sets the parameter `key`, to `value` or as a flag.
pub fn fsconfig(context: Fd, key: &CStr, value: Option<&CStr>) -> Result<(), Errno> {
    let (command, value) = match value {
        Some(value) => (abi::FSCONFIG_SET_STRING, text(value)),
        None => (abi::FSCONFIG_SET_FLAG, 0),
    };
    // SAFETY: key is NUL-terminated, value too or null, as the command wants.
    unsafe { syscall(nr::fsconfig, [context.arg(), command, text(key), value, 0, 0]) }.map(drop)
}

/// fsconfig(2) FSCONFIG_SET_FD: sets the parameter `key` to an open file.
pub fn fsconfig_file(context: Fd, key: &CStr, file: Fd) -> Result<(), Errno> {
    // SAFETY: key is NUL-terminated, the value null, as the command wants.
    unsafe { syscall(nr::fsconfig, [context.arg(), abi::FSCONFIG_SET_FD, text(key), 0, file.arg(), 0]) }.map(drop)
}

/// fsconfig(2) FSCONFIG_CMD_CREATE: makes the superblock.
pub fn fscreate(context: Fd) -> Result<(), Errno> {
    // SAFETY: key and value are null, as the command wants.
    unsafe { syscall(nr::fsconfig, [context.arg(), abi::FSCONFIG_CMD_CREATE, 0, 0, 0, 0]) }.map(drop)
}

/// fsmount(2): a detached mount of it with `attributes` (`MOUNT_ATTR_*`).
pub fn fsmount(context: Fd, attributes: u64) -> Result<Fd, Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(nr::fsmount, [context.arg(), abi::FSMOUNT_CLOEXEC, attributes as usize, 0, 0, 0]) }.map(fd)
}

/// mount(2) that only changes the propagation of `path`, one of our own words.
pub fn set_propagation(path: &CStr, flags: u64) -> Result<(), Errno> {
    // SAFETY: path is NUL-terminated; the other strings are unused for a propagation change.
    unsafe { syscall(nr::mount, [0, text(path), 0, flags as usize, 0, 0]) }.map(drop)
}

/// pivot_root(2) with both arguments the working directory: the old root ends up stacked on the new one.
pub fn pivot_to_cwd() -> Result<(), Errno> {
    // SAFETY: both paths are NUL-terminated.
    unsafe { syscall(nr::pivot_root, [text(c"."), text(c"."), 0, 0, 0, 0]) }.map(drop)
}

/// umount2(2) MNT_DETACH of `path`, one of our own words.
pub fn detach(path: &CStr) -> Result<(), Errno> {
    // SAFETY: path is NUL-terminated.
    unsafe { syscall(nr::umount2, [text(path), abi::MNT_DETACH, 0, 0, 0, 0]) }.map(drop)
}

/// chroot(2) into the working directory.
pub fn chroot_to_cwd() -> Result<(), Errno> {
    // SAFETY: path is NUL-terminated.
    unsafe { syscall(nr::chroot, [text(c"."), 0, 0, 0, 0, 0]) }.map(drop)
}
