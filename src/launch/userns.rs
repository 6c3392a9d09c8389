//! User namespaces in which nobody lives: what an id-mapped mount is mapped by.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};

use super::idmap;
use super::proc::Proc;
use crate::error::{Error, Result};
use crate::launch::fault::clone_hint;
use crate::plan::IdMap;
use crate::sys::{Errno, Fd, abi, clone, file, owned, process};

/// Stack for the few calls of the helper, in 16-byte units.
const STACK: usize = 1024;

/// A new user namespace with the mappings `map`; `place` is where config.json has them (`linux.`, `mounts[3] /data `).
///
/// A namespace comes with a process: a helper that shares our memory and waits for the end of a pipe, so that it ends
/// with us even if we are killed. The namespace stays as long as its descriptor.
pub fn make(proc: &Proc, map: &IdMap, place: &str) -> Result<OwnedFd> {
    let failed = |errno: Errno| {
        let cause = std::io::Error::from_raw_os_error(errno.0);
        let what = "can't make the user namespace for these mappings";
        clone_hint(Error::io(format!("{place}uidMappings"), what, cause), errno.0)
    };
    let (ours, theirs) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)
        .map(|(read, write)| (write, read))
        .map_err(|cause| failed(Errno(cause as i32)))?;
    let mut stack = Box::<[u128]>::new_uninit_slice(STACK);
    let mut ends = [theirs.as_raw_fd(), ours.as_raw_fd()];
    // SAFETY: stack and ends stay as they are until the helper has ended, which is waited for below.
    let helper = unsafe { bear(&mut stack, &mut ends) }.map_err(failed)?;
    let made =
        idmap::write_as_root(proc, helper, map, place).and_then(|()| proc.namespace(helper, c"user").map_err(failed));
    drop(ours);
    // An error here says that somebody has taken its status: it has ended all the same.
    let _ = process::wait(helper);
    made
}

/// # Safety
/// `stack` and `ends` must stay as they are until the child has ended.
unsafe fn bear(stack: &mut [MaybeUninit<u128>], ends: &mut [i32; 2]) -> Result<i32, Errno> {
    let argument = std::ptr::from_mut(ends).cast::<c_void>();
    // SAFETY: promised by the caller; the helper makes raw system calls only.
    let (pid, pidfd) = unsafe { clone::spawn(abi::CLONE_NEWUSER, None, stack, idle, argument) }?;
    drop(owned(pidfd));
    Ok(pid)
}

/// The helper: waits until the other end of the pipe is closed. Its descriptors are copies, so its own one of that end goes first.
///
/// # Safety
/// `argument` must point to the two ends of a pipe, the one to read from first.
unsafe extern "C" fn idle(argument: *mut c_void) -> ! {
    // SAFETY: promised by the caller.
    let [read, write] = unsafe { *argument.cast::<[i32; 2]>() };
    file::close(Fd(write));
    let _ = file::read(Fd(read), &mut [0]);
    process::exit(0)
}
