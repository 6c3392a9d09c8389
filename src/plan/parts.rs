//! What a plan is made of: the types behind [`Plan`](super::Plan)'s fields. Plain values, nothing that acts.

use std::ffi::CString;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Processors, Scheduler};

/// Namespaces: made anew or joined by path (spec: config-linux, Namespaces).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Namespaces {
    /// `CLONE_NEW*` flags of the namespaces to make.
    pub new: u64,
    /// Namespaces to join, in the order in which they must be joined (the user namespace first).
    pub join: Vec<Join>,
    /// `linux.timeOffsets`, as `/proc/PID/timens_offsets` takes it: a line a clock, `boottime -3600 0`.
    pub time_offsets: Option<CString>,
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

/// Id mappings: of a new user namespace, or of a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdMap {
    /// `uidMappings`.
    pub uids: Vec<IdRange>,
    /// `gidMappings`.
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
    /// `idmap`, `ridmap`: whose files show other owners here than they have.
    pub idmap: Option<MountIdMap>,
}

/// An id-mapped mount (`mount_setattr(2)`, `MOUNT_ATTR_IDMAP`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountIdMap {
    /// Its mappings: its own, or those of the container's new user namespace. `None`: those of the user namespace that is
    /// joined, which only the kernel knows.
    pub map: Option<IdMap>,
    /// `ridmap`: what is mounted below it, too.
    pub recursive: bool,
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
    /// namespace, otherwise a bind of what the host has at /sys/fs/cgroup.
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
    /// The AppArmor profile that it is executed under; `None` leaves that to the host's policy.
    pub apparmor: Option<CString>,
    /// The SELinux label that it is executed with, and that its session keyring has.
    pub selinux: Option<CString>,
    /// `process.scheduler`; `None` leaves what the runtime has.
    pub scheduler: Option<Scheduler>,
    /// `process.ioPriority`, as `ioprio_set(2)` takes it; `None` leaves what the runtime has.
    pub io_priority: Option<u32>,
    /// `process.execCPUAffinity`: of processes that join.
    pub exec_affinity: Affinity,
}

/// The processors of a process that joins a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affinity {
    /// Of the runtime, before it makes the process; `None` leaves its own.
    pub initial: Option<Processors>,
    /// Of the process, in the container's cgroup. Without it: the initial ones; without those all that the cgroup allows.
    pub last: Option<Processors>,
}

/// What is asked of resctrl, for caches and memory bandwidth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rdt {
    /// The group, `/` for the one that everything is in; `None` for one of the container's own.
    pub clos: Option<String>,
    /// Lines for its `schemata`, in the order in which they are written.
    pub schemata: Vec<String>,
    /// Whether the container has a monitoring group of its own.
    pub monitoring: bool,
}

/// A network device of the host that becomes the container's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetDevice {
    /// Its name on the host.
    pub host: String,
    /// Its name in the container; one that ends in `%d` gets a number from the kernel.
    pub inside: String,
}

/// A NUMA memory policy (set_mempolicy(2)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryPolicy {
    /// `MPOL_*` with its `MPOL_F_*`.
    pub mode: u32,
    /// Bit n of all words together is node n; empty for none.
    pub nodes: Vec<u64>,
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

/// The agent that answers for system calls with the action SCMP_ACT_NOTIFY.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Absolute path of the socket on which it listens, on the host.
    pub path: PathBuf,
    /// What it is told besides, as config.json has it.
    pub metadata: Option<String>,
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
