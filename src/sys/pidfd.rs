//! Process file descriptors: a process that can't be mistaken for another (`pidfd_open(2)`, `pidfd_send_signal(2)`).

use super::raw::{pointer_mut, syscall};
use super::{Errno, Fd};

// The same on x86_64 and aarch64 (asm-generic numbers).
const PIDFD_SEND_SIGNAL: usize = 424;
const PIDFD_OPEN: usize = 434;
#[cfg(target_arch = "x86_64")]
const IOCTL: usize = 16;
#[cfg(target_arch = "aarch64")]
const IOCTL: usize = 29;

/// `PIDFD_GET_INFO`, that is `_IOWR(0xFF, 11, struct pidfd_info)` with the 64 bytes that every kernel with it knows.
const PIDFD_GET_INFO: usize = 0xC040_FF0B;
/// Asks for, and says that there is, an exit status (Linux 6.15).
const PIDFD_INFO_EXIT: u64 = 1 << 3;

/// The first 64 bytes of `struct pidfd_info` (include/uapi/linux/pidfd.h).
#[repr(C)]
#[derive(Default)]
struct Info {
    mask: u64,
    cgroup_id: u64,
    /// pid, tgid, ppid, then real, effective, saved and file system user and group ids.
    ids: [u32; 11],
    exit_code: i32,
}

/// A pidfd of process `pid`, closed on exec; ESRCH if there is none.
pub fn open(pid: i32) -> Result<Fd, Errno> {
    // Sign extension keeps a negative pid negative, which the kernel refuses.
    let args = [pid as isize as usize, 0, 0, 0, 0, 0];
    // SAFETY: two integers, no memory.
    let fd = unsafe { syscall(PIDFD_OPEN, args) }?;
    Ok(Fd(fd as i32))
}

/// Sends `signal` to the process behind `pidfd`; ESRCH if it is gone.
pub fn send_signal(pidfd: Fd, signal: i32) -> Result<(), Errno> {
    let args = [pidfd.arg(), signal as isize as usize, 0, 0, 0, 0];
    // SAFETY: integers and a null siginfo, which the call allows.
    unsafe { syscall(PIDFD_SEND_SIGNAL, args) }.map(|_| ())
}

/// The wait status (as wait(2) gives it) of a process that ended **and was reaped** while `pidfd` was open.
///
/// `None` if it has not come to that, or if the kernel is older than 6.15.
pub fn exit_code(pidfd: Fd) -> Option<i32> {
    let mut info = Info { mask: PIDFD_INFO_EXIT, ..Info::default() };
    let args = [pidfd.arg(), PIDFD_GET_INFO, pointer_mut(&mut info), 0, 0, 0];
    // SAFETY: the request's number says that it writes 64 bytes, which `Info` has.
    unsafe { syscall(IOCTL, args) }.ok()?;
    (info.mask & PIDFD_INFO_EXIT != 0).then_some(info.exit_code)
}

const _: () = assert!(size_of::<Info>() == 64);
