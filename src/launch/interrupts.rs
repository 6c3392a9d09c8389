//! Being asked to stop in the middle.
//!
//! From its first side effect on, a command that makes a container does not just die of SIGINT, SIGTERM or SIGHUP: every
//! wait ends with an error, on whose way out all is undone.

use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::error::{Error, Result};

/// The three signals, held back.
pub struct Interrupts {
    signals: SignalFd,
    /// Those that were not held back before. (The set as it was would not do: musl leaves one out of it, see `sys::signals`.)
    held: SigSet,
}

impl Interrupts {
    /// Holds the signals back until this is dropped.
    pub fn hold() -> Result<Self> {
        let failed = |cause: Errno| Error::io("", "can't hold back signals", cause);
        let three = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
        let wanted: SigSet = three.into_iter().collect();
        let mut before = SigSet::empty();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&wanted), Some(&mut before)).map_err(failed)?;
        let signals = SignalFd::with_flags(&wanted, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map_err(failed)?;
        let held = three.into_iter().filter(|signal| !before.contains(*signal)).collect();
        Ok(Self { signals, held })
    }

    /// Whether a signal has come, and waits to be taken by [`Self::check`].
    pub fn came(&self) -> bool {
        let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).is_ok_and(|count| count > 0)
    }

    /// An error if a signal has come.
    pub fn check(&self) -> Result<()> {
        let Ok(Some(signal)) = self.signals.read_signal() else { return Ok(()) };
        let number = signal.ssi_signo;
        let name = Signal::try_from(number.cast_signed()).map_or("a signal", Signal::as_str);
        Err(Error::new("", format!("interrupted by {name}; what was made is undone"))
            .status(u8::try_from(128 + number).unwrap_or(u8::MAX)))
    }
}

impl AsFd for Interrupts {
    /// Readable when a signal has come.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&self.held), None);
    }
}
