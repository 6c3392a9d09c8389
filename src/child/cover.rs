//! Paths that the container must not see, and paths that it must not change.

use super::{At, Outcome, place};
use crate::script::{Container, Step, Text};
use crate::sys::{Errno, Fd, abi, file, mount};

/// Covers `linux.maskedPaths`: files with the host's null device (opened and verified by us, never the container's),
/// directories with one empty read-only tmpfs that all of them share. What is not there needs no cover.
pub fn masked(root: Fd, container: &Container) -> Outcome {
    let null = Cover { tree: container.null.get(), used: false };
    let (mut file_cover, mut directory_cover) = (Some(null), None);
    for (index, path) in container.masked.numbered() {
        let Some(target) = existing(root, path.get(), container.shared.is()).nth(Step::Masked, index)? else {
            continue;
        };
        let directory = file::stat(target).nth(Step::Masked, index)?.is(abi::S_IFDIR);
        let cover = if directory { &mut directory_cover } else { &mut file_cover };
        let cover = match cover {
            Some(cover) => cover,
            None => cover
                .insert(Cover { tree: empty_directory(container.mount_label).nth(Step::Masked, index)?, used: false }),
        };
        cover.put_on(target).nth(Step::Masked, index)?;
        file::close(target);
    }
    Ok(())
}

/// Makes `linux.readonlyPaths` read-only, with all that is mounted below them.
pub fn readonly(root: Fd, container: &Container) -> Outcome {
    for (index, path) in container.readonly.numbered() {
        let Some(target) = existing(root, path.get(), container.shared.is()).nth(Step::Readonly, index)? else {
            continue;
        };
        let tree = mount::clone_tree(target, c"", true).nth(Step::Readonly, index)?;
        mount::set_attributes(tree, abi::MOUNT_ATTR_RDONLY, 0, 0, true).nth(Step::Readonly, index)?;
        mount::attach(tree, target).nth(Step::Readonly, index)?;
        file::close(tree);
        file::close(target);
    }
    Ok(())
}

/// A mount that covers one place; copies of it cover others.
struct Cover {
    tree: Fd,
    used: bool,
}

impl Cover {
    /// The first place gets the mount itself: one that is closed unattached costs the kernel a grace period.
    fn put_on(&mut self, target: Fd) -> Result<(), Errno> {
        if !self.used {
            self.used = true;
            return mount::attach(self.tree, target);
        }
        let copy = mount::clone_tree(self.tree, c"", false)?;
        let done = mount::attach(copy, target);
        file::close(copy);
        done
    }
}

fn empty_directory(label: Text) -> Result<Fd, Errno> {
    let context = mount::fsopen(c"tmpfs")?;
    if let Some(label) = label.some() {
        mount::fsconfig(context, c"context", Some(label))?;
    }
    mount::fsconfig(context, c"ro", None)?;
    mount::fsconfig(context, c"size", Some(c"4k"))?;
    mount::fscreate(context)?;
    let attributes = abi::MOUNT_ATTR_RDONLY | abi::MOUNT_ATTR_NOSUID | abi::MOUNT_ATTR_NODEV | abi::MOUNT_ATTR_NOEXEC;
    let tree = mount::fsmount(context, attributes)?;
    file::close(context);
    Ok(tree)
}

/// The place `path`, or nothing if there is none. Every other error counts: what can't be looked at can't be covered.
fn existing(root: Fd, path: &core::ffi::CStr, shared: bool) -> Result<Option<Fd>, Errno> {
    match place::find(root, path) {
        Err(Errno(abi::ENOENT | abi::ENOTDIR)) => Ok(None),
        Ok(found) if shared => place::unshared(root, path, found).map(Some),
        found => found.map(Some),
    }
}
