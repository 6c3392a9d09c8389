//! The root file system: attached, entered, finished.

use super::{At, Outcome};
use crate::script::{Container, Step};
use crate::sys::{Fd, abi, file, mount};

/// Attaches the copy of the rootfs on the root of the host's tree: a place that is always there and needs no look-up.
/// Returns the directory below which everything else is looked up.
pub fn attach(container: &Container) -> Outcome<Fd> {
    let root = container.rootfs.get();
    mount::set_attributes(root, 0, 0, container.inherited_propagation & !abi::MS_REC, true)
        .at(Step::RootfsPropagation)?;
    mount::attach_at(root, c"/").at(Step::RootfsAttach)?;
    file::fchdir(root).at(Step::RootfsAttach)?;
    Ok(root)
}

/// Makes the rootfs the root, and lets go of the host's tree.
pub fn pivot(container: &Container) -> Outcome {
    if container.no_pivot.is() {
        // The rootfs is on top of the host's root since it was attached; the host's tree stays below, out of reach.
        // Not so its proc and sysfs: a user namespace may mount any that its mount namespace has unmasked somewhere.
        // More than one may lie there. An error means that none does any more, or that a user namespace of ours locks it.
        for host in [c"/proc", c"/sys"] {
            while mount::detach(host).is_ok() {}
        }
        mount::chroot_to_cwd().at(Step::Pivot)?;
    } else {
        // Both arguments are the new root: the old one is then stacked on top of it, and the first to be unmounted.
        mount::pivot_to_cwd().at(Step::Pivot)?;
        mount::detach(c".").at(Step::Unmount)?;
    }
    file::chdir(c"/").at(Step::Pivot)
}

/// In the runtime's own mount namespace: the rootfs becomes the root of this process, and nothing else changes. A mount
/// namespace that is joined has its own root.
pub fn enter(container: &Container) -> Outcome {
    let Some(root) = container.rootfs.get().some() else { return Ok(()) };
    file::fchdir(root).at(Step::Pivot)?;
    mount::chroot_to_cwd().at(Step::Pivot)
}

/// What is done to the rootfs last: its own propagation, and whether it can be written to.
pub fn finish(root: Fd, container: &Container) -> Outcome {
    if container.rootfs_readonly.is() {
        mount::set_attributes(root, abi::MOUNT_ATTR_RDONLY, 0, 0, false).at(Step::RootfsReadonly)?;
    }
    if container.rootfs_propagation != 0 {
        mount::set_propagation(c"/", container.rootfs_propagation).at(Step::RootfsPropagation)?;
    }
    Ok(())
}
