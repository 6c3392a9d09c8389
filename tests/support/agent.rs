//! A seccomp agent: listens at `listenerPath`, gets the listener of a container's filter, and answers for its calls.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::thread::JoinHandle;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;

use super::command::{DEADLINE, ready};
use super::socket::{Received, Socket};
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

/// An agent that listens.
pub struct Agent(Socket);

impl Agent {
    /// Listens in the test's folder.
    pub fn listen(host: &Host) -> Self {
        Self(Socket::listen(host, "agent"))
    }

    /// Where.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Accepts one connection and takes what comes: the container process state, and the listener. There must be nothing
    /// more, and an end: "it MUST be closed after sending a seccomp state".
    #[track_caller]
    pub fn accept(&self) -> (Value, OwnedFd) {
        let Received { text, file, mut stream } = self.0.receive();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "something more came to the agent");
        (serde_json::from_slice(&text).unwrap(), file)
    }

    /// Serves one process in a thread, until the last of those that the filter holds for is gone.
    pub fn serve(self, answer: impl Fn(i64) -> Answer + Send + 'static) -> JoinHandle<Seen> {
        std::thread::spawn(move || {
            // Some runtimes are late to close the connection.
            let Received { text, file: filter, stream: _stream } = self.0.receive();
            let told = serde_json::from_slice(&text).unwrap();
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
