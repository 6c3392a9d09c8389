//! Standard output.

use std::io::{ErrorKind, Write, stdout};

use serde::Serialize;

use crate::error::{Error, Result};

/// Prints `text`. A reader that has heard enough (`onggi list | head -1`) is no error.
pub fn print(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => {
            Err(Error::io("standard output", "can't be written to", cause))
        }
        _ => Ok(()),
    }
}

/// Prints `value` as JSON on one line; whether somebody still reads.
pub fn print_json_line(value: &impl Serialize) -> Result<bool> {
    let line = serde_json::to_string(value).map_err(not_json)? + "\n";
    let mut out = stdout().lock();
    match out.write_all(line.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(cause) if cause.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(cause) => Err(Error::io("standard output", "can't be written to", cause)),
    }
}

/// Prints `value` as JSON on one line.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    print(&(serde_json::to_string(value).map_err(not_json)? + "\n"))
}

/// Prints `value` as JSON for people and engines alike: indented by two.
pub fn print_json_indented(value: &impl Serialize) -> Result<()> {
    print(&(serde_json::to_string_pretty(value).map_err(not_json)? + "\n"))
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed over by map_err")]
fn not_json(cause: serde_json::Error) -> Error {
    Error::new("", format!("can't be written as JSON: {cause}"))
}
