//! onggi, an OCI container runtime for Linux.
//!
//! The rooms stand in the order of a container's life. Which of them may know which, `tests/house` holds.

// 1. An engine or a person gives a command: `create`, `exec`, `stop`.
pub mod cli;

// 2. The verb behind the command. It leads through all that follows, and reads like prose.
pub mod lifecycle;

// 3. config.json is read and checked: all that is wrong with it is said at once, before anything is done.
pub mod bundle;

// 4. Everything is decided, and still nothing done: the plan is plain values, limits and filter among them.
pub mod plan;
pub mod seccomp;

// 5. The id is taken, and what is intended written down: what a crash must not lose.
pub mod state;

// 6. The cgroup is made, with its limits.
pub mod cgroup;

// 7. The plan is armed: what it names is opened, and laid out as a script for the child. Then one clone.
pub mod launch;
#[cfg_attr(not(freestanding), allow(dead_code, reason = "the child's half"))]
mod script;

// 8. The child walks the script, step by step, and becomes the user's program.
#[cfg_attr(not(freestanding), allow(dead_code, reason = "it is a program of its own; see child/main.rs"))]
mod child;

// What all of them stand on: one form of error, and the kernel.
pub mod error;
pub mod sys;
