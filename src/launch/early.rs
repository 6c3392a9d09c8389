//! A filter that notifies, loaded before its agent can be told of it: until then we answer in its place.
//!
//! Only the child has the filter then, and what it does is ours: so every call goes on as if there were no filter.

use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::interrupts::Interrupts;
use crate::error::{Error, Result};
use crate::sys::{Fd, notify};

/// The listener, from when the child has sent it until the agent gets it.
#[derive(Default)]
pub struct Early {
    listener: RefCell<Option<OwnedFd>>,
    /// Whether the child has come to where it waits for our last word.
    waits: Cell<bool>,
}

impl Early {
    /// Keeps the listener.
    pub fn keep(&self, listener: OwnedFd) {
        self.listener.replace(Some(listener));
    }

    /// Whether there is one.
    pub fn is_kept(&self) -> bool {
        self.listener.borrow().is_some()
    }

    /// Gives the listener away: from here on it is the agent who answers.
    pub fn take(&self) -> Option<OwnedFd> {
        self.listener.take()
    }

    /// Waits until `file` can be read, and has all calls that are made meanwhile go on; an error if a signal comes first.
    pub fn wait_for(&self, file: BorrowedFd<'_>, interrupts: &Interrupts) -> Result<()> {
        while self.turn(Some(file), interrupts)? == Turn::Answered {}
        Ok(())
    }

    /// Has calls go on until one of them is the child's last wait, if none was yet: the child may be quicker than what it said.
    pub fn answer_wait(&self, interrupts: &Interrupts) -> Result<()> {
        while !self.waits.get() && self.turn(None, interrupts)? == Turn::Answered {}
        Ok(())
    }

    fn turn(&self, file: Option<BorrowedFd<'_>>, interrupts: &Interrupts) -> Result<Turn> {
        let listener = self.listener.borrow();
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
                // With the filter loaded it reads nothing else. (Its process may have been killed meanwhile.)
                if notify::let_go(Fd(listener.as_raw_fd())).is_ok_and(|call| i64::from(call) == libc::SYS_read) {
                    self.waits.set(true);
                }
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

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::sync::mpsc;

    use nix::unistd::{pipe, read, write};

    use super::*;
    use crate::sys::{abi, owned, process};

    /// A thread whose `read` is asked about. It waits before anybody knows that it does, as a child may that is quicker than
    /// what it said.
    #[test]
    fn a_wait_that_came_early_is_not_waited_for() {
        // Load the number; is it `read`? Then the listener is asked (SECCOMP_RET_USER_NOTIF), or else it is allowed.
        let read_asks = [
            0x20,
            0x15 | 1 << 24 | (libc::SYS_read.cast_unsigned()) << 32,
            0x06 | 0x7fc0_0000 << 32,
            0x06 | 0x7fff_0000 << 32,
        ];
        let ((word, say), (heard, answer)) = (pipe().unwrap(), pipe().unwrap());
        let (listener, arrives) = mpsc::channel();
        let child = std::thread::spawn(move || {
            process::prctl(abi::PR_SET_NO_NEW_PRIVS, 1).unwrap();
            // SECCOMP_FILTER_FLAG_NEW_LISTENER
            listener.send(process::seccomp(&read_asks, 1 << 3).unwrap()).unwrap();
            read(&word, &mut [0]).unwrap();
            write(&answer, b"r").unwrap();
        });
        write(&say, b"g").unwrap();
        let (early, interrupts) = (Early::default(), Interrupts::hold().unwrap());
        early.keep(owned(arrives.recv().unwrap()));
        early.wait_for(heard.as_fd(), &interrupts).unwrap();
        assert!(early.waits.get());
        early.answer_wait(&interrupts).unwrap();
        child.join().unwrap();
    }
}
