//! Kernel parameters of the container's namespaces.

use super::{At, Outcome, procfs};
use crate::script::{Container, Step};
use crate::sys::file;

/// Writes `linux.sysctl`, through the host's /proc as the parent verified it. Where something is mounted over /proc/sys
/// there (in a container of somebody else), through a procfs of our own that nobody else can see.
pub fn set(container: &Container) -> Outcome {
    for (index, sysctl) in container.sysctls.numbered() {
        let (path, value) = (sysctl.file.get(), sysctl.value.get().to_bytes());
        procfs::write(container.proc, path, value)
            .or_else(|errno| match procfs::private() {
                Ok(own) => {
                    let written = procfs::write(own, path, value);
                    file::close(own);
                    written
                }
                Err(_) => Err(errno),
            })
            .nth(Step::Sysctl, index)?;
    }
    Ok(())
}
