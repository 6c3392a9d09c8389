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

// What several of them need.
mod activation;
mod agent;
mod console;
mod end;
mod foreground;
pub mod hooks;
mod making;
mod prepared;
mod request;
mod resctrl;
mod sd_notify;
mod signal;
mod sockets;
mod terminal;

pub use end::{end, own_cgroup};
pub use prepared::planned;
pub use request::{CreateRequest, ExecRequest};
pub use signal::Signal;
pub use state::State;

#[cfg(test)]
mod tests;
