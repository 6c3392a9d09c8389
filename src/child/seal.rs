//! Closing this process against the outside.

use super::{At, Outcome};
use crate::script::{Script, Step};
use crate::sys::{abi, file, process};

/// Takes a name, clears the file mode mask, marks every descriptor to be closed by execve, and puts signals back to their defaults.
pub fn first(_script: &Script) -> Outcome {
    process::set_name(c"onggi:init");
    // What is made has the mode that is asked for.
    file::umask(0);
    file::close_range(3, abi::CLOSE_RANGE_CLOEXEC).at(Step::Descriptors)?;
    process::reset_signals().at(Step::Signals)
}

/// Makes the process undumpable: no ptrace, and its /proc entries belong to the host's root.
///
/// Not earlier than the id mappings, which an ordinary user's parent may only write for a process that is dumpable;
/// until then a new container has no other process that could look. Changing ids keeps it so, execve ends it.
pub fn undumpable() -> Outcome {
    process::prctl(abi::PR_SET_DUMPABLE, 0).map(drop).at(Step::Undumpable)
}
