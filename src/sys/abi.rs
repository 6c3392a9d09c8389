//! Numbers of the kernel interface (uapi).

/// The current working directory.
pub const AT_FDCWD: i32 = -100;
