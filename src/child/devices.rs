//! /dev: its nodes and its links.

use core::ffi::CStr;

use super::place::{self, Kind};
use super::{At, Fault, Outcome};
use crate::script::{Container, Device, Step};
use crate::sys::{Errno, Fd, abi, file, mount};

/// Makes the nodes and links.
pub fn fill(root: Fd, container: &Container) -> Outcome {
    for (index, device) in container.devices.numbered() {
        let parent = place::find_or_make(root, device.parent.get(), Kind::Directory).nth(Step::DeviceParent, index)?;
        make(parent, device, index)?;
        file::close(parent);
    }
    for (index, link) in container.links.numbered() {
        let parent = place::find_or_make(root, link.parent.get(), Kind::Directory).nth(Step::DevLink, index)?;
        match file::symlink(link.target.get(), parent, link.name.get()) {
            // The image brought its own; it leads nowhere that the container could not reach anyway.
            Err(Errno(abi::EEXIST)) => {}
            other => other.nth(Step::DevLink, index)?,
        }
        file::close(parent);
    }
    Ok(())
}

fn make(parent: Fd, device: &Device, index: u32) -> Outcome {
    let name = device.name.get();
    if let Some(tree) = device.tree.get().some() {
        return bind(parent, name, tree).nth(Step::Device, index);
    }
    match file::mknod(parent, name, device.mode, device.major, device.minor) {
        Err(Errno(abi::EEXIST)) => return same(parent, device, index),
        other => other.nth(Step::Device, index)?,
    }
    if (device.uid, device.gid) != (0, 0) {
        file::chown(parent, name, device.uid, device.gid).nth(Step::Device, index)?;
    }
    Ok(())
}

/// A node that is already there is fine if it is the very device; anything else in its place is not.
fn same(parent: Fd, device: &Device, index: u32) -> Outcome {
    let found = file::stat_name(parent, device.name.get()).nth(Step::Device, index)?;
    let wanted = (device.mode & abi::S_IFMT, device.major, device.minor);
    if (found.mode & abi::S_IFMT, found.major, found.minor) == wanted {
        Ok(())
    } else {
        Err(Fault { errno: Errno(abi::EEXIST), ..Fault::new(Step::Device, index) })
    }
}

/// The host's node, on an empty file: where nodes can't be made (in a user namespace).
fn bind(parent: Fd, name: &CStr, tree: Fd) -> Result<(), Errno> {
    match file::mknod(parent, name, abi::S_IFREG | 0o666, 0, 0) {
        Ok(()) | Err(Errno(abi::EEXIST)) => {}
        Err(errno) => return Err(errno),
    }
    let flags = abi::O_PATH | abi::O_NOFOLLOW;
    let target = file::openat2(parent, name, flags, 0, abi::RESOLVE_BENEATH | abi::RESOLVE_NO_SYMLINKS)?;
    mount::attach(tree, target)?;
    file::close(target);
    file::close(tree);
    Ok(())
}
