//! A process that keeps a scope alive until the container's own is born in it.
//!
//! systemd starts no scope without a process, while the container's first process is to be born in its cgroup, not moved there:
//! moving costs milliseconds and leaves it with the wrong root of its cgroup namespace.

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getpid, getppid, pause};

use crate::error::{Error, Result};
use crate::sys::{self, clone, file, process};

/// A process that does nothing, and ends with us.
pub struct Placeholder(Pid);

impl Placeholder {
    /// Starts it: a fork with nothing open.
    pub fn start() -> Result<Self> {
        let parent = getpid();
        match clone::fork(0) {
            Ok(None) => wait_for_the_end(parent),
            Ok(Some(pid)) => Ok(Self(Pid::from_raw(pid))),
            Err(sys::Errno(number)) => {
                Err(Error::io("", "can't make a process to begin the scope with", Errno::from_raw(number)))
            }
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.as_raw().cast_unsigned()
    }
}

/// In the new process: only plain system calls, as whatever other threads held is held for ever.
fn wait_for_the_end(parent: Pid) -> ! {
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    process::set_name(c"onggi:scope");
    // Nobody is to wait for the end of a pipe, or for a lock, because of it.
    let _ = file::close_range(0, u32::MAX, 0);
    // Unless it was too late for the signal.
    while getppid() == parent {
        pause();
    }
    process::exit(0)
}

impl Drop for Placeholder {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
        while waitpid(self.0, None) == Err(Errno::EINTR) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_until_it_is_dropped() {
        let placeholder = Placeholder::start().unwrap();
        let pid = placeholder.0;
        assert_eq!(kill(pid, None), Ok(()));
        drop(placeholder);
        assert_eq!(kill(pid, None), Err(Errno::ESRCH));
    }
}
