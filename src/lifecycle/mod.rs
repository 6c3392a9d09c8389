//! The verbs of a container's life, a file each, and each to be read as prose.
//!
//! A verb takes a [`Store`](crate::state::Store), an [`Id`](crate::state::Id) and a request of plain values, and
//! returns what happened; it prints nothing and knows nothing of the command line.
//!
//! May enter: `launch`, `state`, `cgroup`, and what those stand on.

mod activation;
mod request;
mod resctrl;

mod agent;
pub mod create;
pub mod delete;
mod end;
pub mod events;
pub mod exec;
pub mod features;
mod foreground;
pub mod hooks;
pub mod kill;
pub mod list;
mod making;
pub mod pause;
pub mod ps;
pub mod run;
mod sd_notify;
mod signal;
mod sockets;
pub mod start;
pub mod state;
pub mod stop;
mod terminal;
pub mod update;
pub mod wait;

pub use create::planned;
pub use end::{end, own_cgroup};
pub use request::{CreateRequest, ExecRequest};
pub use signal::Signal;
pub use state::State;

#[cfg(test)]
mod tests;
