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

mod container;
mod message;
mod process;
mod step;
mod value;

pub use container::{Container, Device, Link, Mount, Parameter, Sysctl};
pub use message::{Event, Message};
pub use process::{Label, Process, Rlimit};
pub use step::Step;
pub use value::{Flag, List, Text};

use crate::sys::Fd;
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
