//! A time namespace of the container's own.

use super::{At, Outcome, procfs};
use crate::script::{Container, Step};
use crate::sys::{Errno, Fd, abi, file, process};

/// Makes it, moves its clocks and enters it. clone can't: it would be entered, and its clocks so fixed, at once
/// (`time_namespaces(7)`). After unshare it is the children's, until setns makes it ours.
pub fn enter(container: &Container) -> Outcome {
    process::unshare(abi::CLONE_NEWTIME).at(Step::Time)?;
    if let Some(offsets) = container.time_offsets.some() {
        procfs::write_own(container.proc, c"timens_offsets", offsets.to_bytes()).at(Step::TimeOffsets)?;
    }
    join(container.proc).at(Step::Time)
}

fn join(proc: Fd) -> Result<(), Errno> {
    let directory = procfs::open_own(proc, c"ns", abi::O_PATH | abi::O_DIRECTORY)?;
    // This link is a magic one, and setns the judge of where it leads.
    let opened = file::openat(directory, c"time_for_children", abi::O_RDONLY);
    file::close(directory);
    let namespace = opened?;
    let joined = process::setns(namespace, abi::CLONE_NEWTIME);
    file::close(namespace);
    joined
}
