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
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Problem;

pub mod caps;
pub mod cgroup;
mod devices;
mod hooks;
mod host;
mod idmap;
mod make;
mod mounts;
mod namespaces;
pub mod options;
mod owner;
mod process;
mod rootfs;
mod show;
mod sysctl;

pub use cgroup::Cgroup;
pub use host::Host;
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
    /// The user's program.
    pub process: Process,
    /// Where the container lives in the cgroup hierarchy, its limits and its devices.
    pub cgroup: Cgroup,
    /// The six kinds of hooks.
    pub hooks: Hooks,
    /// The compiled filter of `linux.seccomp`.
    pub seccomp: Option<crate::seccomp::Filter>,
    /// What a careful colleague would mention, for the log; `onggi plan` shows it.
    pub warnings: Vec<Problem>,
}

/// Namespaces: made anew or joined by path (spec: config-linux, Namespaces).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Namespaces {
    /// `CLONE_NEW*` flags of the namespaces to make.
    pub new: u64,
    /// Namespaces to join, in the order in which they must be joined (the user namespace first).
    pub join: Vec<Join>,
}

/// A namespace to join.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// Index in `linux.namespaces`.
    pub index: usize,
    /// One `CLONE_NEW*` flag.
    pub kind: u64,
    /// Its file, for instance `/proc/123/ns/net`.
    pub path: CString,
}

/// Id mappings of a new user namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct IdMap {
    /// `linux.uidMappings`.
    pub uids: Vec<IdRange>,
    /// `linux.gidMappings`.
    pub gids: Vec<IdRange>,
}

/// One range of an id mapping, as a line of `uid_map(5)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    /// First id inside.
    pub container: u32,
    /// First id outside.
    pub host: u32,
    /// How many, at least 1.
    pub size: u32,
}

/// The root file system.
#[derive(Clone, Debug, PartialEq)]
pub struct Rootfs {
    /// Absolute path on the host (a relative `root.path` is below the bundle).
    pub path: PathBuf,
    /// `root.readonly`.
    pub readonly: bool,
    /// `MS_SHARED`, `MS_SLAVE`, `MS_PRIVATE` or `MS_UNBINDABLE`, with `MS_REC` for the r-forms: what
    /// `linux.rootfsPropagation` asks for; without it `MS_SLAVE | MS_REC`.
    pub propagation: u64,
}

/// One entry of `mounts`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mount {
    /// Where, as an absolute path inside the rootfs.
    pub target: CString,
    /// What.
    pub source: Source,
    /// Attributes of this one mount.
    pub attributes: Attributes,
    /// Attributes of the whole tree below it (the r-options: `rro`, `rnosuid` ...).
    pub recursive: Attributes,
    /// Propagation changes in the order given: `MS_SHARED`, `MS_SLAVE`, `MS_PRIVATE`, `MS_UNBINDABLE`, each possibly with `MS_REC`.
    pub propagation: Vec<u64>,
    /// A new file system that is to be read-only (`attributes` says so) but is filled first: with mount points of later mounts,
    /// or with devices. So `MOUNT_ATTR_RDONLY` is set when everything is in place, not when it is mounted.
    pub readonly_last: bool,
    /// `tmpcopyup`: a new tmpfs that begins with a copy of the directory that it covers.
    pub copy_up: bool,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A file or directory of the host, with what is mounted below it if `recursive`.
    Bind {
        /// Absolute path on the host (a relative source is below the bundle).
        path: CString,
        /// `rbind` rather than `bind`.
        recursive: bool,
    },
    /// A new instance of a file system, by `fsopen`.
    Filesystem {
        /// `tmpfs`, `proc`, `devpts` ...
        kind: CString,
        /// The `source` as mountinfo shows it; for a block file system the device.
        source: CString,
        /// What is handed to the file system with `fsconfig`, in the order given.
        parameters: Vec<Parameter>,
    },
    /// What lies at the target already: only its attributes change (options `bind` and `remount`).
    Remount,
    /// The container's cgroup (types `cgroup` and `cgroup2`): a new cgroup2 mount in a container with a cgroup
    /// namespace, otherwise a bind of the container's own cgroup directory.
    Cgroup,
}

/// A parameter of `fsconfig(2)`.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// `FSCONFIG_SET_FLAG`: `ro`, `sync`, or a word of the file system's own.
    Flag(CString),
    /// `FSCONFIG_SET_STRING`: `size=64k`.
    Text(CString, CString),
}

