//! A connection to systemd: saying who we are, calls and their replies, signals that come in between.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::sockopt::SendTimeout;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket};
use nix::sys::time::TimeVal;

use super::address::{Address, Socket};
use super::wire::{self, Call, Message};

/// How long anything of it may take: systemd may be at work on a whole machine's units.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// More signals in between than anybody needs to remember.
const MOST_SIGNALS: usize = 1024;
/// The longest answer while we say who we are.
const LONGEST_LINE: usize = 4096;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It says no: the error's name and text.
    Refused(String, String),
    /// It says nothing until the deadline.
    Silent,
    /// We are to stop waiting.
    Interrupted,
    /// It, or the way to it, is broken.
    Broken(String),
}

/// A connection.
pub struct Connection {
    stream: UnixStream,
    serial: u32,
    unread: Vec<u8>,
    signals: VecDeque<Message>,
    /// What ends waiting for a signal when it can be read.
    interrupt: Option<OwnedFd>,
}

impl Connection {
    /// Connects, says who we are, and has systemd tell of jobs.
    pub fn open(address: &Address, deadline: Instant) -> Result<Self, Failure> {
        let broken = |cause: Errno| Failure::Broken(cause.desc().to_lowercase());
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None).map_err(broken)?;
        // connect(2) waits as long as this where there are too many before us.
        let most = deadline.saturating_duration_since(Instant::now()).as_secs().max(1);
        setsockopt(&socket, SendTimeout, &TimeVal::new(most.cast_signed(), 0)).map_err(broken)?;
        let to = match &address.socket {
            Socket::Path(path) => UnixAddr::new(path),
            Socket::Abstract(name) => UnixAddr::new_abstract(name),
        };
        connect(std::os::fd::AsRawFd::as_raw_fd(&socket), &to.map_err(broken)?).map_err(broken)?;
        Self::greet(socket.into(), address.bus, deadline)
    }

    /// The same over a socket that is connected already.
    pub(super) fn greet(stream: UnixStream, bus: bool, deadline: Instant) -> Result<Self, Failure> {
        let mut connection = Self { stream, serial: 0, unread: Vec::new(), signals: VecDeque::new(), interrupt: None };
        // Who we are the kernel tells. An id of ours would be the wrong one from within a user namespace. All of it in one: what
        // systemd reads together with the last line but not as a part of it, it forgets until there is more.
        connection.send(b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n")?;
        loop {
            let line = connection.line(deadline)?;
            match line.split(' ').next() {
                Some("OK") => break,
                Some("DATA") => {}
                Some("REJECTED") => return Err(Failure::Broken("it does not let this user in".into())),
                _ => return Err(Failure::Broken(format!("it answers {line:?} when we say who we are"))),
            }
        }
        if bus {
            let to_bus = |member, signature, body| Call {
                destination: "org.freedesktop.DBus",
                path: "/org/freedesktop/DBus",
                interface: "org.freedesktop.DBus",
                member,
                signature,
                body,
            };
            connection.call(&to_bus("Hello", "", wire::Writer::default()), deadline)?;
            let mut rule = wire::Writer::default();
            rule.text(
                "type='signal',sender='org.freedesktop.systemd1',interface='org.freedesktop.systemd1.Manager',\
                 member='JobRemoved'",
            );
            connection.call(&to_bus("AddMatch", "s", rule), deadline)?;
        }
        Ok(connection)
    }

    /// From now on waits for signals end when `interrupt` can be read; with `None` they don't any more. Replies are always
    /// waited for: without one nobody knows what was done.
    pub fn interrupted_by(&mut self, interrupt: Option<OwnedFd>) {
        self.interrupt = interrupt;
    }

    /// Calls, and waits for the reply. Signals that come before it are kept.
    pub fn call(&mut self, call: &Call<'_>, deadline: Instant) -> Result<Message, Failure> {
        self.serial += 1;
        let serial = self.serial;
        self.send(&call.to_bytes(serial))?;
        loop {
            let message = self.receive(deadline, false)?;
            match message.kind {
                wire::REPLY if message.reply_to == Some(serial) => return Ok(message),
                wire::ERROR if message.reply_to == Some(serial) => {
                    let text = message.first_text().unwrap_or_default();
                    return Err(Failure::Refused(message.error.unwrap_or_default(), text));
                }
                wire::SIGNAL => {
                    if self.signals.len() == MOST_SIGNALS {
                        self.signals.pop_front();
                    }
                    self.signals.push_back(message);
                }
                _ => {}
            }
        }
    }

    /// The next signal, of those that were kept or to come.
    pub fn signal(&mut self, deadline: Instant) -> Result<Message, Failure> {
        loop {
            if let Some(message) = self.signals.pop_front() {
                return Ok(message);
            }
            let message = self.receive(deadline, true)?;
            if message.kind == wire::SIGNAL {
                return Ok(message);
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        // The send timeout of the socket is its deadline.
        self.stream.write_all(bytes).map_err(|cause| match cause.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Failure::Silent,
            _ => Failure::Broken(crate::error::cause_text(&cause)),
        })
    }

    fn receive(&mut self, deadline: Instant, interruptible: bool) -> Result<Message, Failure> {
        let malformed = |_| Failure::Broken("it says what is no D-Bus message".into());
        while self.unread.len() < wire::HEAD {
            self.more(deadline, interruptible)?;
        }
        let length = wire::length(&self.unread[..wire::HEAD]).map_err(malformed)?;
        while self.unread.len() < length {
            self.more(deadline, false)?;
        }
        let rest = self.unread.split_off(length);
        let message = std::mem::replace(&mut self.unread, rest);
        Message::parse(&message).map_err(malformed)
    }

    /// A line, while we say who we are.
    fn line(&mut self, deadline: Instant) -> Result<String, Failure> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.unread.len() > LONGEST_LINE {
                return Err(Failure::Broken("it does not speak D-Bus".into()));
            }
            self.more(deadline, false)?;
        }
    }

    /// Reads what there is, at least a byte.
    fn more(&mut self, deadline: Instant, interruptible: bool) -> Result<(), Failure> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
            let file = |file| PollFd::new(file, PollFlags::POLLIN);
            let interrupt = self.interrupt.as_ref().filter(|_| interruptible);
            let mut files = [file(self.stream.as_fd()), file(interrupt.map_or(self.stream.as_fd(), AsFd::as_fd))];
            match poll(&mut files, timeout) {
                Ok(0) if Instant::now() >= deadline => return Err(Failure::Silent),
                Ok(0) | Err(Errno::EINTR) => continue,
                Ok(_) if interrupt.is_some() && files[1].any() == Some(true) => return Err(Failure::Interrupted),
                Ok(_) => {}
                Err(cause) => return Err(Failure::Broken(cause.desc().to_lowercase())),
            }
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(Failure::Broken("it has closed the connection".into())),
                Ok(count) => {
                    self.unread.extend(&bytes[..count]);
                    return Ok(());
                }
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) => return Err(Failure::Broken(crate::error::cause_text(&cause))),
            }
        }
    }
}
