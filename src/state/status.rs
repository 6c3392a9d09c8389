//! What a container is doing, as the kernel sees it.

use std::fmt;
use std::fs;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use serde::Serialize;

use super::{Entry, Record, Stat};

/// What a container is doing (spec: runtime, State), and `Paused`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// `create` is at work.
    Creating,
    /// It waits for `start`.
    Created,
    /// The user's program runs.
    Running,
    /// Its cgroup is frozen.
    Paused,
    /// Init has ended.
    Stopped,
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        })
    }
}

/// What the container is doing now.
///
/// A record without a pid whose `create` is no longer at work is one that was interrupted: `Stopped`. So is a container
/// whose init is a zombie, or whose init's number now belongs to another process.
pub fn status(entry: &Entry, record: &Record) -> Status {
    let (Some(pid), Some(start_time)) = (record.pid, record.start_time) else {
        return if entry.busy() { Status::Creating } else { Status::Stopped };
    };
    if !Stat::of(pid).is_some_and(|stat| stat.start_time == start_time && !stat.ended()) {
        Status::Stopped
    } else if record.cgroup.as_deref().is_some_and(frozen) {
        Status::Paused
    } else if waits_for_start(entry) {
        Status::Created
    } else {
        Status::Running
    }
}

/// Whether all of the cgroup stands still (kernel: cgroup-v2, cgroup.events).
fn frozen(cgroup: &Path) -> bool {
    fs::read_to_string(cgroup.join("cgroup.events")).is_ok_and(|events| events.lines().any(|line| line == "frozen 1"))
}

/// Whether init still listens on its start socket: it does so until it executes the user's program, which closes the
/// socket. A connection that says nothing and goes away does not start it.
fn waits_for_start(entry: &Entry) -> bool {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let Ok(socket) = socket(AddressFamily::Unix, SockType::Stream, flags, None) else { return false };
    let Ok(address) = UnixAddr::new(&entry.start_socket()) else { return false };
    // EAGAIN: it listens, and there are more questions than it has room for.
    matches!(connect(std::os::fd::AsRawFd::as_raw_fd(&socket), &address), Ok(()) | Err(Errno::EAGAIN))
}
