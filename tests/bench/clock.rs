//! The wire to `clock/clock.c`, the small program that starts what is measured.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Result;
use crate::stage::Stage;

/// A program with its words and its whole environment.
#[derive(Clone, Debug)]
pub struct Call {
    pub argv: Vec<String>,
    pub env: Vec<String>,
}

/// What one program took. A request fills what it can know; the rest is zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer {
    /// Exit status, or 128 + the signal that ended it.
    pub status: i64,
    /// Nanoseconds from before the clone to after the wait.
    pub wall: i64,
    /// Nanoseconds, user and system, with the children that it reaped.
    pub cpu: i64,
    /// KiB, of the largest among it and those children.
    pub peak: i64,
    /// Minor page faults, with those children's.
    pub faults: i64,
    /// System calls, traced.
    pub calls: i64,
    /// Processes (not threads), traced.
    pub processes: i64,
}

#[derive(Clone, Copy)]
enum Kind {
    Run = 1,
    Trace = 2,
    Reap = 3,
}

static STARTED: AtomicUsize = AtomicUsize::new(0);

/// A running clock; it ends when this is dropped.
pub struct Clock {
    wire: UnixStream,
    process: Child,
    errors: PathBuf,
}

impl Clock {
    /// Starts the program. What its children write to standard error goes to a file of its own.
    pub fn start(stage: &Stage) -> Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let errors = stage.dir.join(format!("stderr-{number}"));
        let process = Command::new(&stage.clock)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stderr(File::options().create(true).append(true).open(&errors)?)
            .spawn()?;
        Ok(Self { wire: ours, process, errors })
    }

    /// Runs a program to its end and measures it.
    pub fn run(&mut self, call: &Call) -> Result<Answer> {
        self.ask(Kind::Run, 0, Some(call))
    }

    /// Runs a program to its end under ptrace and counts.
    pub fn trace(&mut self, call: &Call) -> Result<Answer> {
        self.ask(Kind::Trace, 0, Some(call))
    }

    /// Waits for a process that a program left behind and that is the clock's child since.
    pub fn reap(&mut self, pid: u32) -> Result<Answer> {
        self.ask(Kind::Reap, pid, None)
    }

    /// What was written to standard error since the last look.
    pub fn said(&self) -> String {
        let text = std::fs::read(&self.errors).unwrap_or_default();
        let _ = File::options().write(true).truncate(true).open(&self.errors);
        String::from_utf8_lossy(&text).trim().to_owned()
    }

    fn ask(&mut self, kind: Kind, pid: u32, call: Option<&Call>) -> Result<Answer> {
        let mut words = Vec::new();
        let (argv, env) = call.map_or((&[][..], &[][..]), |c| (&c.argv, &c.env));
        for word in argv.iter().chain(env) {
            words.extend_from_slice(OsStr::new(word).as_bytes());
            words.push(0);
        }
        let mut request = Vec::new();
        for number in
            [kind as u32, pid, u32::try_from(argv.len())?, u32::try_from(env.len())?, u32::try_from(words.len())?]
        {
            request.extend_from_slice(&number.to_ne_bytes());
        }
        request.extend_from_slice(&words);
        let mut bytes = [0; 56];
        let asked = self.wire.write_all(&request);
        if let Err(error) = asked.and_then(|()| self.wire.read_exact(&mut bytes)) {
            let end = self.process.wait()?;
            return Err(format!("the clock ended ({end}; {error}): {}", self.said()).into());
        }
        let mut numbers = bytes.as_chunks::<8>().0.iter().map(|b| i64::from_ne_bytes(*b));
        let mut next = || numbers.next().unwrap_or_default();
        Ok(Answer {
            status: next(),
            wall: next(),
            cpu: next(),
            peak: next(),
            faults: next(),
            calls: next(),
            processes: next(),
        })
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        let _ = self.wire.shutdown(std::net::Shutdown::Both);
        let _ = self.process.wait();
    }
}
