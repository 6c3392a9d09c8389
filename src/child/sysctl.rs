//! Kernel parameters of the container's namespaces.

use core::ffi::CStr;

use super::{At, Outcome};
use crate::script::{Container, Step};
use crate::sys::{Errno, Fd, abi, file, mount};

/// No link and no mount on the way: what is written is a file of procfs and nothing else.
const STRICT: u64 = abi::RESOLVE_BENEATH | abi::RESOLVE_NO_XDEV | abi::RESOLVE_NO_SYMLINKS;

/// Writes `linux.sysctl`, through the host's /proc as the parent verified it. Where something is mounted over /proc/sys
/// there (in a container of somebody else), through a procfs of our own that nobody else can see.
pub fn set(container: &Container) -> Outcome {
    for (index, sysctl) in container.sysctls.numbered() {
        let (file, value) = (sysctl.file.get(), sysctl.value.get());
        write(container.proc, file, value)
            .or_else(|errno| match private_procfs() {
                Ok(proc) => write(proc, file, value),
                Err(_) => Err(errno),
            })
            .nth(Step::Sysctl, index)?;
    }
    Ok(())
}

fn write(proc: Fd, path: &CStr, value: &CStr) -> Result<(), Errno> {
    let file = file::openat2(proc, path, abi::O_WRONLY, 0, STRICT)?;
    let written = file::write(file, value.to_bytes());
    file::close(file);
    written
}

/// A procfs of this pid namespace that is mounted nowhere.
pub fn private_procfs() -> Result<Fd, Errno> {
    let context = mount::fsopen(c"proc")?;
    mount::fscreate(context)?;
    mount::fsmount(context, 0)
}
