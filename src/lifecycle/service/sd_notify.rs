//! `NOTIFY_SOCKET`: a service manager learns from the container's own program that it is ready (sd_notify(3)).
//!
//! A container can't reach its manager's socket, and what it said there would be taken for ours. So it gets a socket of
//! its own, `/run/notify/notify.sock`, in a directory of the container's state that is bound there read-only; and what
//! arrives is passed on as far as it is the container's business. The socket is made by whoever starts the container, and
//! lives as long as that command: `run` passes everything on, `start` and `run --detach` wait for `READY=1`, say it
//! together with `MAINPID=`, and end.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat, mkdirat};
use oci_spec::runtime::{Mount, Spec};

use crate::error::{Error, Result};
use crate::state::{Entry, Id, Store};

/// The directory in the container's state.
const DIRECTORY: &str = "notify";
/// Where the container sees it.
const INSIDE: &str = "/run/notify";
const SOCKET: &str = "notify.sock";

/// What a container may say of itself. Not `MAINPID=` and the like: ids of its own namespaces, and descriptors to be kept.
const PASSED_ON: [&str; 7] =
    ["READY=1", "RELOADING=1", "STOPPING=1", "STATUS=", "ERRNO=", "WATCHDOG=1", "EXTEND_TIMEOUT_USEC="];

/// How many messages are passed on before something else is looked at.
const AT_ONCE: usize = 8;

/// How long a manager may take that has more to read than it holds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether our caller is a service manager that wants to know.
pub fn wanted() -> bool {
    manager().is_some()
}

/// The manager's socket: a path, or an abstract name after an `@`.
fn manager() -> Option<SocketAddr> {
    let name = std::env::var_os("NOTIFY_SOCKET")?;
    match name.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(&name).ok(),
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest).ok(),
        _ => None,
    }
}

/// Adds the mount and the variable to the config of a new container.
pub fn add(spec: &mut Spec, store: &Store, id: &Id) -> Result<()> {
    let source = store.path().join(id.as_str()).join(DIRECTORY);
    let source = std::path::absolute(&source).map_err(|cause| Error::io("NOTIFY_SOCKET", "has no place", cause))?;
    let mut mount = Mount::default();
    let options = ["bind", "ro", "nosuid", "nodev", "noexec"].map(str::to_owned).to_vec();
    mount
        .set_destination(INSIDE.into())
        .set_source(Some(source))
        .set_typ(Some("bind".into()))
        .set_options(Some(options));
    let mut mounts = spec.mounts().clone().unwrap_or_default();
    mounts.push(mount);
    spec.set_mounts(Some(mounts));
    if let Some(process) = spec.process_mut() {
        let mut env = process.env().clone().unwrap_or_default();
        env.push(format!("NOTIFY_SOCKET={INSIDE}/{SOCKET}"));
        process.set_env(Some(env));
    }
    Ok(())
}

/// Makes the directory that [`add`] has named; any user of the container may enter it.
pub fn make_directory(entry: &Entry) -> Result<()> {
    let mode = Mode::from_bits_truncate(0o755);
    mkdirat(entry.directory(), DIRECTORY, mode)
        .and_then(|()| fchmodat(entry.directory(), DIRECTORY, mode, FchmodatFlags::FollowSymlink))
        .map_err(|cause| Error::io("NOTIFY_SOCKET", "its directory can't be made", cause))
}

/// The container's socket and the manager's.
pub struct Notify {
    socket: UnixDatagram,
    manager: SocketAddr,
}

