//! cgroup.events: what it says, and waiting until it says something else.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Cgroup, file};

/// An open cgroup.events.
pub(super) struct Events(File);

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Whether there are processes in the cgroup or below it.
    pub populated: bool,
    /// Whether all of them are frozen.
    pub frozen: bool,
}

/// An open memory.events, which wakes its poller (`POLLPRI`) when it says something new.
pub struct MemoryEvents(File);

impl Cgroup {
    /// Opens memory.events; `None` without the controller.
    pub fn memory_events(&self) -> Option<MemoryEvents> {
        file::open(self, "memory.events", OFlag::O_RDONLY).ok().map(MemoryEvents)
    }
}

impl MemoryEvents {
    /// What to poll.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// How many processes the kernel has killed for want of memory; 0 of a cgroup that was removed. To be asked before
    /// each wait: the kernel reports changes since the last read.
    pub fn oom_kills(&self) -> u64 {
        let mut text = [0; 512];
        let length = self.0.read_at(&mut text, 0).unwrap_or(0);
        file::keyed(&String::from_utf8_lossy(&text[..length]), "oom_kill").unwrap_or(0)
    }
}

impl Events {
    pub fn open(cgroup: impl AsFd) -> Result<Self, Errno> {
        file::open(cgroup, "cgroup.events", OFlag::O_RDONLY).map(Self)
    }

    /// What it says now; a cgroup that was removed is empty.
    pub fn state(&self) -> Result<State, Errno> {
        let mut text = [0; 256];
        let length = match self.0.read_at(&mut text, 0) {
            Ok(length) => length,
            Err(cause) if cause.raw_os_error() == Some(Errno::ENODEV as i32) => 0,
            Err(cause) => return Err(cause.raw_os_error().map_or(Errno::EIO, Errno::from_raw)),
        };
        let text = String::from_utf8_lossy(&text[..length]);
        let says = |key| file::keyed(&text, key) == Some(1);
        Ok(State { populated: says("populated"), frozen: says("frozen") })
    }

    /// Waits until it says what is wanted: whether it did before the deadline.
    pub fn wait(&self, deadline: Instant, wanted: impl Fn(State) -> bool) -> Result<bool, Errno> {
        loop {
            // Read before each wait: the kernel reports changes since the last read.
            if wanted(self.state()?) {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            self.changed(left)?;
        }
    }

    /// Waits for a change since the last read, at most so long.
    pub fn changed(&self, most: Duration) -> Result<(), Errno> {
        let mut files = [PollFd::new(self.0.as_fd(), PollFlags::POLLPRI)];
        // Rounded up, so that the last millisecond isn't spent turning round and round.
        let timeout = PollTimeout::try_from(most + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        match poll(&mut files, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(cause) => Err(cause),
        }
    }
}
