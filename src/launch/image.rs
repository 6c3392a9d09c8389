//! The child's program: a sealed copy in memory.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::error::{Error, Result};
use crate::sys::{Errno, Fd, abi, file, owned, socket};

/// The freestanding program that `src/child/build.rs` built.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/child"));

/// A new copy of it, which nobody can change any more: not even a container that gets hold of it.
pub fn sealed() -> Result<OwnedFd> {
    let failed = |what: &str| {
        let what = format!("can't make the child's program in memory: {what}");
        move |cause: std::io::Error| Error::io("", what, cause)
    };
    let of_kernel = |errno: Errno| std::io::Error::from_raw_os_error(errno.0);
    let image = create().map_err(|errno| {
        let error = failed("memfd_create")(of_kernel(errno));
        if errno.0 == abi::EACCES { error.hint("sysctl vm.memfd_noexec must not be 2") } else { error }
    })?;
    let mut image = File::from(image);
    image.write_all(PROGRAM).map_err(failed("write"))?;
    let seals = abi::F_SEAL_SEAL | abi::F_SEAL_SHRINK | abi::F_SEAL_GROW | abi::F_SEAL_WRITE;
    file::fcntl(Fd(image.as_raw_fd()), abi::F_ADD_SEALS, seals).map_err(of_kernel).map_err(failed("seal"))?;
    Ok(image.into())
}

/// Kernels from 6.3 on want to be told that it is to be executed; older ones do not know the word.
fn create() -> Result<OwnedFd, Errno> {
    let flags = abi::MFD_CLOEXEC | abi::MFD_ALLOW_SEALING;
    match socket::memfd(c"onggi:init", flags | abi::MFD_EXEC) {
        Err(Errno(abi::EINVAL)) => socket::memfd(c"onggi:init", flags),
        made => made,
    }
    .map(owned)
}

/// A piece of memory to be mapped by the child.
pub fn memory(bytes: &[u8]) -> Result<OwnedFd> {
    let made = socket::memfd(c"onggi:script", abi::MFD_CLOEXEC).map(owned).map(File::from);
    let written = made.map_err(|errno| std::io::Error::from_raw_os_error(errno.0)).and_then(|mut memory| {
        memory.write_all(bytes)?;
        Ok(memory.into())
    });
    written.map_err(|cause| Error::io("", "can't hand the script to the child", cause))
}
