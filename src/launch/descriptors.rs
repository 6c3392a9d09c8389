//! The descriptors that the child is to have.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::sys::{Errno, Fd};

/// Owns what was opened for the child until it was spawned.
#[derive(Default)]
pub struct Descriptors {
    owned: Vec<OwnedFd>,
}

impl Descriptors {
    /// Takes over a descriptor; the number by which the child will know it.
    pub fn add(&mut self, file: OwnedFd) -> Fd {
        let number = Fd(file.as_raw_fd());
        self.owned.push(file);
        number
    }

    /// Takes over what a wrapper in `sys` has just opened.
    pub fn add_opened(&mut self, opened: Result<Fd, Errno>) -> Result<Fd, Errno> {
        opened.map(|file| self.add(owned(file)))
    }

    /// Their numbers.
    pub fn numbers(&self) -> Vec<Fd> {
        self.owned.iter().map(|file| Fd(file.as_raw_fd())).collect()
    }
}

/// A descriptor that was just opened, with somebody to close it.
#[allow(unsafe_code)]
pub fn owned(file: Fd) -> OwnedFd {
    // SAFETY: every caller has just received it from the kernel and keeps no copy of the number to close.
    unsafe { OwnedFd::from_raw_fd(file.0) }
}
