//! Carrying out a plan: the parent's side.
//!
//! ```text
//! parent                                              child
//! arm: opens what the plan names, lays out the script
//! spawn: clone ─────────────────────────────────────▶ born with its namespaces, in its cgroup
//! id mappings (new user namespace) ── go ───────────▶ root of the user namespace
//! network devices, hooks          ◀── Namespaced ──── namespaces complete
//!                                 ── go ────────────▶ mounts, pivot, devices, identity
//! its pid is written down         ◀── Ready ───────── complete
//! created, if by `create`         ── go ────────────▶ waits for the word to start, without us
//! start, or `run` at once         ── go ────────────▶ startContainer hooks, filter
//!                                 ◀── Hooks ───────── only if there are any: they begin, they have ended
//! listener goes to the agent      ◀── Listening ───── only of a filter that notifies
//!                                 ── go ────────────▶ execve
//! running                         ◀── end of file ───
//! ```
//!
//! Only what the config needs is said. A second clone, where there is one, tells its process id first (`Reborn`). What joins a
//! container is ready sooner, and goes on by itself unless the parent has its scheduling to set.
//!
//! Instead of any of its words the child may say that a step failed: 16 bytes, a coordinate in the plan, which [`fault`]
//! turns into a sentence. If it says nothing and is gone, it was killed.
//!
//! May enter: `plan`, `seccomp` (instructions), `cgroup`, `script`, `child` (for the clone's first steps), `sys`.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod arm;
mod descriptors;
mod early;
pub mod fault;
mod idmap;
mod image;
mod interrupts;
mod layout;
pub mod net;
mod oom;
mod proc;
mod reap;
mod scheduling;
mod silent;
mod spawn;
mod userns;
mod wire;

pub use crate::script::LISTEN_PID;
pub use arm::{Arming, Creating, Instead, Joining, Purpose, arm};
pub use interrupts::Interrupts;
pub use spawn::{Child, spawn};
pub use wire::{Wire, Word};
