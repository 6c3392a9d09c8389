//! What AppArmor and SELinux are told: the label that the program will have, and that of new keyrings.
//!
//! A label that is written to a file which only looks like `/proc/self/attr/exec` protects nobody (CVE-2019-16884). So the
//! container's own /proc is never asked. Where the kernel has a system call for it (Linux 6.8), no file is needed at all.

use super::{At, Outcome, procfs};
use crate::script::{Label, Script, Step};
use crate::sys::{Errno, Fd, abi, file, process};

/// The label of keyrings, before there is a new one. The kernel forgets it at the next execve.
pub fn of_keyrings(script: &Script) -> Outcome {
    for label in script.process.key_label.get() {
        set(script.container.proc, label).nth(Step::KeyLabel, label.index)?;
    }
    Ok(())
}

/// The label that comes into force with the next execve: the program's.
pub fn of_program(script: &Script) -> Outcome {
    for label in script.process.labels.get() {
        set(script.container.proc, label).nth(Step::Label, label.index)?;
    }
    Ok(())
}

/// Sets `label`; `proc` is the host's procfs, as the parent verified it.
fn set(proc: Fd, label: &Label) -> Result<(), Errno> {
    match process::set_lsm_attribute(label.attribute, label.context.get()) {
        // An older kernel, a security module that knows only the files, or a seccomp profile around us that lacks the call.
        Err(Errno(abi::ENOSYS | abi::EOPNOTSUPP | abi::EPERM)) => {}
        done => return done,
    }
    let (path, value) = (label.file.get(), label.value.get().to_bytes());
    // A procfs that nobody else can reach; in a user namespace the kernel may forbid one.
    match procfs::private() {
        Ok(own) => {
            let written = procfs::write_own(own, path, value);
            file::close(own);
            written
        }
        Err(_) => procfs::write_own(proc, path, value),
    }
}
