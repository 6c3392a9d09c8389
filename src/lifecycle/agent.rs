//! The agent that answers for the system calls of a container (`SCMP_ACT_NOTIFY`).

use std::io::{ErrorKind, IoSlice};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};
use serde::Serialize;

use super::State;
use super::features::SPEC_VERSION;
use super::sockets::{self, PATIENCE};
use crate::error::{Error, Result};
use crate::plan::Listener;

/// What an error names.
const PLACE: &str = "linux.seccomp.listenerPath";

/// One connection to the agent, for one process.
pub struct Agent<'a> {
    socket: OwnedFd,
    listener: &'a Listener,
}

/// What the agent is told (spec: config-linux, The Container Process State).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContainerProcessState<'a> {
    oci_version: &'a str,
    fds: [&'a str; 1],
    pid: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a str>,
    state: &'a State,
}

impl<'a> Agent<'a> {
    /// Connects, if there is an agent to connect to: before the filter is loaded, so that nothing has happened if nobody listens.
    pub fn connect(listener: Option<&'a Listener>) -> Result<Option<Self>> {
        let Some(listener) = listener else { return Ok(None) };
        let socket = sockets::connect(&listener.path, PLACE)?;
        Ok(Some(Self { socket, listener }))
    }

    /// Gives the agent `filter`, the listener of process `pid` in a container that is in `state`. One
    /// message is all: the connection is closed. The listener is the caller's to close.
    pub fn hand_over(self, filter: &OwnedFd, pid: i32, state: &State) -> Result<()> {
        let metadata = self.listener.metadata.as_deref();
        let told = ContainerProcessState { oci_version: SPEC_VERSION, fds: ["seccompFd"], pid, metadata, state };
        let text = serde_json::to_vec(&told)
            .map_err(|cause| Error::new(PLACE, format!("the container process state can't be written: {cause}")))?;
        self.send(&text, filter).map_err(|cause| {
            let cause = std::io::Error::from(cause);
            let slow = cause.kind() == ErrorKind::WouldBlock;
            let what = format!("can't send to {}", self.listener.path.display());
            let error = Error::io(PLACE, what, cause);
            if slow { error.hint(format!("nobody has read there for {PATIENCE} s")) } else { error }
        })
    }

    /// All of `text`; the descriptor goes with its beginning.
    fn send(&self, text: &[u8], filter: &OwnedFd) -> Result<(), Errno> {
        let rights = [filter.as_raw_fd()];
        let mut control = vec![ControlMessage::ScmRights(&rights)];
        let mut rest = text;
        while !rest.is_empty() {
            let parts = [IoSlice::new(rest)];
            match sendmsg::<UnixAddr>(self.socket.as_raw_fd(), &parts, &control, MsgFlags::MSG_NOSIGNAL, None) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(Errno::EINTR) => continue,
                Err(cause) => return Err(cause),
            }
            control.clear();
        }
        Ok(())
    }
}
