//! The filters of `onggi::seccomp`, compared with those of libseccomp and tried on the running kernel.

// What a test can't do it says by a panic; the numbers it draws are small.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::cast_possible_truncation, clippy::format_push_string)]

mod agree;
mod eval;
mod kernel;
mod oracle;
mod profiles;
mod reading;

use onggi::seccomp::Instruction;