/// Mount attributes as `mount_setattr(2)` takes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `MOUNT_ATTR_*` to set.
    pub set: u64,
    /// `MOUNT_ATTR_*` to clear (for the access time group: its whole mask).
    pub clear: u64,
}

/// A device node.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Index in `linux.devices`; `None` for a default device.
    pub index: Option<usize>,
    /// Absolute path inside the rootfs.
    pub path: CString,
    /// How it comes there.
    pub how: DeviceKind,
    /// `S_IFCHR`, `S_IFBLK` or `S_IFIFO` with the permission bits.
    pub mode: u32,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Owner, as an id inside the container.
    pub uid: u32,
    /// Group, as an id inside the container.
    pub gid: u32,
}

/// How a device node comes into the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// By mknod(2), which only root of the initial user namespace can.
    Make,
    /// The host's node of the same path is bound there, if it is the same device.
    BindFromHost,
}

/// A symbolic link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Absolute path inside the rootfs.
    pub path: CString,
    /// What it points at.
    pub target: CString,
}

/// A kernel parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Sysctl {
    /// As in config.json: `net.ipv4.ip_forward`.
    pub name: String,
    /// Below /proc/sys, without a leading slash: `net/ipv4/ip_forward`.
    pub file: CString,
    /// What is written.
    pub value: CString,
}

/// The user's program and what it is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// At least one.
    pub args: Vec<CString>,
    /// `NAME=value`.
    pub env: Vec<CString>,
    /// Absolute path inside the rootfs.
    pub cwd: CString,
    /// User id inside the container.
    pub uid: u32,
    /// Group id inside the container.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// File mode creation mask; `None` leaves 0022, as other runtimes do.
    pub umask: Option<u32>,
    /// Whether it gets a pseudo terminal.
    pub terminal: bool,
    /// Rows and columns of the terminal.
    pub console_size: Option<(u16, u16)>,
    /// The five capability sets.
    pub capabilities: Capabilities,
    /// `PR_SET_NO_NEW_PRIVS`.
    pub no_new_privileges: bool,
    /// Resource limits, in the order given.
    pub rlimits: Vec<Rlimit>,
    /// Written to `oom_score_adj`; `None` leaves it as it is.
    pub oom_score_adj: Option<i32>,
}

/// The five capability sets, bit `n` being capability number `n` (capabilities(7)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// What may ever be gained.
    pub bounding: u64,
    /// What is in force.
    pub effective: u64,
    /// What may be in force.
    pub permitted: u64,
    /// What survives execve of a file with inheritable capabilities.
    pub inheritable: u64,
    /// What survives execve of an ordinary file.
    pub ambient: u64,
}

/// A resource limit (getrlimit(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rlimit {
    /// `RLIMIT_*`.
    pub resource: u32,
    /// Soft limit; `u64::MAX` is infinity.
    pub soft: u64,
    /// Hard limit; `u64::MAX` is infinity.
    pub hard: u64,
}

/// The hooks of each kind, in the order given (spec: config, POSIX-platform Hooks).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hooks {
    /// Deprecated, still what Docker's networks use: in the runtime's namespaces, before the pivot.
    pub prestart: Vec<Hook>,
    /// In the runtime's namespaces, before the pivot.
    pub create_runtime: Vec<Hook>,
    /// In the container's namespaces, before the pivot.
    pub create_container: Vec<Hook>,
    /// In the container's namespaces, at start, before the user's program.
    pub start_container: Vec<Hook>,
    /// In the runtime's namespaces, after the user's program began.
    pub poststart: Vec<Hook>,
    /// In the runtime's namespaces, after the container was deleted.
    pub poststop: Vec<Hook>,
}

/// One hook.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    /// Absolute path of the program.
    pub path: CString,
    /// Its arguments, the name first; the path when none are given.
    pub args: Vec<CString>,
    /// Its environment: exactly this.
    pub env: Vec<CString>,
    /// When its process group is killed; `None` means the default of [`DEFAULT_HOOK_TIMEOUT`].
    pub timeout: Option<Duration>,
}

/// A hook that says nothing of time has this long: long enough for a slow network plugin, and an end.
pub const DEFAULT_HOOK_TIMEOUT: Duration = Duration::from_mins(5);
