//! What a process becomes, the first one of a container or one that joins.

use super::{Flag, Hook, HookState, List, Text};
use crate::sys::Fd;
use crate::sys::process::SchedulingAttributes;

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
