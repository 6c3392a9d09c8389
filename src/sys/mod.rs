//! Thin wrappers over the system calls that nix and libc lack, and over all that the child makes.
//!
//! This room is compiled twice: into the library, and into the freestanding child, where there is
//! no libc. So it knows `core` only: file descriptors are [`Fd`] (a plain number that closes nothing) or the
//! parent's own types by way of it, errors are [`Errno`], strings are `CStr`. It holds the only `unsafe` code of
//! onggi; each wrapper is safe to call with any arguments.
//!
//! May enter: nothing.

#![allow(unsafe_code)]

pub mod abi;
pub mod bpf;
pub mod pidfd;
pub mod raw;

pub use raw::Errno;

/// A file descriptor: a number, neither owned nor closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Fd(pub i32);

impl Fd {
    /// The current working directory, for the calls that take a directory.
    pub const CWD: Self = Self(abi::AT_FDCWD);

    /// The number as a system call's argument.
    pub fn arg(self) -> usize {
        // Sign extension is what the kernel expects of AT_FDCWD.
        self.0 as isize as usize
    }
}
