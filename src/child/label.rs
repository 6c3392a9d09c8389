//! What AppArmor and SELinux are told: the label that the program will have, and that of new keyrings.
//!
//! A label that is written to a file which only looks like `/proc/self/attr/exec` protects nobody (CVE-2019-16884). So the
//! container's own /proc is never asked. Where the kernel has a system call for it (Linux 6.8), no file is needed at all.

use core::ffi::CStr;

use super::{At, Outcome, sysctl};
use crate::script::{Label, Script, Step};
use crate::sys::{Errno, Fd, abi, file, process};

/// No link and no mount on the way: what is written is a file of procfs and nothing else.
const STRICT: u64 = abi::RESOLVE_BENEATH | abi::RESOLVE_NO_XDEV | abi::RESOLVE_NO_SYMLINKS;

/// Longest path of an attribute below the root of procfs, with its NUL.
const LENGTH: usize = 64;

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
        // An older kernel, one whose module knows only the files, or a seccomp profile around us that does not know the call.
        Err(Errno(abi::ENOSYS | abi::EOPNOTSUPP | abi::EPERM)) => {}
        done => return done,
    }
    let (path, value) = (label.file.get(), label.value.get());
    // A procfs that nobody else can reach; in a user namespace the kernel may forbid one.
    match sysctl::private_procfs() {
        Ok(own) => {
            let written = write(own, path, value);
            file::close(own);
            written
        }
        Err(_) => write(proc, path, value),
    }
}

fn write(proc: Fd, path: &CStr, value: &CStr) -> Result<(), Errno> {
    let attribute = open(proc, path)?;
    let written = file::write(attribute, value.to_bytes());
    file::close(attribute);
    written
}

/// Opens `path` below this process's own directory of the procfs `proc`. EXDEV if it is none, or something is mounted over it.
///
/// It must be opened by who writes to it: the kernel lets nobody else.
fn open(proc: Fd, path: &CStr) -> Result<Fd, Errno> {
    genuine(proc)?;
    // It says who we are as this procfs counts, in whichever pid namespace that is.
    let link = file::openat2(proc, c"self", abi::O_PATH | abi::O_NOFOLLOW, 0, STRICT)?;
    let mut number = [0; 16];
    let number = file::read_link(link, &mut number);
    file::close(link);
    let number = number?.to_bytes();
    if number.is_empty() || !number.iter().all(u8::is_ascii_digit) {
        return Err(Errno(abi::EXDEV));
    }
    let (mut buffer, mut length) = ([0; LENGTH], 0);
    for part in [number, b"/", path.to_bytes_with_nul()] {
        let room = buffer.get_mut(length..length + part.len()).ok_or(Errno(abi::ENAMETOOLONG))?;
        room.copy_from_slice(part);
        length += part.len();
    }
    let below = CStr::from_bytes_until_nul(&buffer).map_err(|_| Errno(abi::ENAMETOOLONG))?;
    let attribute = file::openat2(proc, below, abi::O_WRONLY, 0, STRICT)?;
    match genuine(attribute) {
        Ok(()) => Ok(attribute),
        Err(errno) => {
            file::close(attribute);
            Err(errno)
        }
    }
}

fn genuine(file: Fd) -> Result<(), Errno> {
    if file::filesystem(file)? == abi::PROC_SUPER_MAGIC { Ok(()) } else { Err(Errno(abi::EXDEV)) }
}

#[cfg(test)]
#[path = "label/tests.rs"]
mod tests;
