//! The listener of a filter that notifies (`seccomp_unotify(2)`).

use super::raw::{pointer, pointer_mut, syscall};
use super::{Errno, Fd};

#[cfg(target_arch = "x86_64")]
const IOCTL: usize = 16;
#[cfg(target_arch = "aarch64")]
const IOCTL: usize = 29;

/// `SECCOMP_IOCTL_NOTIF_RECV`: `_IOWR('!', 0, struct seccomp_notif)`, which has 80 bytes.
const RECEIVE: usize = 0xC050_2100;
/// `SECCOMP_IOCTL_NOTIF_SEND`: `_IOWR('!', 1, struct seccomp_notif_resp)`, which has 24 bytes.
const SEND: usize = 0xC018_2101;
/// `SECCOMP_USER_NOTIF_FLAG_CONTINUE`, in the upper half of the word that it shares with the error number.
const CONTINUE: u64 = 1 << 32;

/// Takes one call that waits and has it go on as if there were no filter; its number. An error if its process was killed meanwhile.
///
/// Waits for a call if there is none: so `listener` is to be polled before.
pub fn let_go(listener: Fd) -> Result<u32, Errno> {
    // The kernel wants it zeroed. The id of the notification is its first word, the call's number half of the third.
    let mut call = [0u64; 10];
    // SAFETY: 80 bytes are written.
    unsafe { syscall(IOCTL, [listener.arg(), RECEIVE, pointer_mut(&mut call), 0, 0, 0]) }?;
    let answer = [call[0], 0, CONTINUE];
    // SAFETY: 24 bytes are read.
    unsafe { syscall(IOCTL, [listener.arg(), SEND, pointer(&answer), 0, 0, 0]) }?;
    Ok(call[2] as u32)
}
