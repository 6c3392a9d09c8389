//! The `onggi` program.
//!
//! It is entered by way of the C library's `main`: Rust's own entry first reads /proc/self/maps and makes a signal stack, to
//! tell a stack overflow in better words. That costs twenty system calls, and some commands make no more than twice as many.

#![no_main]

use std::ffi::{c_char, c_int};
use std::io::Write;

/// What else Rust's entry does is done here: a closed stdio is opened (or the next file to be opened would become it), and a
/// closed pipe is an error like others.
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "the name that the C library calls")]
extern "C" fn main(_count: c_int, _arguments: *const *const c_char) -> c_int {
    onggi::cli::prepare_process();
    let status = onggi::cli::main();
    // Nobody else will: an error has been told, or can't be.
    let _ = std::io::stdout().flush();
    c_int::from(status)
}
