//! What will be done, decided beforehand and as plain values.
//!
//! [`Plan::new`] turns a checked [`Spec`](oci_spec::runtime::Spec) and the facts about this [`Host`] into a [`Plan`]. It is
//! pure: no system call, no file, no clock; the same input gives the same plan, so every bundle has a golden one. Every
//! string is already a `CString`, every option already kernel flags, the capabilities five numbers, the seccomp filter
//! BPF. `launch` arms a plan (opens what it names) and the child carries it out; errors on the way are coordinates in
//! it (see `launch::fault`), so nothing here is dropped or reordered: `mounts[3]` of the plan is `mounts[3]` of config.json.
//!
//! May enter: `bundle`, `seccomp`, `sys`. Nothing here does anything.

use std::ffi::CString;

use crate::error::Problem;

pub mod caps;
pub mod cgroup;
mod devices;
mod hooks;
mod host;
mod idmap;
mod label;
pub mod list;
mod make;
mod mounts;
mod namespaces;
mod net_devices;
pub mod numa;
pub mod options;
mod owner;
mod parts;
mod process;
mod processors;
mod rdt;
mod rootfs;
mod scheduling;
mod show;
mod sysctl;
mod time;

pub use crate::bundle::check::net_device_place;
pub use cgroup::Cgroup;
pub use host::{Host, in_initial_user_namespace};
pub use parts::{
    Affinity, Attributes, Capabilities, DEFAULT_HOOK_TIMEOUT, Device, DeviceKind, Hook, Hooks, IdMap, IdRange, Join,
    Link, Listener, MemoryPolicy, Mount, MountIdMap, Namespaces, NetDevice, Parameter, Process, Rdt, Rlimit, Rootfs,
    Source, Sysctl,
};
pub use processors::Processors;
pub use scheduling::Scheduler;
pub use show::{human, json};

/// A container, ready to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Namespaces to make and to join.
    pub namespaces: Namespaces,
    /// The id mappings of a new user namespace; `None` without one.
    pub idmap: Option<IdMap>,
    /// The root file system.
    pub rootfs: Rootfs,
    /// The mounts in the order of config.json: `mounts[i]` here is `mounts[i]` there.
    pub mounts: Vec<Mount>,
    /// Device nodes: the spec's default ones first, then `linux.devices`. None at all if /dev is a bind mount.
    pub devices: Vec<Device>,
    /// Symbolic links below /dev: `/dev/stdin` and its like. None if /dev is a bind mount.
    pub links: Vec<Link>,
    /// Absolute paths inside the rootfs to cover (`linux.maskedPaths`).
    pub masked: Vec<CString>,
    /// Absolute paths inside the rootfs to make read-only (`linux.readonlyPaths`).
    pub readonly: Vec<CString>,
    /// Host name of the container's UTS namespace, new or joined.
    pub hostname: Option<CString>,
    /// NIS domain name of the container's UTS namespace, new or joined.
    pub domainname: Option<CString>,
    /// Kernel parameters, in the order of their names.
    pub sysctls: Vec<Sysctl>,
    /// `linux.personality`, as personality(2) takes it; also of processes that join.
    pub personality: Option<u32>,
    /// The user's program.
    pub process: Process,
    /// Where the container lives in the cgroup hierarchy, its limits and its devices.
    pub cgroup: Cgroup,
    /// `linux.netDevices`, in the order of their names on the host.
    pub net_devices: Vec<NetDevice>,
    /// `linux.mountLabel`: the SELinux label of new file systems. Those of `mounts` have it among their parameters.
    pub mount_label: Option<CString>,
    /// `linux.memoryPolicy`: of all processes of the container.
    pub memory_policy: Option<MemoryPolicy>,
    /// `linux.intelRdt`.
    pub rdt: Option<Rdt>,
    /// The six kinds of hooks.
    pub hooks: Hooks,
    /// The compiled filter of `linux.seccomp`.
    pub seccomp: Option<crate::seccomp::Filter>,
    /// Who gets the filter's listener; there if and only if the filter notifies.
    pub listener: Option<Listener>,
    /// What a careful colleague would mention, for the log; `onggi plan` shows it.
    pub warnings: Vec<Problem>,
}
