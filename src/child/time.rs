//! A time namespace of the container's own.

use super::{At, Outcome, procfs};
use crate::script::{Container, Step};
use crate::sys::{Errno, Fd, abi, file, process};

/// Makes it, moves its clocks and enters it. clone can't do that: the child would enter it at once, and so fix its clocks
/// (`time_namespaces(7)`). After unshare only children are in it, until setns takes us there as well.
pub fn enter(container: &Container) -> Outcome {
    process::unshare(abi::CLONE_NEWTIME).at(Step::Time)?;
    if let Some(offsets) = container.time_offsets.some() {
        procfs::write_own(container.proc, c"timens_offsets", offsets.to_bytes()).at(Step::TimeOffsets)?;
    }
    join(container.proc).at(Step::Time)
}

fn join(proc: Fd) -> Result<(), Errno> {
    let directory = procfs::open_own(proc, c"ns", abi::O_PATH | abi::O_DIRECTORY)?;
    // A magic link; setns checks that it leads to a namespace.
    let opened = file::openat(directory, c"time_for_children", abi::O_RDONLY);
    file::close(directory);
    let namespace = opened?;
    let joined = process::setns(namespace, abi::CLONE_NEWTIME);
    file::close(namespace);
    joined
}
