//! Between our terminal and the container's.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::{STDIN_FILENO, STDOUT_FILENO, TIOCGWINSZ, TIOCSWINSZ, winsize};
use nix::poll::{PollFd, PollFlags};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixAddr, recvmsg};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{read, write};

use crate::error::{Error, Result};
use crate::sys::{Fd, owned};

nix::ioctl_read_bad!(get_window, TIOCGWINSZ, winsize);
nix::ioctl_write_ptr_bad!(set_window, TIOCSWINSZ, winsize);

/// The controlling side of the container's terminal, and what is on its way.
pub struct Terminal {
    /// Until nobody has the container's side open any more, or nobody is left to show anything to.
    controller: Option<OwnedFd>,
    /// Our own terminal as it was, and as we made it.
    modes: Option<Modes>,
    typed: Vec<u8>,
    shown: Vec<u8>,
    /// Whether there is more to come from our stdin.
    stdin: bool,
}

struct Modes {
    cooked: Termios,
    raw: Termios,
}

/// Rows and columns of our own terminal, if stdin is one and knows its size.
pub fn own_size() -> Option<(u16, u16)> {
    window().map(|size| (size.ws_row, size.ws_col))
}

fn window() -> Option<winsize> {
    let mut size = winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the call writes one struct winsize.
    #[allow(unsafe_code)]
    let asked = unsafe { get_window(STDIN_FILENO, &raw mut size) };
    // Zero is what a terminal has that nobody gave a size (script, expect, a serial line): it must not displace consoleSize.
    asked.ok().map(|_| size).filter(|size| size.ws_row != 0 && size.ws_col != 0)
}

/// How much is under way at most, in each direction.
const PIECE: usize = 16 * 1024;

/// End of transmission, ^D: what a terminal takes for the end of its input (termios(3), VEOF).
const EOT: u8 = 4;

