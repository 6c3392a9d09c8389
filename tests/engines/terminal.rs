//! A person at a terminal: a pty whose slave is the controlling terminal of a command.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::{Winsize, openpty};
use nix::unistd::ttyname;

use crate::command::{Verdict, failed, plain, shell, wait};

/// A command on its terminal.
pub struct Terminal {
    line: String,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    /// The name of the slave's device, for `stty`.
    device: String,
    /// Until its end was waited for.
    child: Option<Child>,
    shown: Vec<u8>,
    /// How much of `shown` was expected already.
    seen: usize,
    deadline: Duration,
}

impl Terminal {
    /// Starts a line of shell on a new terminal of this size, in a session of its own.
    pub fn open(line: &str, rows: u16, columns: u16, deadline: Duration) -> Verdict<Self> {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None)?;
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
        let device = ttyname(&pty.slave)?.display().to_string();
        // setsid(1) makes the slave the controlling terminal, and becomes the command: no fork,
        // since it does not lead a process group.
        let child = Command::new("setsid")
            .args(["--ctty", "/bin/sh", "-c", line])
            .env("TERM", "xterm")
            .stdin(Stdio::from(pty.slave.try_clone()?))
            .stdout(Stdio::from(pty.slave.try_clone()?))
            .stderr(Stdio::from(pty.slave))
            .spawn()?;
        let keyboard = File::from(pty.master);
        let master = keyboard.try_clone()?;
        let (show, screen) = channel();
        thread::Builder::new().spawn(move || emulate(master, &show, rows, columns))?;
        Ok(Self {
            line: line.to_owned(),
            keyboard,
            screen,
            device,
            child: Some(child),
            shown: Vec::new(),
            seen: 0,
            deadline,
        })
    }

    /// Types, without a newline of its own.
    pub fn types(&mut self, text: &str) -> Verdict {
        Ok(self.keyboard.write_all(text.as_bytes())?)
    }

    /// Waits until this is shown after what was expected last.
    pub fn expect(&mut self, text: &str) -> Verdict {
        match self.look(text, self.deadline) {
            Ok(()) => Ok(()),
            Err(RecvTimeoutError::Timeout) => self.wrong(text, "not in time"),
            Err(RecvTimeoutError::Disconnected) => self.wrong(text, "the end"),
        }
    }

    /// Whether this is shown within so much time, after what was expected last.
    pub fn shows(&mut self, text: &str, within: Duration) -> bool {
        self.look(text, within).is_ok()
    }

    fn look(&mut self, text: &str, within: Duration) -> Result<(), RecvTimeoutError> {
        let begun = Instant::now();
        loop {
            let new = String::from_utf8_lossy(&self.shown[self.seen..]).into_owned();
            if let Some(at) = new.find(text) {
                self.seen += at + text.len();
                return Ok(());
            }
            let left = within.saturating_sub(begun.elapsed());
            self.shown.extend(self.screen.recv_timeout(left)?);
        }
    }

    /// Makes the window another size, as a terminal emulator would: the foreground gets SIGWINCH.
    pub fn resizes(&self, rows: u16, columns: u16) -> Verdict {
        let line = format!("stty -F {} rows {rows} columns {columns}", self.device);
        shell(&line, "", self.deadline)?.works()
    }

    /// The command ends with this exit status.
    pub fn ends_with(mut self, expected: i32) -> Verdict {
        let Some(child) = self.child.take() else {
            return Ok(());
        };
        match wait(child, self.deadline)?.map(plain) {
            Some(status) if status == expected => Ok(()),
            Some(status) => self.wrong(&format!("exit status {expected}"), &format!("it was {status}")),
            None => self.wrong(&format!("exit status {expected}"), "not in time"),
        }
    }

    fn wrong(&mut self, what: &str, how: &str) -> Verdict {
        self.shown.extend(self.screen.try_iter().flatten());
        let shown = String::from_utf8_lossy(&self.shown);
        Err(failed(format!("$ {}\nexpected on the terminal: {what}; {how}\n{shown}", self.line)))
    }
}

/// Asks a terminal where its cursor is.
const WHERE: &[u8] = b"\x1b[6n";

/// What a terminal emulator does until the last slave is closed (on a pty that is an error, EIO): it shows what is written, and
/// answers who asks where the cursor is. redis-cli asks, and waits, where Docker has not told the size of the window yet.
fn emulate(mut master: File, show: &Sender<Vec<u8>>, rows: u16, columns: u16) {
    let mut bytes = [0; 4096];
    // The end of what came before: a question may come in pieces.
    let mut tail = Vec::new();
    while let Ok(count @ 1..) = master.read(&mut bytes) {
        let new = &bytes[..count];
        tail.extend_from_slice(new);
        if tail.windows(WHERE.len()).any(|part| part == WHERE) {
            // In one piece: what is typed just now must not come into the midst of it.
            let answer = format!("\x1b[{rows};{columns}R");
            if master.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
        tail.drain(..tail.len().saturating_sub(WHERE.len() - 1));
        if show.send(new.to_vec()).is_err() {
            return;
        }
    }
}

/// Nothing on a terminal outlives its row.
impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
