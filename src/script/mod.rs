//! What the child is told: the plan once more, flat and with everything open.
//!
//! The child is a program of its own (see `child`), so the parent can't hand it Rust values. It lays a [`Script`] out
//! in one piece of memory instead, in which every address is already the one that it will have in the child: the child
//! maps the piece at [`ADDRESS`] and reads. Nothing is parsed, copied or allocated there.
//!
//! A script says *what*, with descriptors where the plan has paths; the child's lists (`child::init`, `child::join`)
//! say *in which order*. What goes wrong comes back as a [`Message`].
//!
//! Like `sys` this room is compiled into the library and into the child, and knows `core` only. May enter: `sys`.

mod message;
mod step;
mod value;

pub use message::{Event, Message};
pub use step::Step;
pub use value::{Flag, List, Text};

use crate::sys::Fd;
use crate::sys::process::SchedulingAttributes;
use core::cell::Cell;
use core::ffi::CStr;

/// Where the child maps its script: below all that the kernel places by itself, in the reach of every 64-bit
/// architecture's smallest address space.
pub const ADDRESS: usize = 0x10_0000_0000;

/// The variable in which socket activation names its process: the child writes its number over the zeros.
pub const LISTEN_PID: &CStr = c"LISTEN_PID=0000000000";

/// The whole of it. It lies at [`ADDRESS`].
#[repr(C)]
pub struct Script {
    /// Length of the piece of memory, in bytes.
    pub length: usize,
    /// The last step that was done, and its index. The parent looks here if the child ends without a word.
    pub done: Cell<[u32; 2]>,
    /// The way back to the parent: `SOCK_SEQPACKET`, [`Message`]s one way, single bytes the other.
    pub wire: Fd,
    /// [`Flag::YES`]: make a container; otherwise run one more process in one.
    pub create: Flag,
    /// Descriptors 3 to 3 + n that the user's program gets.
    pub preserve: u32,
    /// Namespaces to join.
    pub joins: List<Join>,
    /// Whether a second clone is needed after that: for namespaces that a process must be born into.
    pub reborn: Flag,
    /// The pid namespace that a new container is born into at the end only, when all is made; at most one.
    pub born_last: List<Join>,
    /// `CLONE_NEW*` of that clone.
    pub clone: u64,
    /// Whether the parent writes id mappings, to be waited for.
    pub await_maps: Flag,
    /// Whether there is a user namespace, to be set up as its own root.
    pub become_root: Flag,
    /// The container to make.
    pub container: Container,
    /// The process to become.
    pub process: Process,
    /// A fault to fake, for tests.
    pub fault: Injection,
}

/// A namespace to join.
#[repr(C)]
pub struct Join {
    /// Its file; or a pidfd, for all of `kinds` that the process has.
    pub file: Fd,
    /// Index in the plan's joins.
    pub index: u32,
    /// `CLONE_NEW*`.
    pub kinds: u64,
}

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

/// A hook that runs in the container's namespaces.
#[repr(C)]
pub struct Hook {
    /// Its program.
    pub path: Text,
    /// Address of the argument vector.
    pub argv: usize,
    /// Address of the environment vector.
    pub envp: usize,
    /// Seconds.
    pub timeout: u32,
}

/// The state that a hook gets on stdin; the process id, as the container sees it, stands between the two.
#[repr(C)]
pub struct HookState {
    /// `{..."pid":`
    pub before: Text,
    /// `,...}`
    pub after: Text,
}

