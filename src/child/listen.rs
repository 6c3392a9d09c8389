//! `LISTEN_PID`: the process that the descriptors of socket activation are for (sd_listen_fds(3)), by its number in the container.

use core::ffi::CStr;

use super::text;
use crate::script::{LISTEN_PID, Process};
use crate::sys::process;

/// Places for digits at the end of [`LISTEN_PID`]: as many as a process id can have.
const ZEROS: usize = 10;

/// Writes this process's number into the place that the environment has for it.
pub fn name(process: &Process, envp: usize) {
    if !process.listens.is() {
        return;
    }
    let mut entry = envp as *const usize;
    // SAFETY: the vector ends with a null entry, and each entry before it is a NUL-terminated string; they lie in the
    // script, which is writable and of which the parent reads only how far we have come, or, HOME alone, in our own buffer.
    unsafe {
        while *entry != 0 {
            if CStr::from_ptr(*entry as *const core::ffi::c_char) == LISTEN_PID {
                write(*entry as *mut u8);
            }
            entry = entry.add(1);
        }
    }
}

/// Replaces the ten zeros by the number.
///
/// # Safety
/// `variable` must be a writable copy of [`LISTEN_PID`].
unsafe fn write(variable: *mut u8) {
    let mut digits = [0; 10];
    let digits = text::decimal(process::pid(), &mut digits);
    // SAFETY: the caller's; the zeros have room for ten digits, and the NUL goes at most where there is one.
    unsafe {
        let start = variable.add(LISTEN_PID.count_bytes() - ZEROS);
        for (place, digit) in digits.iter().enumerate() {
            *start.add(place) = *digit;
        }
        *start.add(digits.len()) = 0;
    }
}
