//! A time namespace of the container's own.

use super::{At, Outcome};
use crate::script::{Container, Step};
use crate::sys::{Errno, Fd, abi, file, process};

/// No mount and no magic link on the way. `self` is an ordinary link of procfs, to a directory beside it.
const OWN: u64 = abi::RESOLVE_BENEATH | abi::RESOLVE_NO_XDEV | abi::RESOLVE_NO_MAGICLINKS;

/// Makes it, moves its clocks and enters it. clone can't: it would be entered, and its clocks so fixed, at once
/// (`time_namespaces(7)`). After unshare it is the children's, until setns makes it ours.
pub fn enter(container: &Container) -> Outcome {
    process::unshare(abi::CLONE_NEWTIME).at(Step::Time)?;
    if let Some(offsets) = container.time_offsets.some() {
        write(container.proc, offsets.to_bytes()).at(Step::TimeOffsets)?;
    }
    join(container.proc).at(Step::Time)
}

fn write(proc: Fd, offsets: &[u8]) -> Result<(), Errno> {
    let file = file::openat2(proc, c"self/timens_offsets", abi::O_WRONLY, 0, OWN)?;
    let written = file::write(file, offsets);
    file::close(file);
    written
}

fn join(proc: Fd) -> Result<(), Errno> {
    let directory = file::openat2(proc, c"self/ns", abi::O_PATH | abi::O_DIRECTORY, 0, OWN)?;
    // This link is a magic one, and setns the judge of where it leads.
    let opened = file::openat(directory, c"time_for_children", abi::O_RDONLY);
    file::close(directory);
    let namespace = opened?;
    let joined = process::setns(namespace, abi::CLONE_NEWTIME);
    file::close(namespace);
    joined
}
