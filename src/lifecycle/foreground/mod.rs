//! Standing in for a container in the foreground: its signals, its terminal, its exit status.

pub mod console;
pub mod terminal;

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use super::service::sd_notify::Notify;
use crate::error::{Error, Result};
use crate::launch::Child;
use crate::sys::signals::with_first_realtime;
use crate::sys::{Fd, pidfd};
use terminal::Terminal;

/// A command that stays until its process has ended.
pub struct Foreground {
    signals: SignalFd,
    before: SigSet,
    /// Where the terminal's controlling side will arrive.
    arrival: Option<OwnedFd>,
    terminal: Option<Terminal>,
}

impl Foreground {
    /// Holds back the signals, from now on; what comes too early is passed on later. With `terminal` also the socket
    /// that the child is to send its terminal to.
    pub fn new(terminal: bool) -> Result<(Self, Option<OwnedFd>)> {
        let failed = |cause: Errno| Error::io("", "can't take over the signals", cause);
        let mut before = SigSet::empty();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&passed_on()), Some(&mut before)).map_err(failed)?;
        let signals =
            SignalFd::with_flags(&passed_on(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map_err(failed)?;
        let (arrival, departure) = if terminal {
            let pair = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC);
            let (ours, childs) = pair.map_err(|cause| Error::io("", "can't make a socket pair", cause))?;
            (Some(ours), Some(childs))
        } else {
            (None, None)
        };
        Ok((Self { signals, before, arrival, terminal: None }, departure))
    }

    /// Takes the terminal that the child has sent, if it was to send one.
    pub fn attach(&mut self) -> Result<()> {
        if let Some(arrival) = self.arrival.take() {
            self.terminal = Some(Terminal::receive(&arrival)?);
        }
        Ok(())
    }

    /// Passes on signals, what is typed and shown, and what is said to `notify`, until the process has ended: its exit
    /// status.
    pub fn attend(&mut self, child: &Child, notify: Option<&Notify>) -> Result<u8> {
        loop {
            let ended = {
                let mut fds = vec![
                    PollFd::new(child.pidfd(), PollFlags::POLLIN),
                    PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
                ];
                fds.extend(notify.map(|notify| PollFd::new(notify.fd(), PollFlags::POLLIN)));
                if let Some(terminal) = &self.terminal {
                    terminal.interests(&mut fds);
                }
                match poll(&mut fds, PollTimeout::NONE) {
                    Ok(_) => fds[0].any() == Some(true),
                    Err(Errno::EINTR) => false,
                    Err(cause) => return Err(Error::io("", "can't wait for the container", cause)),
                }
            };
            self.pass_on_signals(child);
            if let Some(notify) = notify {
                notify.pass_on("");
            }
            if let Some(terminal) = &mut self.terminal {
                terminal.relay();
            }
            if ended {
                if let Some(terminal) = &mut self.terminal {
                    terminal.drain();
                }
                return child.wait();
            }
        }
    }

    fn pass_on_signals(&mut self, child: &Child) {
        while let Ok(Some(signal)) = self.signals.read_signal() {
            let number = signal.ssi_signo.cast_signed();
            match &self.terminal {
                Some(terminal) if number == Signal::SIGWINCH as i32 => terminal.take_size(),
                Some(terminal) if number == Signal::SIGCONT as i32 => terminal.take_back(),
                // It may have ended just now; then its status says all.
                _ => drop(pidfd::send_signal(Fd(child.pidfd().as_raw_fd()), number)),
            }
        }
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&self.before), None);
    }
}

/// Signals that are meant for the container: all that can be, but those about our own children and faults.
fn passed_on() -> SigSet {
    let mut signals = SigSet::all();
    for own in [
        Signal::SIGCHLD,
        Signal::SIGPIPE,
        Signal::SIGURG,
        Signal::SIGSEGV,
        Signal::SIGBUS,
        Signal::SIGFPE,
        Signal::SIGILL,
        Signal::SIGABRT,
        Signal::SIGTRAP,
        Signal::SIGSYS,
        Signal::SIGTSTP,
        Signal::SIGTTIN,
        Signal::SIGTTOU,
    ] {
        signals.remove(own);
    }
    with_first_realtime(signals)
}
