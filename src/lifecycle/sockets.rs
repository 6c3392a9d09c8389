//! The sockets of those that get a descriptor: console, pidfd, and the listener of a seccomp filter.

use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::socket::sockopt::SendTimeout;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, sendmsg, setsockopt, socket,
};
use nix::sys::stat::Mode;
use nix::sys::time::{TimeVal, TimeValLike};

use crate::error::{Error, Result};

/// Longest path in a socket's address (unix(7)), without its NUL.
const LONGEST: usize = 107;

/// How long one who listens and does not answer is waited for, in seconds.
pub const PATIENCE: i64 = 10;

/// Connects to the socket at `path`, which `option` named. A path that is too long for an address is reached by way of
/// its directory's descriptor. Neither connecting nor sending waits longer than [`PATIENCE`].
pub fn connect(path: &Path, option: &str) -> Result<OwnedFd> {
    let patient = |path: &Path| {
        let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
        setsockopt(&socket, SendTimeout, &TimeVal::seconds(PATIENCE))?;
        nix::sys::socket::connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
        Ok(socket)
    };
    reach(path, patient).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::WouldBlock => {
            Error::new(option, format!("{} was not answered for {PATIENCE} s", path.display()))
                .hint("somebody listens there but does not accept")
        }
        _ => unreachable(path, option, cause),
    })
}

/// Calls `connect` with a path that is short enough for an address.
fn reach<T>(path: &Path, connect: impl Fn(&Path) -> std::io::Result<T>) -> std::io::Result<T> {
    if path.as_os_str().as_bytes().len() <= LONGEST {
        return connect(path);
    }
    let parent = path.parent().unwrap_or(Path::new("/"));
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let directory = open(parent, flags, Mode::empty())?;
    let short =
        Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(path.file_name().unwrap_or_default());
    connect(&short)
}

fn unreachable(path: &Path, option: &str, cause: std::io::Error) -> Error {
    let what = format!("can't connect to {}", path.display());
    match cause.raw_os_error() {
        Some(libc::ENAMETOOLONG) => {
            Error::new(option, format!("{what}: the name is too long for a socket (unix(7) has the limit)"))
        }
        _ => Error::io(option, what, cause).hint("somebody must listen there"),
    }
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
