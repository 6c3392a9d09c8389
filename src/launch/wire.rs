//! The parent's end of the wire.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno as SystemError;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, recv, recvmsg, send, socketpair,
};

use crate::error::{Error, Result};
use crate::script::{Event, Message, Step};
use crate::sys::{Fd, owned};

/// Who takes over the listener of a filter that notifies.
pub type Agent<'a> = &'a mut dyn FnMut(OwnedFd) -> Result<()>;

/// What the child said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Something was reached; with the number that came with it.
    Event(Event, u32),
    /// A step failed.
    Fault(Step, Message),
    /// It is gone (or, once it was started: it has become the user's program).
    End,
    /// It is gone, and did not even take our last word; or took it, and ended in its startContainer hooks.
    Unheard,
}

/// A word, and the descriptor that came with it.
type Heard = (Word, Option<OwnedFd>);

/// A socket on which the child speaks; and what was heard of it too early, to be heard again.
pub struct Wire(OwnedFd, RefCell<VecDeque<Heard>>);

impl Wire {
    /// A new wire: our end, and the child's.
    pub fn new() -> Result<(Self, OwnedFd)> {
        let (ours, childs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
            .map_err(|cause| Error::io("", "can't make a socket pair", cause))?;
        Ok((Self::over(ours), childs))
    }

    /// The wire over a socket that is connected already (the start socket).
    pub fn over(socket: OwnedFd) -> Self {
        Self(socket, RefCell::default())
    }

    /// For polling.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Tells the child to go on. If it is gone, the next [`Self::hear`] says so; any other reason why it can't be told
    /// is an error here, or both would wait for ever.
    pub fn go(&self) -> Result<()> {
        loop {
            match send(self.0.as_raw_fd(), b"g", MsgFlags::MSG_NOSIGNAL) {
                Ok(_) | Err(SystemError::EPIPE | SystemError::ECONNRESET | SystemError::ENOTCONN) => return Ok(()),
                Err(SystemError::EINTR) => {}
                Err(cause) => return Err(Error::io("", "can't tell the child to go on", cause)),
            }
        }
    }

    /// Hears the child from the word to start to its end as our child: it became the program, or says why not.
    ///
    /// With a filter that notifies it first sends the listener's descriptor, which goes to `agent`; if that fails, the
    /// wire must go, and the child ends.
    pub fn hear_start(&self, mut agent: Option<Agent<'_>>) -> Result<Word> {
        let mut in_hooks = false;
        loop {
            let (word, file) = if agent.is_some() { self.hear_with_file()? } else { (self.hear()?, None) };
            match (word, file) {
                (Word::Event(Event::Hooks, run), _) => in_hooks = run != 0,
                (Word::Event(Event::Listening, _), Some(listener)) => {
                    if let Some(agent) = agent.take() {
                        agent(listener)?;
                    }
                    self.go()?;
                }
                (Word::End, _) if in_hooks => return Ok(Word::Unheard),
                (word, _) => return Ok(word),
            }
        }
    }

    /// Has `words` heard once more, before all others.
    pub fn unhear(&self, words: Vec<Heard>) {
        self.1.borrow_mut().extend(words);
    }

    /// Whether there is a word that need not be waited for.
    pub fn has_early(&self) -> bool {
        !self.1.borrow().is_empty()
    }

    /// The child's next word, and the descriptor that came with it.
    pub fn hear_with_file(&self) -> Result<Heard> {
        if let Some(heard) = self.1.borrow_mut().pop_front() {
            return Ok(heard);
        }
        let mut bytes = [0; Message::SIZE];
        let mut space = nix::cmsg_space!(RawFd);
        loop {
            let mut parts = [IoSliceMut::new(&mut bytes)];
            let flags = MsgFlags::MSG_WAITALL | MsgFlags::MSG_CMSG_CLOEXEC;
            match recvmsg::<()>(self.0.as_raw_fd(), &mut parts, Some(&mut space), flags) {
                Ok(heard) => {
                    let files = heard.cmsgs().into_iter().flatten().find_map(|message| match message {
                        ControlMessageOwned::ScmRights(files) => files.first().copied(),
                        _ => None,
                    });
                    let whole = heard.bytes == Message::SIZE;
                    let word = if whole { meaning(Message::from_bytes(bytes)) } else { Word::End };
                    return Ok((word, files.map(|file| owned(Fd(file)))));
                }
                Err(SystemError::ECONNRESET) => return Ok((Word::Unheard, None)),
                Err(SystemError::EINTR) => {}
                Err(cause) => return Err(Error::io("", "can't hear from the child", cause)),
            }
        }
    }

    /// Waits for the child's next word.
    pub fn hear(&self) -> Result<Word> {
        if let Some((word, _)) = self.1.borrow_mut().pop_front() {
            return Ok(word);
        }
        let mut bytes = [0; Message::SIZE];
        loop {
            match recv(self.0.as_raw_fd(), &mut bytes, MsgFlags::MSG_WAITALL) {
                Ok(Message::SIZE) => return Ok(meaning(Message::from_bytes(bytes))),
                // Nothing, or a piece of a word: it ended.
                Ok(_) => return Ok(Word::End),
                Err(SystemError::ECONNRESET) => return Ok(Word::Unheard),
                Err(SystemError::EINTR) => {}
                Err(cause) => return Err(Error::io("", "can't hear from the child", cause)),
            }
        }
    }
}

fn meaning(message: Message) -> Word {
    for event in [Event::Reborn, Event::Namespaced, Event::Ready, Event::Listening, Event::Hooks] {
        if message.what == event as u32 {
            return Word::Event(event, message.extra);
        }
    }
    Step::from_number(message.what).map_or(Word::End, |step| Word::Fault(step, message))
}
