//! Mounts: made detached, with all their attributes, then attached to a place in the rootfs.

use core::ffi::CStr;

use super::copy_up::copy_up;
use super::place::{self, Kind};
use super::{At, Fault, Outcome};
use crate::script::{Container, Mount, Step};
use crate::sys::{Errno, Fd, abi, file, mount as sys};

/// Opens all that comes from the host and that the parent could not open for us (it may not, as an ordinary user), and
/// makes what can only be made while the host's tree is there.
pub fn open_sources(container: &Container) -> Outcome {
    if container.rootfs.get() == Fd::NONE {
        let tree = sys::clone_tree(Fd::CWD, container.rootfs_path.get(), true).at(Step::RootfsSource)?;
        container.rootfs.set(tree);
    }
    for (index, mount) in container.mounts.numbered() {
        if let (Some(kind), true, Fd::NONE) = (mount.kind.some(), mount.early.is(), mount.tree.get()) {
            let tree = match make(kind, None, index, mount) {
                // The kernel forbids a new one here: what the host shows stands in.
                Err(fault) if mount.bind_instead.is() => {
                    sys::clone_tree(Fd::CWD, mount.path.get(), true).map_err(|_| fault)?
                }
                made => made?,
            };
            mount.tree.set(tree);
        }
        if let (Some(path), Fd::NONE, false) = (mount.path.some(), mount.tree.get(), mount.bind_instead.is()) {
            mount.tree.set(sys::clone_tree(Fd::CWD, path, mount.whole.is()).nth(Step::MountSource, index)?);
        }
    }
    for (index, device) in container.devices.numbered() {
        if let (Some(path), Fd::NONE) = (device.path.some(), device.tree.get()) {
            device.tree.set(sys::clone_tree(Fd::CWD, path, false).nth(Step::DeviceSource, index)?);
        }
        if let Some(tree) = device.tree.get().some() {
            // Out of the host's peer group: what is mounted on it in the container must not show on the host's node.
            // Nobody needs to execute a device.
            let closed = abi::MOUNT_ATTR_NOSUID | abi::MOUNT_ATTR_NOEXEC;
            sys::set_attributes(tree, closed, 0, abi::MS_PRIVATE, false).nth(Step::DeviceSource, index)?;
            let found = file::stat(tree).nth(Step::DeviceSource, index)?;
            if (found.mode & abi::S_IFMT, found.major, found.minor)
                != (device.mode & abi::S_IFMT, device.major, device.minor)
            {
                return Err(Fault::new(Step::DeviceSource, index));
            }
        }
    }
    if !container.masked.get().is_empty() {
        if container.null.get() == Fd::NONE {
            container.null.set(sys::clone_tree(Fd::CWD, c"/dev/null", false).at(Step::Null)?);
        }
        sys::set_attributes(container.null.get(), 0, 0, abi::MS_PRIVATE, false).at(Step::Null)?;
        let null = file::stat(container.null.get()).at(Step::Null)?;
        if !null.is(abi::S_IFCHR) || (null.major, null.minor) != (1, 3) {
            return Err(Fault::new(Step::Null, 0));
        }
        // It is the host's own node: whoever could write to its inode from inside could change its owner and mode for everybody.
        let closed = abi::MOUNT_ATTR_RDONLY | abi::MOUNT_ATTR_NOSUID | abi::MOUNT_ATTR_NOEXEC;
        sys::set_attributes(container.null.get(), closed, 0, 0, false).at(Step::Null)?;
    }
    Ok(())
}

/// Mounts `mount`, number `index`, below `root`. If something in there is `shared` with the host, no link leads it there.
pub fn mount(root: Fd, index: u32, mount: &Mount, shared: bool) -> Outcome {
    if mount.kind.is_none() && mount.path.is_none() {
        let there = place::find(root, mount.target.get()).nth(Step::MountTarget, index)?;
        attributes(there, index, mount)?;
        file::close(there);
        return Ok(());
    }
    let tree = match mount.kind.some() {
        None => mount.tree.get(),
        Some(_) if mount.early.is() => {
            let tree = mount.tree.get();
            if let Some(mode) = covered_mode(root, mount) {
                file::chmod(tree, c".", mode).nth(Step::MountCreate, index)?;
            }
            tree
        }
        Some(kind) => make(kind, covered_mode(root, mount), index, mount)?,
    };
    let target = target(root, tree, index, mount, shared)?;
    if mount.copy_up.is() {
        copy_up(target, tree).nth(Step::MountCopyUp, index)?;
    }
    attributes(tree, index, mount)?;
    sys::attach(tree, target).nth(Step::MountAttach, index)?;
    file::close(target);
    // What is sealed at the end is this very mount, wherever its path may lead by then.
    if mount.readonly_last.is() {
        mount.tree.set(tree);
    } else {
        file::close(tree);
    }
    Ok(())
}

