//! A filter that notifies, loaded before its agent can be told of it: until then we answer in its place.
//!
//! Only the child has the filter then, and what it does is ours: so every call goes on as if there were no filter.

use std::cell::RefCell;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::interrupts::Interrupts;
use crate::error::{Error, Result};
use crate::sys::{Fd, notify};

/// The listener, from when the child has sent it until the agent gets it.
#[derive(Default)]
pub struct Early(RefCell<Option<OwnedFd>>);

impl Early {
    /// Keeps the listener.
    pub fn keep(&self, listener: OwnedFd) {
        self.0.replace(Some(listener));
    }

    /// Whether there is one.
    pub fn is_kept(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Gives the listener away: from here on it is the agent who answers.
    pub fn take(&self) -> Option<OwnedFd> {
        self.0.take()
    }

    /// Waits until `file` can be read, and has all calls that are made meanwhile go on; an error if a signal comes first.
    pub fn wait_for(&self, file: BorrowedFd<'_>, interrupts: &Interrupts) -> Result<()> {
        while self.turn(Some(file), interrupts)? == Turn::Answered {}
        Ok(())
    }

    /// Waits for one call, and has it go on.
    pub fn answer(&self, interrupts: &Interrupts) -> Result<()> {
        self.turn(None, interrupts).map(drop)
    }

    fn turn(&self, file: Option<BorrowedFd<'_>>, interrupts: &Interrupts) -> Result<Turn> {
        let listener = self.0.borrow();
        let mut files = vec![PollFd::new(interrupts.as_fd(), PollFlags::POLLIN)];
        files.extend(
            file.into_iter().chain(listener.as_ref().map(AsFd::as_fd)).map(|it| PollFd::new(it, PollFlags::POLLIN)),
        );
        loop {
            match poll(&mut files, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(cause) => return Err(Error::io("", "can't wait for the child", cause)),
            }
            if file.is_some() && files[1].any() == Some(true) {
                return Ok(Turn::Readable);
            }
            interrupts.check()?;
            let Some(listener) = listener.as_ref() else { continue };
            let events = files.last().and_then(PollFd::revents).unwrap_or(PollFlags::empty());
            if events.contains(PollFlags::POLLIN) {
                // Its process may have been killed meanwhile.
                let _ = notify::let_go(Fd(listener.as_raw_fd()));
                return Ok(Turn::Answered);
            }
            // Nobody is left whom the filter holds for.
            if !events.is_empty() {
                files.pop();
                if file.is_none() {
                    return Ok(Turn::Readable);
                }
            }
        }
    }
}

/// What a wait came to.
#[derive(PartialEq, Eq)]
enum Turn {
    /// The file can be read, or there is nothing more to wait for.
    Readable,
    /// A call was answered.
    Answered,
}
