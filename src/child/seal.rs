//! Closing this process against the outside.

use super::{At, Outcome};
use crate::script::{Process, Script, Step};
use crate::sys::{Errno, Fd, abi, file, process};

/// Takes a name, clears the file mode mask, marks every descriptor to be closed by execve, puts processors and signals
/// back to their defaults, and enters the resctrl groups.
pub fn first(script: &Script) -> Outcome {
    process::set_name(c"onggi:init");
    // What is made has the mode that is asked for.
    file::umask(0);
    file::close_range(3, u32::MAX, abi::CLOSE_RANGE_CLOEXEC).at(Step::Descriptors)?;
    processors(&script.process)?;
    process::reset_signals().at(Step::Signals)?;
    for (index, tasks) in script.process.resctrl.numbered() {
        // 0 stands for whoever writes: any other number could mean another process in another pid namespace.
        file::write(*tasks, b"0").nth(Step::Resctrl, index)?;
    }
    Ok(())
}

/// The caller's own place on the machine is not the container's; its cpuset holds in any case.
fn processors(of: &Process) -> Outcome {
    match of.processors.get() {
        [] if of.keep_processors.is() => {}
        [] => _ = process::use_all_processors(),
        set => process::use_processors(set).nth(Step::Affinity, 1)?,
    }
    Ok(())
}

/// Leaves the session keyring of the caller: whoever has it can read the keys in it, and no namespace keeps it apart.
pub fn keyring(of: &Process) -> Outcome {
    if !of.new_keyring.is() {
        return Ok(());
    }
    match process::new_session_keyring() {
        // A kernel without keys.
        Err(Errno(abi::ENOSYS)) => Ok(()),
        done => done.at(Step::Keyring),
    }
}

/// Closes all but the two ways to the outside that are still needed, and what the user's program gets.
///
/// From here on names are looked up that an image or a user chose: /proc/self/fd must not lead out. And a created
/// container may wait for long, with processes beside it that may look at this one in spite of all (CAP_SYS_PTRACE).
pub fn last(script: &Script, wire: Fd) -> Outcome {
    let start = script.process.start.some().unwrap_or(wire);
    let mut from = 3 + script.preserve;
    for kept in [wire.0.min(start.0), wire.0.max(start.0)] {
        let kept = kept.cast_unsigned();
        if kept > from {
            file::close_range(from, kept - 1, 0).at(Step::Descriptors)?;
        }
        from = from.max(kept + 1);
    }
    file::close_range(from, u32::MAX, 0).at(Step::Descriptors)
}

/// Makes the process undumpable: no ptrace, and its /proc entries belong to the host's root.
///
/// Not earlier than the id mappings, which an ordinary user's parent may only write for a process that is dumpable;
/// until then a new container has no other process that could look. Changing ids keeps it so, execve ends it.
pub fn undumpable() -> Outcome {
    process::prctl(abi::PR_SET_DUMPABLE, 0).map(drop).at(Step::Undumpable)
}
