//! `LISTEN_PID`: whom the descriptors of socket activation are for (sd_listen_fds(3)), as the container counts.

use core::ffi::CStr;

use crate::script::{LISTEN_PID, Process};
use crate::sys::process;

/// Writes the number of this process in the place that the environment has for it.
pub fn name(process: &Process, envp: usize) {
    if !process.listens.is() {
        return;
    }
    let mut entry = envp as *const usize;
    // SAFETY: the vector ends with a null entry, and each entry before it is a NUL-terminated string; they lie in the
    // script, which is private to this process and writable, or, HOME alone, in our own buffer.
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
/// `text` must be a writable copy of [`LISTEN_PID`].
unsafe fn write(text: *mut u8) {
    let mut digits = [0; 10];
    let mut rest = process::pid().cast_unsigned();
    let mut count = 0;
    for digit in &mut digits {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    // SAFETY: the caller's; the zeros have room for ten digits, and the NUL goes at most where there is one.
    unsafe {
        let start = text.add(LISTEN_PID.count_bytes() - digits.len());
        for (place, digit) in digits.iter().take(count).rev().enumerate() {
            *start.add(place) = *digit;
        }
        *start.add(count) = 0;
    }
}
