//! Thin wrappers over the system calls that nix and libc lack, and over all that the child makes.
//!
//! This room is compiled twice: into the library, and into the freestanding child, where there is no libc. So it knows
//! `core` only: file descriptors are [`Fd`] (a plain number that closes nothing), errors are [`Errno`], strings are
//! `CStr`. Here is nearly all `unsafe` code of onggi; each wrapper is safe to call with any arguments, or says why not.
//!
//! May enter: nothing.

#![allow(unsafe_code)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::cast_lossless,
    reason = "a system call's arguments and results are machine words; what fits is the kernel's promise"
)]

pub mod abi;
#[cfg(not(freestanding))]
pub mod bpf;
pub mod clone;
pub mod directory;
pub mod file;
#[cfg(not(freestanding))]
pub mod heap;
pub mod mount;
#[cfg(not(freestanding))]
pub mod notify;
#[cfg(not(freestanding))]
mod owned;
#[cfg(not(freestanding))]
pub mod pidfd;
pub mod process;
pub mod raw;
#[cfg(not(freestanding))]
pub mod signals;
pub mod socket;

#[cfg(not(freestanding))]
pub use owned::owned;
pub use raw::Errno;

/// A file descriptor: a number, neither owned nor closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Fd(pub i32);

impl Fd {
    /// The current working directory, for the calls that take a directory.
    pub const CWD: Self = Self(abi::AT_FDCWD);
    /// No descriptor.
    pub const NONE: Self = Self(-1);

    /// The number as a system call's argument; sign extension is what the kernel expects of `AT_FDCWD`.
    pub fn arg(self) -> usize {
        self.0 as isize as usize
    }

    /// `None` for [`Fd::NONE`].
    pub fn some(self) -> Option<Self> {
        if self.0 < 0 { None } else { Some(self) }
    }
}