impl Terminal {
    /// Receives the terminal over `arrival`; our own, if there is one, becomes raw and lends its size.
    pub fn receive(arrival: &OwnedFd) -> Result<Self> {
        let failed = |cause: Errno| Error::io("process.terminal", "can't receive the terminal", cause);
        let controller = receive(arrival).map_err(failed)?;
        fcntl(&controller, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK)).map_err(failed)?;
        let mut terminal =
            Self { controller: Some(controller), modes: None, typed: Vec::new(), shown: Vec::new(), stdin: true };
        if let Ok(cooked) = tcgetattr(stdin()) {
            let mut raw = cooked.clone();
            cfmakeraw(&mut raw);
            tcsetattr(stdin(), SetArg::TCSANOW, &raw).map_err(failed)?;
            terminal.modes = Some(Modes { cooked, raw });
            terminal.take_size();
        }
        Ok(terminal)
    }

    /// We were stopped and go on: meanwhile the shell had the terminal, in its own mode and perhaps another size.
    pub fn take_back(&self) {
        if let Some(modes) = &self.modes {
            let _ = tcsetattr(stdin(), SetArg::TCSANOW, &modes.raw);
            self.take_size();
        }
    }

    /// Gives the container's terminal the size of ours.
    pub fn take_size(&self) {
        if let (Some(size), Some(controller)) = (window(), &self.controller) {
            // SAFETY: the call reads one struct winsize.
            #[allow(unsafe_code)]
            let _ = unsafe { set_window(controller.as_raw_fd(), &raw const size) };
        }
    }

    /// What to wait for.
    pub fn interests<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        let mut inside = PollFlags::empty();
        inside.set(PollFlags::POLLIN, self.shown.is_empty());
        inside.set(PollFlags::POLLOUT, !self.typed.is_empty());
        if !inside.is_empty() {
            fds.extend(self.controller.iter().map(|controller| PollFd::new(controller.as_fd(), inside)));
        }
        if self.stdin && self.typed.is_empty() && self.controller.is_some() {
            fds.push(PollFd::new(stdin(), PollFlags::POLLIN));
        }
        if !self.shown.is_empty() {
            fds.push(PollFd::new(stdout(), PollFlags::POLLOUT));
        }
    }

    /// Moves what can be moved without waiting.
    pub fn relay(&mut self) {
        if self.stdin && self.typed.is_empty() && self.controller.is_some() && ready(stdin(), PollFlags::POLLIN) {
            match take(stdin()) {
                Ok(piece) if !piece.is_empty() => self.typed = piece,
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                // The end of a file or a pipe is what ^D is at a terminal; whoever reads there would wait for ever.
                _ => {
                    self.stdin = false;
                    self.typed = vec![EOT];
                }
            }
        }
        match self.controller.as_ref().filter(|_| !self.typed.is_empty()).map(|into| write(into, &self.typed)) {
            None | Some(Err(Errno::EAGAIN | Errno::EINTR)) => {}
            Some(Ok(length)) => drop(self.typed.drain(..length)),
            Some(Err(_)) => self.typed.clear(),
        }
        match self.controller.as_ref().filter(|_| self.shown.is_empty()).map(|from| take(from.as_fd())) {
            None | Some(Err(Errno::EAGAIN | Errno::EINTR)) => {}
            Some(Ok(piece)) => self.shown = piece,
            // EIO: nobody has the other side open any more.
            Some(Err(_)) => self.controller = None,
        }
        if !self.shown.is_empty() && ready(stdout(), PollFlags::POLLOUT) {
            self.show();
        }
    }

    /// Shows what is left when the process has ended.
    pub fn drain(&mut self) {
        loop {
            while !self.shown.is_empty() {
                self.show();
            }
            match self.controller.as_ref().map(|from| take(from.as_fd())) {
                Some(Ok(piece)) if !piece.is_empty() => self.shown = piece,
                Some(Err(Errno::EINTR)) => {}
                _ => return,
            }
        }
    }

    fn show(&mut self) {
        match write(stdout(), &self.shown) {
            Ok(length) => drop(self.shown.drain(..length)),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                let _ = ready_within(stdout(), PollFlags::POLLOUT);
            }
            // Nobody reads any more, so we hang up, as a lost connection does: the container's programs get SIGHUP, and an
            // error where they write on.
            Err(_) => {
                self.shown.clear();
                self.controller = None;
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(modes) = &self.modes {
            let _ = tcsetattr(stdin(), SetArg::TCSADRAIN, &modes.cooked);
        }
    }
}

fn receive(socket: &OwnedFd) -> Result<OwnedFd, Errno> {
    let mut bytes = [0; 64];
    let mut space = nix::cmsg_space!([std::os::fd::RawFd; 1]);
    let mut pieces = [IoSliceMut::new(&mut bytes)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<UnixAddr>(socket.as_raw_fd(), &mut pieces, Some(&mut space), flags)?;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(files) = control
            && let [file] = files[..]
        {
            return Ok(owned(Fd(file)));
        }
    }
    Err(Errno::EPROTO)
}

fn take(file: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    let mut piece = vec![0; PIECE];
    let length = read(file, &mut piece)?;
    piece.truncate(length);
    Ok(piece)
}

fn ready(file: BorrowedFd<'_>, flags: PollFlags) -> bool {
    nix::poll::poll(&mut [PollFd::new(file, flags)], nix::poll::PollTimeout::ZERO).is_ok_and(|count| count > 0)
}

fn ready_within(file: BorrowedFd<'_>, flags: PollFlags) -> Result<i32, Errno> {
    nix::poll::poll(&mut [PollFd::new(file, flags)], 1000u16)
}

fn stdin() -> BorrowedFd<'static> {
    // SAFETY: std makes sure at start that 0, 1 and 2 are open, and nobody closes them.
    #[allow(unsafe_code)]
    unsafe {
        BorrowedFd::borrow_raw(STDIN_FILENO)
    }
}

fn stdout() -> BorrowedFd<'static> {
    // SAFETY: as above.
    #[allow(unsafe_code)]
    unsafe {
        BorrowedFd::borrow_raw(STDOUT_FILENO)
    }
}
