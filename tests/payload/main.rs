//! The payload: the static program that the tests start inside a container.
//!
//! Its arguments are *deeds*, done one after the other: `payload report sleep` says what it sees
//! and then stays until a signal ends it. A test thus looks at a container from inside, and its
//! config says with plain arguments what the container's process does. The deeds are listed in
//! [`deeds::run`], what a report holds in [`report::report`]. A deed that fails ends the payload
//! with exit status 70 and a sentence on stderr, so no test takes a broken deed for a result.

#![no_main]

mod caps;
mod deeds;
mod files;
mod identity;
mod isolation;
mod kernel;
mod probes;
mod report;
mod status;

use std::ffi::{c_char, c_int};

/// The exit status of a payload that could not do what it was told (sysexits' `EX_SOFTWARE`).
const BROKEN: c_int = 70;

/// The C entry point. Rust's own would first ignore SIGPIPE, catch SIGSEGV and SIGBUS and open
/// standard streams that are closed: just what a test wants to see as the runtime left it.
#[allow(unsafe_code)]
// SAFETY: the one `main` of this program, with the signature that C's start code calls.
#[unsafe(no_mangle)]
pub extern "C" fn main(_count: c_int, _arguments: *const *const c_char) -> c_int {
    let words: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    match deeds::run(words.into()) {
        Ok(code) => code.into(),
        Err(cause) => {
            eprintln!("payload: {cause}");
            BROKEN
        }
    }
}
