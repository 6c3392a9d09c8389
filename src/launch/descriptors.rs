//! The descriptors that the child is to have.

use std::os::fd::{AsRawFd, OwnedFd};

use crate::sys::{Errno, Fd, owned};

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