/// The user's program.
#[repr(C)]
pub struct Process {
    /// Address of the argument vector.
    pub argv: usize,
    /// Its first entry.
    pub program: Text,
    /// Address of the environment vector. Its first entry is spare.
    pub envp: usize,
    /// Whether the environment lacks HOME: the spare entry becomes it.
    pub find_home: Flag,
    /// Whether the environment has [`LISTEN_PID`].
    pub listens: Flag,
    /// Value of PATH in the environment, or none.
    pub path: Text,
    /// Working directory.
    pub cwd: Text,
    /// Whether it is made if it is missing.
    pub make_cwd: Flag,
    /// Whether it leaves the session keyring of its caller, and the keys in it.
    pub new_keyring: Flag,
    /// Whether it keeps the processors of its caller.
    pub keep_processors: Flag,
    /// Its processors, as `sched_setaffinity(2)` takes them; none for all.
    pub processors: List<u64>,
    /// Whether it has an execution domain of its own, and which.
    pub set_personality: Flag,
    /// See `set_personality`.
    pub personality: u32,
    /// Its scheduling policy if it is to set it itself; otherwise empty.
    pub scheduler: List<SchedulingAttributes>,
    /// Its I/O priority if it is to set it itself; otherwise 0.
    pub io_priority: u32,
    /// Whether one who joins waits for a last word: the parent sets its scheduling, or the agent is told of it.
    pub await_last: Flag,
    /// The label of new keyrings; at most one.
    pub key_label: List<Label>,
    /// The labels that the program will have.
    pub labels: List<Label>,
    /// The `tasks` files of its resctrl groups, in the order in which they are entered.
    pub resctrl: List<Fd>,
    /// Whether there is a NUMA memory policy.
    pub memory_policy: Flag,
    /// `MPOL_*`, with its flags.
    pub memory_mode: u32,
    /// Its nodes, a bit each.
    pub memory_nodes: List<u64>,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: List<u32>,
    /// File mode creation mask.
    pub umask: u32,
    /// Socket that gets the terminal's controlling side; none without a terminal.
    pub console: Fd,
    /// Rows; 0 leaves the size.
    pub rows: u16,
    /// Columns.
    pub columns: u16,
    /// Limits.
    pub rlimits: List<Rlimit>,
    /// Whether a limit on locked memory may stay as it is if it can't be set (rootless).
    pub lenient_memlock: Flag,
    /// Highest capability of this kernel.
    pub last_capability: u32,
    /// The five sets.
    pub bounding: u64,
    /// See `bounding`.
    pub effective: u64,
    /// See `bounding`.
    pub permitted: u64,
    /// See `bounding`.
    pub inheritable: u64,
    /// See `bounding`.
    pub ambient: u64,
    /// `PR_SET_NO_NEW_PRIVS`.
    pub no_new_privileges: Flag,
    /// The filter: 8 bytes an instruction; empty for none.
    pub seccomp: List<u64>,
    /// Its flags.
    pub seccomp_flags: u32,
    /// Whether it is loaded before a new container waits for its start, rather than after; or, of who joins, before it is
    /// born into the pid namespace.
    pub filter_first: Flag,
    /// Whether it has a listener, which goes over the wire.
    pub notifies: Flag,
    /// Listening socket that `start` connects to; none: the word comes over the wire.
    pub start: Fd,
    /// startContainer hooks.
    pub hooks: List<Hook>,
    /// What they are told.
    pub hook_state: HookState,
}

/// A label of a security module (AppArmor, SELinux), in both forms that the kernel takes.
#[repr(C)]
pub struct Label {
    /// Index of the step.
    pub index: u32,
    /// `LSM_ATTR_*`, for lsm_set_self_attr(2).
    pub attribute: u32,
    /// A `struct lsm_ctx`, for the same.
    pub context: List<u64>,
    /// For older kernels: the file below the process's directory in procfs, `attr/apparmor/exec`.
    pub file: Text,
    /// What is written to it.
    pub value: Text,
}

/// A resource limit.
#[repr(C)]
pub struct Rlimit {
    /// `RLIMIT_*`.
    pub resource: u32,
    /// Unused.
    pub padding: u32,
    /// Soft limit.
    pub soft: u64,
    /// Hard limit.
    pub hard: u64,
}

/// A fault to fake: the step at these coordinates ends with `errno`. Only builds with the feature `fault` look at it.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Injection {
    /// [`Step`] as a number; 0 for none.
    pub step: u32,
    /// Index of the step.
    pub index: u32,
    /// The error.
    pub errno: i32,
}
