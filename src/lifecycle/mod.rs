//! The verbs of a container's life, a file each, and each to be read as prose.
//!
//! A verb takes a [`Store`](crate::state::Store), an [`Id`](crate::state::Id) and a request of plain values, and
//! returns what happened; it prints nothing and knows nothing of the command line.
//!
//! May enter: `launch`, `state`, `cgroup`, and what those stand on.

pub mod create;
pub mod delete;
pub mod events;
pub mod exec;
pub mod features;
pub mod kill;
pub mod list;
pub mod pause;
pub mod ps;
pub mod run;
pub mod start;
pub mod state;
pub mod stop;
pub mod update;
pub mod wait;

// What the verbs are asked for.
mod request;
mod signal;

// Before anything is done: the bundle read, the host asked, the plan made.
mod prepared;

// A container in the making: what was made so far, and is undone unless all goes well.
mod making;
mod namespaced;
mod resctrl;

// Who else has a part in it: hooks, who gets a descriptor, who stands by in the foreground, a service manager.
mod agent;
mod foreground;
pub mod hooks;
mod service;
mod sockets;

// The end of its processes and of its cgroup.
mod end;

pub use end::{end, own_cgroup};
pub use prepared::planned;
pub use request::{CreateRequest, ExecRequest};
pub use signal::Signal;
pub use state::State;

#[cfg(test)]
mod tests;
