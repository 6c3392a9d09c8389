//! The few system calls that nix has no safe form of.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::libc;

use super::agent::Answer;

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
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCSWINSZ reads one winsize.
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The window size of a terminal, (rows, columns).
pub fn window(terminal: &impl AsRawFd) -> io::Result<(u16, u16)> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize.
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok((size.ws_row, size.ws_col)) }
}

/// Runs `prepare` in the child between fork and exec. It makes system calls and nothing else:
/// another thread may have held the allocator's lock at the fork.
pub fn before_exec(command: &mut Command, prepare: impl FnMut() -> io::Result<()> + Send + Sync + 'static) {
    // SAFETY: by this function's contract only async-signal-safe calls are made.
    unsafe { command.pre_exec(prepare) };
}

/// What a test counts on whoever calls it: no files are open but the standard ones, files are made for all to read, and
/// neither a nice value nor an oom_score_adj is inherited, as far as may be. For the time between fork and exec.
pub fn usual_surroundings() {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    // SAFETY: numbers, and a constant string of which as many bytes are read as it has.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
        libc::setpriority(libc::PRIO_PROCESS, 0, 0);
        let file = libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        libc::write(file, c"0".as_ptr().cast(), 1);
    }
}

/// The next call that waits at the listener of a seccomp filter: its id and number; none if the caller is gone by now, an error
/// if nobody is left who could call.
pub fn notification(filter: &impl AsRawFd) -> io::Result<Option<(u64, i64)>> {
    // struct seccomp_notif: id, pid, flags, and struct seccomp_data, which begins with the number of the call.
    const RECEIVE: u64 = 0xc050_2100;
    let mut notification = [0_u64; 10];
    // SAFETY: SECCOMP_IOCTL_NOTIF_RECV writes 80 bytes.
    let result = unsafe { libc::ioctl(filter.as_raw_fd(), RECEIVE, notification.as_mut_ptr()) };
    if result == 0 {
        let number = notification[2].to_ne_bytes();
        return Ok(Some((
            notification[0],
            i64::from(i32::from_ne_bytes([number[0], number[1], number[2], number[3]])),
        )));
    }
    let cause = io::Error::last_os_error();
    let mut left = [libc::pollfd { fd: filter.as_raw_fd(), events: libc::POLLIN, revents: 0 }];
    // SAFETY: one struct pollfd.
    unsafe { libc::poll(left.as_mut_ptr(), 1, 0) };
    if left[0].revents & libc::POLLHUP == 0 { Ok(None) } else { Err(cause) }
}

/// Answers for a call.
pub fn answer(filter: &impl AsRawFd, id: u64, answer: Answer) {
    // struct seccomp_notif_resp: id, the result, the error, flags.
    const SEND: u64 = 0xc018_2101;
    let (value, error, flags) = match answer {
        Answer::Go => (0, 0, 1),
        Answer::Errno(errno) => (0, -errno, 0),
        Answer::Value(value) => (value, 0, 0),
    };
    let mut response = [0_u8; 24];
    response[..8].copy_from_slice(&id.to_ne_bytes());
    response[8..16].copy_from_slice(&i64::to_ne_bytes(value));
    response[16..20].copy_from_slice(&i32::to_ne_bytes(error));
    response[20..].copy_from_slice(&u32::to_ne_bytes(flags));
    // SAFETY: SECCOMP_IOCTL_NOTIF_SEND reads 24 bytes. A caller that is gone needs no answer.
    unsafe { libc::ioctl(filter.as_raw_fd(), SEND, response.as_mut_ptr()) };
}

/// Traces process `pid`, without stopping it: until this thread ends.
pub fn seize(pid: i32) -> io::Result<()> {
    // SAFETY: numbers only.
    let done = unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
