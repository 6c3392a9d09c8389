//! What must outlive a command, and a crash of it.
//!
//! A container is a directory below the root directory ([`Store`]), named after its [`Id`]. Making that directory is
//! what takes the id: of two creates at once exactly one succeeds. In it ([`Entry`]) lie the [`Record`], replaced as a
//! whole or not at all; a copy of config.json; and the socket on which a created container waits for its start. One
//! command at a time changes a container, holding a lock on the directory.
//!
//! The [`Status`] is never stored. It is read from the kernel each time: does init live, is it the same process that
//! was started (its start time tells), is its cgroup frozen, does it still wait.
//!
//! Security: the root directory belongs to the effective user and nobody else can write to it, each container's
//! directory is 0700, and everything is reached by file descriptor, following no link.
//!
//! May enter: `plan` (the hooks to remember), `sys`.

mod entry;
mod id;
mod init;
mod owner;
mod record;
mod stat;
mod status;
mod store;
pub mod time;

pub use entry::{Entry, Lock};
pub use id::Id;
pub use init::{Init, open_pidfd};
pub use owner::owner_name;
pub use record::{Record, SavedHook, VERSION};
pub use stat::Stat;
pub use status::Status;
pub use store::Store;

/// The name of the socket on which a created container waits for `start`, in its directory.
pub const START_SOCKET: &str = "start.sock";
