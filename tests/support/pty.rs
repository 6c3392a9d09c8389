//! Terminals: a console socket as engines have one, and a pty as a person's shell has one.

use std::os::fd::OwnedFd;
use std::process::Command;

use nix::poll::PollFlags;
use nix::pty::{OpenptyResult, openpty};

use super::command::{DEADLINE, ready};
use super::socket::{Received, Socket};
use super::{Host, kernel};

/// The socket that `--console-socket` names. The runtime sends the terminal's controlling side there.
pub struct ConsoleSocket(Socket);

impl ConsoleSocket {
    /// Listens in the test's folder.
    pub fn listen(host: &Host) -> Self {
        Self(Socket::listen(host, "console"))
    }

    /// Its path.
    pub fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    /// Takes the terminal that a runtime sent, and the text that came with it.
    #[track_caller]
    pub fn receive(&self) -> (Pty, String) {
        let Received { text, file, .. } = self.0.receive();
        (Pty { ours: file, read: Vec::new() }, String::from_utf8_lossy(&text).into_owned())
    }
}

/// The controlling side of a terminal.
pub struct Pty {
    ours: OwnedFd,
    read: Vec<u8>,
}

impl Pty {
    /// A new terminal, with the window's size, and its other side.
    pub fn open(rows: u16, columns: u16) -> (Self, OwnedFd) {
        let OpenptyResult { master, slave } = openpty(None, None).unwrap();
        kernel::set_window(&master, rows, columns).unwrap();
        (Self { ours: master, read: Vec::new() }, slave)
    }

    /// The window's size, (rows, columns).
    pub fn window(&self) -> (u16, u16) {
        kernel::window(&self.ours).expect("it is a terminal")
    }

    /// Changes the window's size; whoever is in the foreground gets SIGWINCH.
    pub fn resize(&self, rows: u16, columns: u16) {
        kernel::set_window(&self.ours, rows, columns).unwrap();
    }

    /// Types.
    pub fn write(&self, text: &str) {
        nix::unistd::write(&self.ours, text.as_bytes()).unwrap();
    }

    /// The next line, without its end.
    #[track_caller]
    pub fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.read.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return String::from_utf8_lossy(&line).trim_end().to_owned();
            }
            assert!(self.more(), "the terminal was closed after {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    /// All until everybody has closed the other side.
    #[track_caller]
    pub fn rest(&mut self) -> String {
        while self.more() {}
        String::from_utf8_lossy(&std::mem::take(&mut self.read)).into_owned()
    }

    #[track_caller]
    fn more(&mut self) -> bool {
        assert!(ready(&self.ours, PollFlags::POLLIN, DEADLINE), "the terminal is silent");
        let mut bytes = [0; 4096];
        // A terminal whose other side is closed gives EIO.
        let count = nix::unistd::read(&self.ours, &mut bytes).unwrap_or(0);
        self.read.extend(&bytes[..count]);
        count > 0
    }
}

/// Gives `command` the terminal as its stdin, stdout, stderr and controlling terminal.
pub fn attach(command: &mut Command, terminal: &OwnedFd) {
    let copy = || terminal.try_clone().unwrap();
    command.stdin(copy()).stdout(copy()).stderr(copy());
    // By then it's at 0: the redirections come before what runs before the exec.
    kernel::control_terminal(command, 0);
}
