//! From a number to a descriptor that somebody owns: in the library alone, the child closes its own by hand.

use std::os::fd::{FromRawFd, OwnedFd};

use super::Fd;

/// A descriptor that was just opened, with somebody to close it.
///
/// What is handed in must come straight from the system call that made it, and nobody else may know the number or close it.
pub fn owned(file: Fd) -> OwnedFd {
    // SAFETY: as said above, and each caller is one line from the wrapper that made the descriptor.
    unsafe { OwnedFd::from_raw_fd(file.0) }
}
