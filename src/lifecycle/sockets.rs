//! The sockets of engines that get a descriptor: console and pidfd.

use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};
use nix::sys::stat::Mode;

use crate::error::{Error, Result};

/// Longest path in a socket's address (unix(7)), without its NUL.
const LONGEST: usize = 107;

/// Connects to the socket at `path`, which `option` named. A path that is too long for an address is reached by way of
/// its directory's descriptor.
pub fn connect(path: &Path, option: &str) -> Result<OwnedFd> {
    let failed = |cause: std::io::Error| {
        let what = format!("can't connect to {}", path.display());
        match cause.kind() {
            std::io::ErrorKind::InvalidInput => {
                Error::new(option, format!("{what}: the name is too long for a socket (unix(7) has the limit)"))
            }
            _ => Error::io(option, what, cause).hint("somebody must listen there"),
        }
    };
    if path.as_os_str().as_bytes().len() <= LONGEST {
        return UnixStream::connect(path).map(OwnedFd::from).map_err(failed);
    }
    let parent = path.parent().unwrap_or(Path::new("/"));
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let directory = open(parent, flags, Mode::empty()).map_err(|cause| failed(cause.into()))?;
    let short =
        Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(path.file_name().unwrap_or_default());
    UnixStream::connect(short).map(OwnedFd::from).map_err(failed)
}

/// Sends `file` to whoever listens at `path`.
pub fn send(path: &Path, option: &str, file: BorrowedFd<'_>) -> Result<()> {
    let socket = connect(path, option)?;
    let rights = [file.as_raw_fd()];
    sendmsg::<UnixAddr>(
        socket.as_fd().as_raw_fd(),
        &[IoSlice::new(b"pidfd")],
        &[ControlMessage::ScmRights(&rights)],
        MsgFlags::MSG_NOSIGNAL,
        None,
    )
    .map(drop)
    .map_err(|cause| Error::io(option, format!("can't send to {}", path.display()), cause))
}