impl Notify {
    /// Makes the container's socket; `None` if nobody wants to know, or if the container was made without the directory.
    pub fn listen(entry: &Entry) -> Result<Option<Self>> {
        let Some(manager) = manager() else { return Ok(None) };
        let directory = entry.start_socket().with_file_name(DIRECTORY);
        let path = directory.join(SOCKET);
        // One that an earlier start has left.
        let _ = std::fs::remove_file(&path);
        let failed = |cause: std::io::Error| Error::io("NOTIFY_SOCKET", "the container's socket can't be made", cause);
        let socket = match UnixDatagram::bind(&path) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            bound => bound.map_err(failed)?,
        };
        let mode = Mode::from_bits_truncate(0o777);
        // No link: an ordinary user's container can make its mount of the directory writable again, and the directory is its own.
        fchmodat(AT_FDCWD, &path, mode, FchmodatFlags::NoFollowSymlink).map_err(|cause| failed(cause.into()))?;
        socket.set_nonblocking(true).map_err(failed)?;
        Ok(Some(Self { socket, manager }))
    }

    /// To be polled.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Passes on what has arrived, with `more` after a `READY=1`; whether that was among it. Not all of it at once: a
    /// container may say more than can be passed on, and its caller has other things to attend to.
    pub fn pass_on(&self, more: &str) -> bool {
        let mut message = [0; 4096];
        let mut ready = false;
        for _ in 0..AT_ONCE {
            let Ok(length) = self.socket.recv(&mut message) else { break };
            let text = String::from_utf8_lossy(&message[..length]);
            let (passed, says_ready) = passed(&text, more);
            ready |= says_ready;
            if !passed.is_empty() && self.tell(&passed).is_err() {
                break;
            }
        }
        ready
    }

    fn tell(&self, text: &str) -> std::io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.send_to_addr(text.as_bytes(), &self.manager).map(drop)
    }

    /// Waits until the container, whose init is `pid` behind `pidfd`, has said that it is ready, and says so.
    pub fn wait_ready(&self, id: &Id, pid: i32, pidfd: BorrowedFd<'_>) -> Result<()> {
        let more = format!("MAINPID={pid}\n");
        loop {
            let mut fds = [PollFd::new(pidfd, PollFlags::POLLIN), PollFd::new(self.fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(cause) => return Err(Error::io("NOTIFY_SOCKET", "can't wait for READY=1", cause)),
            }
            let ended = fds[0].any() == Some(true);
            if self.pass_on(&more) {
                return Ok(());
            }
            if ended {
                return Err(Error::new(id.as_str(), "the container ended before it said that it is ready")
                    .hint("NOTIFY_SOCKET is set, so its program has to send READY=1: sd_notify(3)"));
            }
        }
    }
}

/// The lines of `text` that are passed on, with `more` after the one that says `READY=1`, and whether there is one.
fn passed(text: &str, more: &str) -> (String, bool) {
    let mut passed = String::new();
    let mut ready = false;
    for line in text.lines().filter(|line| {
        PASSED_ON.iter().any(|start| match start.strip_suffix('=') {
            Some(name) => line.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')),
            None => line == start,
        })
    }) {
        passed.push_str(line);
        passed.push('\n');
        if line == "READY=1" {
            ready = true;
            passed.push_str(more);
        }
    }
    (passed, ready)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::{AT_ONCE, Notify, SocketAddr, SocketAddrExt, passed};

    /// Who speaks all the time does not keep us from the rest: what is left wakes the next poll.
    #[test]
    fn not_all_at_once() {
        let name = format!("onggi-test-{}", std::process::id());
        let manager = SocketAddr::from_abstract_name(&name).unwrap();
        let (container, socket) = UnixDatagram::pair().unwrap();
        socket.set_nonblocking(true).unwrap();
        for _ in 0..=AT_ONCE {
            container.send(b"X=1").unwrap();
        }
        let notify = Notify { socket, manager };
        assert!(!notify.pass_on(""));
        assert_eq!(notify.socket.recv(&mut [0; 8]).unwrap(), 3);
        assert!(notify.socket.recv(&mut [0; 8]).is_err());
    }

    #[test]
    fn only_what_is_the_containers_business() {
        let said = "MAINPID=1\nREADY=1\nSTATUS=at work\nFDSTORE=1\nREADY=12\nBUSERROR=x\n";
        assert_eq!(passed(said, "MAINPID=77\n"), ("READY=1\nMAINPID=77\nSTATUS=at work\n".to_owned(), true));
        assert_eq!(passed("STATUS=x\0", ""), ("STATUS=x\0\n".to_owned(), false));
        assert_eq!(passed("FDSTOREREMOVE=1", "M"), (String::new(), false));
    }
}
