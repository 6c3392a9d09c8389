//! A unix socket at which somebody waits for a descriptor: a console socket's owner, a seccomp agent.

use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::poll::PollFlags;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

use super::command::{DEADLINE, ready};
use super::{Host, kernel};

/// A socket that listens.
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

/// One message: what was said, the descriptor that came with it, and the connection.
pub struct Received {
    pub text: Vec<u8>,
    pub file: OwnedFd,
    pub stream: UnixStream,
}

impl Socket {
    /// Listens in the test's folder, under this name; the host's user may connect.
    pub fn listen(host: &Host, name: &str) -> Self {
        let path = host.folder().join(name);
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

    /// Accepts a connection and takes its first message, with which exactly one descriptor comes.
    #[track_caller]
    pub fn receive(&self) -> Received {
        let at = self.path.display();
        assert!(ready(&self.listener, PollFlags::POLLIN, DEADLINE), "nobody called {at}");
        let (stream, _) = self.listener.accept().unwrap();
        assert!(ready(&stream, PollFlags::POLLIN, DEADLINE), "nothing came to {at}");
        let mut text = vec![0_u8; 4096];
        let mut space = nix::cmsg_space!([RawFd; 4]);
        let mut parts = [IoSliceMut::new(&mut text)];
        let message =
            recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC).unwrap();
        let length = message.bytes;
        let mut files = Vec::new();
        for control in message.cmsgs().unwrap() {
            if let ControlMessageOwned::ScmRights(numbers) = control {
                files.extend(numbers.into_iter().map(kernel::adopt));
            }
        }
        assert_eq!(files.len(), 1, "exactly one descriptor comes to {at}");
        text.truncate(length);
        Received { text, file: files.remove(0), stream }
    }
}
