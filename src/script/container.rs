//! What is made around a new container's process.

use core::cell::Cell;

use super::{Flag, Hook, HookState, List, Text};
use crate::sys::Fd;

/// What is made around the process.
#[repr(C)]
pub struct Container {
    /// The host's /proc, verified by the parent.
    pub proc: Fd,
    /// Whether a time namespace is made.
    pub new_time: Flag,
    /// Its clocks, a line each, or none.
    pub time_offsets: Text,
    /// Whether the namespace has a loopback to bring up.
    pub loopback: Flag,
    /// Host name, or none.
    pub hostname: Text,
    /// NIS domain name, or none.
    pub domainname: Text,
    /// Whether to wait until the hooks of the parent have run.
    pub await_hooks: Flag,
    /// Whether there is a mount namespace of our own: without, nothing is mounted.
    pub mounted: Flag,
    /// Kernel parameters.
    pub sysctls: List<Sysctl>,
    /// Propagation of all that the new namespace took over, before the first mount.
    pub inherited_propagation: u64,
    /// A detached copy of the rootfs; where there is no mount namespace, the directory itself.
    pub rootfs: Cell<Fd>,
    /// Where the rootfs lies, for a child that opens it itself.
    pub rootfs_path: Text,
    /// Propagation of the rootfs, or 0.
    pub rootfs_propagation: u64,
    /// Whether what is mounted on some mounts of the container shows on the host.
    pub shared: Flag,
    /// Whether the rootfs is made read-only, at the end.
    pub rootfs_readonly: Flag,
    /// `--no-pivot`: chroot instead.
    pub no_pivot: Flag,
    /// The mounts, in order.
    pub mounts: List<Mount>,
    /// Device nodes.
    pub devices: List<Device>,
    /// Links below /dev.
    pub links: List<Link>,
    /// The label of new file systems (`linux.mountLabel`), or none; mounts have it among their parameters.
    pub mount_label: Text,
    /// A detached copy of the host's null device, to cover files with.
    pub null: Cell<Fd>,
    /// Paths to cover.
    pub masked: List<Text>,
    /// Paths to make read-only.
    pub readonly: List<Text>,
    /// createContainer hooks; with any of them the pivot comes after the mounts.
    pub hooks: List<Hook>,
    /// What they are told.
    pub hook_state: HookState,
}

/// One mount.
#[repr(C)]
pub struct Mount {
    /// Where, inside the rootfs.
    pub target: Text,
    /// For a bind: a detached copy of the source.
    pub tree: Cell<Fd>,
    /// For a bind that the child opens itself: its source.
    pub path: Text,
    /// Whether that is copied with all below it.
    pub whole: Flag,
    /// For a new file system: its kind; none for a bind.
    pub kind: Text,
    /// Its source, as mountinfo shows it, or none.
    pub source: Text,
    /// What it is told.
    pub parameters: List<Parameter>,
    /// For a procfs: the pid namespace that it shows, or none for that of who makes it.
    pub pid_namespace: Fd,
    /// Whether it takes over the mode of the directory that it covers (tmpfs without a mode).
    pub keep_mode: Flag,
    /// Whether it begins with a copy of what it covers (tmpfs).
    pub copy_up: Flag,
    /// Whether no component of the target may be a symlink (/proc, /sys).
    pub plain_target: Flag,
    /// Whether it is made before the host's tree goes: the kernel gives a user namespace a proc or sysfs only where it
    /// sees one already (mount_too_revealing).
    pub early: Flag,
    /// Whether the kernel may forbid a new instance here, so that a bind of `path` stands in (cgroup2).
    pub bind_instead: Flag,
    /// Whether it becomes read-only only at the end: something is still to be made in it.
    pub readonly_last: Flag,
    /// `MOUNT_ATTR_*` to set and to clear on it.
    pub set: u64,
    /// See `set`.
    pub clear: u64,
    /// The same for the whole tree.
    pub set_below: u64,
    /// See `set_below`.
    pub clear_below: u64,
    /// Propagation changes, in order; the first keeps the host out or lets it in.
    pub propagation: List<u64>,
}

/// A parameter of a file system; a flag if it has no value.
#[repr(C)]
pub struct Parameter {
    /// Its name.
    pub key: Text,
    /// Its value, or none.
    pub value: Text,
}

/// A device node.
#[repr(C)]
pub struct Device {
    /// Directory inside the rootfs.
    pub parent: Text,
    /// Name in it.
    pub name: Text,
    /// A detached copy of the host's node, where nodes can't be made; otherwise none.
    pub tree: Cell<Fd>,
    /// For a child that opens the host's node itself: its path.
    pub path: Text,
    /// Type and permission bits.
    pub mode: u32,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// A symbolic link.
#[repr(C)]
pub struct Link {
    /// Directory inside the rootfs.
    pub parent: Text,
    /// Name in it.
    pub name: Text,
    /// What it points at.
    pub target: Text,
}

/// A kernel parameter.
#[repr(C)]
pub struct Sysctl {
    /// `sys/net/ipv4/ip_forward`: below /proc.
    pub file: Text,
    /// What is written.
    pub value: Text,
}
