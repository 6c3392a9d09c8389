//! The `onggi` program.
//!
//! It is entered by way of the C library's `main`: Rust's own entry first reads /proc/self/maps and makes a signal stack, to
//! tell a stack overflow in better words. That costs twenty system calls, and some commands make no more than twice as many.

#![no_main]

use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

#[global_allocator]
static HEAP: onggi::sys::heap::Heap = onggi::sys::heap::Heap::new();

/// What else Rust's entry does is done here: a closed stdio is opened (or the next file to be opened would become it), and a
/// closed pipe is an error like others.
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "the name that the C library calls, and what it hands over")]
extern "C" fn main(count: c_int, arguments: *const *const c_char) -> c_int {
    onggi::cli::prepare_process();
    // Not from std, which knows them only where the C library is glibc.
    let argument = |at: usize| {
        // SAFETY: the C library hands over `count` strings, which stay as they are.
        let argument = unsafe { CStr::from_ptr(*arguments.add(at)) };
        OsStr::from_bytes(argument.to_bytes()).to_owned()
    };
    let arguments: Vec<OsString> = (0..usize::try_from(count).unwrap_or(0)).map(argument).collect();
    let status = onggi::cli::main(&arguments);
    // Nobody else will: an error has been told, or can't be.
    let _ = std::io::stdout().flush();
    c_int::from(status)
}
