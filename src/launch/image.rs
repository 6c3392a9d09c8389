//! The child's program: a sealed copy in memory.

use std::os::fd::{AsRawFd, OwnedFd};

use crate::error::{Error, Result};
use crate::sys::{Errno, Fd, abi, file, owned, socket};

/// The freestanding program that `src/child/build.rs` built.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/child"));

/// A new copy of it, which nobody can change any more: not even a container that gets hold of it.
pub fn sealed() -> Result<OwnedFd> {
    let failed = |what: &str| {
        let what = format!("can't make the child's program in memory: {what}");
        move |errno: Errno| Error::io("", what, std::io::Error::from_raw_os_error(errno.0))
    };
    let image = create().map_err(|errno| {
        let error = failed("memfd_create")(errno);
        if errno.0 == abi::EACCES { error.hint("sysctl vm.memfd_noexec must not be 2") } else { error }
    })?;
    let number = Fd(image.as_raw_fd());
    file::write(number, PROGRAM).map_err(failed("write"))?;
    let seals = abi::F_SEAL_SEAL | abi::F_SEAL_SHRINK | abi::F_SEAL_GROW | abi::F_SEAL_WRITE;
    file::fcntl(number, abi::F_ADD_SEALS, seals).map_err(failed("seal"))?;
    Ok(image)
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
    let failed =
        |errno: Errno| Error::io("", "can't hand the script to the child", std::io::Error::from_raw_os_error(errno.0));
    let memory = socket::memfd(c"onggi:script", abi::MFD_CLOEXEC).map(owned).map_err(failed)?;
    file::write(Fd(memory.as_raw_fd()), bytes).map_err(failed)?;
    Ok(memory)
}
