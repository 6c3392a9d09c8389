//! The few system calls that nix has no safe form of.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::libc;

/// A file descriptor for a process that is alive or a zombie (`pidfd_open(2)`).
pub fn pidfd(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: numbers only.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = i32::try_from(fd).map_err(io::Error::other)?;
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just gave us this descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Gives the child of `command` a copy of `file` at each of `numbers`, not closed on exec.
pub fn inherit(command: &mut Command, file: &impl AsRawFd, numbers: &'static [i32]) {
    let fd = file.as_raw_fd();
    before_exec(command, move || {
        // A number of ours that is overwritten here is one of the child's copies. First away from all of them.
        // SAFETY: numbers only.
        let safe = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 100) };
        for &number in numbers {
            // SAFETY: numbers only.
            if safe == -1 || unsafe { libc::dup2(safe, number) } == -1 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    });
}

/// Takes over a descriptor that a message brought.
pub fn adopt(fd: i32) -> OwnedFd {
    // SAFETY: the kernel made it for us when it delivered the message; nobody else knows it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Makes the terminal at `fd` the controlling terminal of a new session that `command` leads.
pub fn control_terminal(command: &mut Command, fd: i32) {
    let prepare = move || {
        nix::unistd::setsid()?;
        // SAFETY: a number is all that TIOCSCTTY takes.
        if unsafe { libc::ioctl(fd, libc::TIOCSCTTY, 0) } == -1 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    };
    before_exec(command, prepare);
}

/// The size of a terminal's window is now this.
pub fn set_window(terminal: &impl AsRawFd, rows: u16, columns: u16) -> io::Result<()> {
    let size = libc::winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: TIOCSWINSZ reads one winsize.
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// The window size of a terminal, (rows, columns).
pub fn window(terminal: &impl AsRawFd) -> io::Result<(u16, u16)> {
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: TIOCGWINSZ writes one winsize.
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok((size.ws_row, size.ws_col))
    }
}

/// Runs `prepare` in the child between fork and exec. It makes system calls and nothing else:
/// another thread may have held the allocator's lock at the fork.
pub fn before_exec(
    command: &mut Command,
    prepare: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) {
    // SAFETY: by this function's contract only async-signal-safe calls are made.
    unsafe { command.pre_exec(prepare) };
}
