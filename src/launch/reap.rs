//! Taking the status of a child that has ended.

use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::proc::Proc;
use crate::error::{Error, Result};
use crate::sys::{Errno as SystemError, Fd, abi, process};

/// Waits for the child `pid` behind `pidfd` to end, and takes its status: 128 + n if signal n ended it.
///
/// One that somebody traces is not ours to take before its tracer has let it go, which may be never: a container's process
/// may trace another. That it has ended the kernel says even so, and with which status.
pub fn reap(pidfd: BorrowedFd<'_>, pid: i32) -> Result<u8> {
    let failed = |cause: Errno| Error::io("", "can't wait for the container's process", cause);
    let mut options = abi::WEXITED | abi::WNOHANG;
    loop {
        match poll(&mut [PollFd::new(pidfd, PollFlags::POLLIN)], PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(cause) => return Err(failed(cause)),
        }
        match process::waitid(abi::P_PIDFD, Fd(pidfd.as_raw_fd()).arg(), options) {
            Ok((abi::CLD_EXITED, status)) => return Ok(byte(status)),
            Ok((abi::CLD_KILLED | abi::CLD_DUMPED, signal)) => return Ok(128 + byte(signal)),
            Ok(_) => match status_of_zombie(pid) {
                Some(status) => return Ok(status),
                None => options = abi::WEXITED,
            },
            Err(SystemError(cause)) => return Err(failed(Errno::from_raw(cause))),
        }
    }
}

/// The status of a process that has ended and is not reaped, which is the last field of `proc_pid_stat(5)`. An ordinary user
/// may be shown a 0 that says nothing.
fn status_of_zombie(pid: i32) -> Option<u8> {
    let path = CString::new(format!("{pid}/stat")).ok()?;
    let mut line = Vec::new();
    File::from(Proc::open().ok()?.file(&path, abi::O_RDONLY).ok()?).read_to_end(&mut line).ok()?;
    let last = line.trim_ascii_end().rsplit(|letter| *letter == b' ').next()?;
    let code: i32 = std::str::from_utf8(last).ok()?.parse().ok()?;
    let shown = code != 0 || nix::unistd::geteuid().is_root();
    // As wait(2) encodes it: a signal in the lower seven bits, or an exit status in the second byte.
    let signal = byte(code & 0x7f);
    shown.then(|| if signal == 0 { byte(code >> 8) } else { 128 + signal })
}

fn byte(number: i32) -> u8 {
    u8::try_from(number & 0xff).unwrap_or(u8::MAX)
}
