//! A seccomp agent: listens at `listenerPath`, gets the listener of a container's filter, and answers for its calls.

use std::io::{IoSliceMut, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use serde_json::Value;

use super::command::{DEADLINE, ready};
use super::{Host, kernel};

/// What the agent says to a system call.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// It goes on as if there were no filter.
    Go,
    /// It fails with this error number.
    Errno(i32),
    /// It returns this, without having been made.
    Value(i64),
}

/// What an agent has seen when its process is gone.
pub struct Seen {
    /// The container process state.
    pub told: Value,
    /// The numbers of the calls that it answered for, in order.
    pub calls: Vec<i64>,
}

/// A socket at which an agent listens.
pub struct Agent {
    listener: UnixListener,
    path: PathBuf,
}

impl Agent {
    /// Listens in the test's folder.
    pub fn listen(host: &Host) -> Self {
        let path = host.folder().join("agent");
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        let (uid, gid) = host.user();
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(uid), Some(gid)).unwrap();
        }
        Self { listener, path }
    }

    /// Where.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Accepts one connection and takes what comes: the container process state, and the listener. There must be nothing
    /// more, and an end: "it MUST be closed after sending a seccomp state".
    #[track_caller]
    pub fn accept(&self) -> (Value, OwnedFd) {
        let (told, filter, mut stream) = self.take();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "something more came to the agent");
        (told, filter)
    }

    fn take(&self) -> (Value, OwnedFd, UnixStream) {
        assert!(ready(&self.listener, PollFlags::POLLIN, DEADLINE), "nobody called the agent");
        let (stream, _) = self.listener.accept().unwrap();
        assert!(ready(&stream, PollFlags::POLLIN, DEADLINE), "nothing came to the agent");
        let mut first = [0_u8; 4096];
        let mut space = nix::cmsg_space!([RawFd; 4]);
        let mut parts = [IoSliceMut::new(&mut first)];
        let message =
            recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC).unwrap();
        let length = message.bytes;
        let mut received = Vec::new();
        for control in message.cmsgs().unwrap() {
            if let ControlMessageOwned::ScmRights(fds) = control {
                received.extend(fds.into_iter().map(kernel::adopt));
            }
        }
        assert_eq!(received.len(), 1, "exactly one descriptor comes to the agent");
        (serde_json::from_slice(&first[..length]).unwrap(), received.remove(0), stream)
    }

    /// Serves one process in a thread, until the last of those that the filter holds for is gone.
    pub fn serve(self, answer: impl Fn(i64) -> Answer + Send + 'static) -> JoinHandle<Seen> {
        std::thread::spawn(move || {
            // Some runtimes are late to close the connection.
            let (told, filter, _stream) = self.take();
            let mut calls = Vec::new();
            loop {
                assert!(ready(&filter, PollFlags::POLLIN, DEADLINE), "no call came, and the process did not end");
                if hung_up(&filter) {
                    return Seen { told, calls };
                }
                match kernel::notification(&filter) {
                    Ok(Some((id, call))) => {
                        calls.push(call);
                        kernel::answer(&filter, id, answer(call));
                    }
                    // Its process is gone.
                    Ok(None) => {}
                    // So are all.
                    Err(_) => return Seen { told, calls },
                }
            }
        })
    }
}

/// Whether nobody is left whom the filter holds for. Older kernels say it here alone: there the next notification is waited
/// for without an end.
fn hung_up(filter: &OwnedFd) -> bool {
    let mut looked = [PollFd::new(filter.as_fd(), PollFlags::POLLIN)];
    poll(&mut looked, PollTimeout::ZERO).unwrap();
    looked[0].revents().is_some_and(|found| !found.contains(PollFlags::POLLIN) && found.contains(PollFlags::POLLHUP))
}
