//! Init: the process that is the container.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Record, Stat};
use crate::error::{Error, Result};
use crate::sys::{self, Fd, owned, pidfd};

/// A container's init, living when it was found, and never another process that got its number.
#[derive(Debug)]
pub struct Init {
    pid: i32,
    start_time: u64,
    pidfd: OwnedFd,
}

impl Init {
    /// The init that `record` tells of, if it lives.
    ///
    /// Fails only where the kernel does not say: no file descriptors left, say.
    pub fn find(record: &Record) -> Result<Option<Self>> {
        let (Some(pid), Some(start_time)) = (record.pid, record.start_time) else {
            return Ok(None);
        };
        let pidfd = match pidfd::open(pid) {
            Ok(fd) => owned(fd),
            // EINVAL: the number is now that of a thread.
            Err(sys::Errno(libc::ESRCH | libc::EINVAL)) => return Ok(None),
            Err(sys::Errno(cause)) => {
                return Err(Error::io(&record.id, format!("can't open process {pid}"), Errno::from_raw(cause)));
            }
        };
        // In this order: the pidfd holds whoever has the number now, and the start time tells who it is.
        let same = Stat::of(pid)?.is_some_and(|stat| stat.start_time == start_time && !stat.ended());
        Ok(same.then_some(Self { pid, start_time, pidfd }))
    }

    /// Its process id as the runtime sees it.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Its pidfd.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Sends a signal; `false` if it has ended.
    pub fn signal(&self, signal: i32) -> Result<bool> {
        match pidfd::send_signal(Fd(self.pidfd.as_raw_fd()), signal) {
            Ok(()) => Ok(true),
            Err(sys::Errno(libc::ESRCH)) => Ok(false),
            Err(sys::Errno(cause)) => Err(Error::io(
                format!("process {}", self.pid),
                format!("can't get signal {signal}"),
                Errno::from_raw(cause),
            )),
        }
    }

    /// Waits until it has ended, or until `deadline`; whether it has.
    pub fn wait(&self, deadline: Option<Instant>) -> Result<bool> {
        loop {
            let timeout = match deadline {
                None => PollTimeout::NONE,
                // One more millisecond, as the rest of one is cut off.
                Some(end) => PollTimeout::try_from(end.saturating_duration_since(Instant::now()).as_millis() + 1)
                    .unwrap_or(PollTimeout::MAX),
            };
            let mut fds = [PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Ok(1..) => return Ok(true),
                Ok(_) if deadline.is_some_and(|end| Instant::now() >= end) => return Ok(false),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(cause) => {
                    return Err(Error::io(format!("process {}", self.pid), "can't be waited for", cause));
                }
            }
        }
    }

    /// How it ended, as a shell says it (128+n for signal n); `None` if the kernel does not tell us.
    ///
    /// It tells a process's parent. To others it shows a zombie's status in /proc, as long as the parent has not asked
    /// for it; and since Linux 6.15 it tells whoever had a pidfd at the end, once the parent has asked.
    pub fn exit_status(&self) -> Option<u8> {
        let told = || pidfd::exit_code(Fd(self.pidfd.as_raw_fd()));
        // Asked for again: the parent may have come between the first two questions.
        told().or_else(|| zombie_code(self.pid, self.start_time)).or_else(told).and_then(as_shell)
    }

    /// How the init that `record` tells of ended, if it is a zombie.
    pub fn zombie_status(record: &Record) -> Option<u8> {
        zombie_code(record.pid?, record.start_time?).and_then(as_shell)
    }
}

/// The wait status of a zombie.
fn zombie_code(pid: i32, start_time: u64) -> Option<i32> {
    let zombie = Stat::of(pid).ok()?.filter(|stat| stat.start_time == start_time && stat.ended())?;
    // Whoever may not trace it is shown 0, whatever it is, and does not get to see the links of its namespaces either.
    let may_trace = std::fs::read_link(format!("/proc/{pid}/ns/user")).is_ok();
    may_trace.then_some(zombie.exit_code)
}

/// A wait status (wait(2)) as a shell says it.
fn as_shell(code: i32) -> Option<u8> {
    let signal = code & 0x7f;
    u8::try_from(if signal == 0 { code >> 8 & 0xff } else { 128 + signal }).ok()
}

/// A pidfd of process `pid`, for as long as it is held the only process of that number.
pub fn open_pidfd(pid: i32) -> std::io::Result<OwnedFd> {
    pidfd::open(pid).map(owned).map_err(|sys::Errno(cause)| std::io::Error::from_raw_os_error(cause))
}
