//! The console: who gets the terminal of a process. The one rule of `create`, `run` and `exec`.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::Foreground;
use crate::error::{Error, Result};
use crate::lifecycle::sockets;

/// For a process that nobody stays with: the socket that `--console-socket` names, if it has a terminal. Without one
/// nobody would hold the terminal; then `nobody` says what is wrong.
pub fn detached(
    console_socket: Option<&Path>,
    terminal: bool,
    nobody: impl FnOnce() -> Error,
) -> Result<Option<OwnedFd>> {
    match (console_socket, terminal) {
        (None, false) => Ok(None),
        (Some(_), false) => Err(no_terminal()),
        (Some(path), true) => connect(path).map(Some),
        (None, true) => Err(nobody()),
    }
}

/// For a process that we stay with: who stands in for it, and the socket that gets its terminal, if it has one. That is
/// ours, unless `--console-socket` names another: then only its signals and its exit status are ours.
pub fn attended(console_socket: Option<&Path>, terminal: bool) -> Result<(Foreground, Option<OwnedFd>)> {
    match (console_socket, terminal) {
        (Some(path), true) => {
            let (foreground, _) = Foreground::new(false)?;
            Ok((foreground, Some(connect(path)?)))
        }
        (Some(_), false) => Err(no_terminal()),
        (None, _) => Foreground::new(terminal),
    }
}

fn no_terminal() -> Error {
    Error::new("--console-socket", "the process has no terminal to send there")
        .hint("set process.terminal to true (`exec`: --tty), or leave the option out")
}

fn connect(path: &Path) -> Result<OwnedFd> {
    sockets::connect(path, "--console-socket")
}