/// Makes read-only what had to wait until everything in it was made.
pub fn seal(container: &Container) -> Outcome {
    for (index, mount) in container.mounts.numbered() {
        if mount.readonly_last.is() {
            let sealed = mount.tree.get();
            sys::set_attributes(sealed, abi::MOUNT_ATTR_RDONLY, 0, 0, false).nth(Step::MountAttributes, index)?;
        }
    }
    Ok(())
}

/// A new instance of a file system.
fn make(kind: &CStr, mode: Option<u32>, index: u32, mount: &Mount) -> Outcome<Fd> {
    let context = sys::fsopen(kind).nth(Step::MountOpen, index)?;
    if let Some(source) = mount.source.some() {
        sys::fsconfig(context, c"source", Some(source))
            .nth(Step::MountParameter, index)
            .map_err(|it| it.extra(u32::MAX))?;
    }
    if let Some(namespace) = mount.pid_namespace.some() {
        sys::fsconfig_file(context, c"pidns", namespace)
            .nth(Step::MountParameter, index)
            .map_err(|it| it.extra(u32::MAX))?;
    }
    if let Some(mode) = mode {
        let digits = octal(mode);
        let text = CStr::from_bytes_until_nul(&digits).unwrap_or(c"755");
        sys::fsconfig(context, c"mode", Some(text))
            .nth(Step::MountParameter, index)
            .map_err(|it| it.extra(u32::MAX))?;
    }
    for (number, parameter) in mount.parameters.numbered() {
        sys::fsconfig(context, parameter.key.get(), parameter.value.some())
            .nth(Step::MountParameter, index)
            .map_err(|fault| fault.extra(number))?;
    }
    sys::fscreate(context).nth(Step::MountCreate, index)?;
    let tree = sys::fsmount(context, mount.set).nth(Step::MountCreate, index)?;
    file::close(context);
    Ok(tree)
}

/// The place to attach `tree` to, of its type: found, or made.
fn target(root: Fd, tree: Fd, index: u32, mount: &Mount, shared: bool) -> Outcome<Fd> {
    let path = mount.target.get();
    if mount.plain_target.is() {
        let mut found = place::find_plain(root, path);
        if found == Err(Errno(abi::ENOENT)) {
            file::close(place::find_or_make(root, path, Kind::Directory).nth(Step::MountTarget, index)?);
            found = place::find_plain(root, path);
        }
        return found.nth(Step::MountPlain, index);
    }
    let directory = file::stat(tree).nth(Step::MountTarget, index)?.is(abi::S_IFDIR);
    let kind = if directory { Kind::Directory } else { Kind::File };
    let mut found = place::find_or_make(root, path, kind).nth(Step::MountTarget, index)?;
    if shared {
        found = place::unshared(root, path, found).nth(Step::MountTarget, index)?;
    }
    // The plan has checked by name what may be mounted inside /proc: a link in the image must not lead anything else there.
    let named = path.to_bytes();
    let inside_proc = file::filesystem(found).nth(Step::MountTarget, index)? == abi::PROC_SUPER_MAGIC;
    if inside_proc && named != b"/proc" && !named.starts_with(b"/proc/") {
        return Err(Fault::new(Step::MountPlain, index));
    }
    Ok(found)
}

/// Attributes and propagation, while nobody can reach the mount yet.
fn attributes(tree: Fd, index: u32, mount: &Mount) -> Outcome {
    for flags in mount.propagation.get() {
        sys::set_attributes(tree, 0, 0, flags & !abi::MS_REC, flags & abi::MS_REC != 0)
            .nth(Step::MountPropagation, index)?;
    }
    if mount.set | mount.clear != 0 {
        sys::set_attributes(tree, mount.set, mount.clear, 0, false).nth(Step::MountAttributes, index)?;
    }
    // Last: what holds for the whole tree holds for the uppermost mount, too, whatever its own options say (`rw,rro`: as with
    // other runtimes).
    if mount.set_below | mount.clear_below != 0 {
        sys::set_attributes(tree, mount.set_below, mount.clear_below, 0, true).nth(Step::MountAttributes, index)?;
    }
    Ok(())
}

/// The permission bits of the directory that is about to be covered, if it is there and the mount is to have them.
fn covered_mode(root: Fd, mount: &Mount) -> Option<u32> {
    if !mount.keep_mode.is() {
        return None;
    }
    let target = place::find(root, mount.target.get()).ok()?;
    let mode = file::stat(target).ok().map(|found| found.mode & 0o7777);
    file::close(target);
    mode
}

/// Four octal digits and a NUL.
fn octal(mode: u32) -> [u8; 5] {
    let digit = |shift: u32| b'0' + (mode >> shift & 7) as u8;
    [digit(9), digit(6), digit(3), digit(0), 0]
}
