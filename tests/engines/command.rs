//! A command with a deadline, and what must be true of what it did.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// Why something is not as it must be, or was not asked.
pub enum Trouble {
    /// It is wrong: the whole story, several lines.
    Failed(String),
    /// It can't be asked here, and why.
    Skipped(String),
}

/// What a step comes to.
pub type Verdict<T = ()> = Result<T, Trouble>;

/// A [`Trouble::Failed`].
pub fn failed(why: impl Into<String>) -> Trouble {
    Trouble::Failed(why.into())
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(why) | Self::Skipped(why) => out.write_str(why),
        }
    }
}

/// For steps of the test itself, whose failure needs no more than the place in the message.
impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        failed(format!("the test itself: {error}"))
    }
}

impl From<nix::Error> for Trouble {
    fn from(error: nix::Error) -> Self {
        failed(format!("the test itself: {error}"))
    }
}

/// A command that has ended.
#[must_use]
pub struct Ran {
    line: String,
    /// The exit status; 128+n for signal n.
    pub status: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// Wall time.
    pub took: Duration,
}

/// Runs a line of shell, `input` on its standard input, and kills all of it at the deadline.
///
/// Output goes to files, not pipes: what an engine leaves running in the background may keep them.
pub fn shell(line: &str, input: &str, deadline: Duration) -> Verdict<Ran> {
    let (mut stdin, mut out, mut err) = (tempfile::tempfile()?, tempfile::tempfile()?, tempfile::tempfile()?);
    stdin.write_all(input.as_bytes())?;
    stdin.rewind()?;
    let begun = Instant::now();
    let child = Command::new("/bin/sh")
        .args(["-c", line])
        .stdin(Stdio::from(stdin))
        .stdout(Stdio::from(out.try_clone()?))
        .stderr(Stdio::from(err.try_clone()?))
        .process_group(0)
        .spawn()?;
    let status = wait(child, deadline)?;
    let ran = Ran {
        line: line.to_owned(),
        status: status.map_or(-1, plain),
        out: all(&mut out)?,
        err: all(&mut err)?,
        took: begun.elapsed(),
    };
    match status {
        Some(_) => Ok(ran),
        None => Err(ran.wrong(&format!("ends within {} s; killed", deadline.as_secs()))),
    }
}

/// Waits for a leader of its own process group; `None` if it had to be killed at the deadline.
pub fn wait(mut child: Child, deadline: Duration) -> Verdict<Option<ExitStatus>> {
    let group = Pid::from_raw(child.id().cast_signed());
    let (end, ended) = mpsc::channel();
    thread::Builder::new().spawn(move || end.send(child.wait()))?;
    if let Ok(status) = ended.recv_timeout(deadline) {
        return Ok(Some(status?));
    }
    killpg(group, Signal::SIGKILL)?;
    Ok(None)
}

/// The exit status as a shell tells it.
pub fn plain(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

fn all(file: &mut File) -> Verdict<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Ran {
    /// It exited with 0, and nothing else is asked of it.
    pub fn works(self) -> Verdict {
        self.succeeds().map(drop)
    }

    /// It exited with 0.
    pub fn succeeds(self) -> Verdict<Self> {
        self.ends_with(0)
    }

    /// It exited with this status.
    pub fn ends_with(self, status: i32) -> Verdict<Self> {
        self.must(&format!("exit status {status}"), |ran| ran.status == status)
    }

    /// It wrote this and nothing else to standard output, white space around it aside.
    pub fn prints(self, text: &str) -> Verdict<Self> {
        self.must(&format!("prints {text:?}"), |ran| ran.out.trim() == text)
    }

    /// Its standard output has this in it.
    pub fn says(self, text: &str) -> Verdict<Self> {
        self.must(&format!("says {text:?}"), |ran| ran.out.contains(text))
    }

    /// Its standard error has this in it, in whatever case.
    pub fn complains(self, text: &str) -> Verdict<Self> {
        self.must(&format!("complains {text:?}"), |ran| ran.err.to_lowercase().contains(&text.to_lowercase()))
    }

    /// Something else is true of it, which `what` says in words.
    pub fn must(self, what: &str, is: impl FnOnce(&Self) -> bool) -> Verdict<Self> {
        if is(&self) { Ok(self) } else { Err(self.wrong(what)) }
    }

    /// Standard output without white space around it.
    pub fn text(&self) -> &str {
        self.out.trim()
    }

    fn wrong(&self, what: &str) -> Trouble {
        failed(format!(
            "$ {}\nexpected: {what}\nexit status {} after {} ms\nstdout: {}\nstderr: {}",
            self.line,
            self.status,
            self.took.as_millis(),
            self.out.trim_end(),
            self.err.trim_end(),
        ))
    }
}

/// Asks until it is true; a trouble that names `what` at the deadline.
///
/// For what has no event to wait for. Asking costs more than the pause between.
pub fn until(what: &str, deadline: Duration, mut is: impl FnMut() -> Verdict<bool>) -> Verdict {
    let begun = Instant::now();
    while !is()? {
        if begun.elapsed() > deadline {
            return Err(failed(format!("expected within {} s: {what}", deadline.as_secs())));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Asks the same `count` times at the same time; `ask` gets the number of each.
pub fn at_once(count: i32, ask: impl Fn(i32) -> Verdict + Sync) -> Verdict {
    thread::scope(|scope| {
        let ask = &ask;
        let begin = |number| scope.spawn(move || ask(number));
        let all = (0..count).map(begin).collect::<Vec<_>>();
        all.into_iter().try_for_each(joined)
    })
}

/// What a thread of a row came to.
pub fn joined<T>(thread: thread::ScopedJoinHandle<'_, Verdict<T>>) -> Verdict<T> {
    thread.join().unwrap_or_else(|_| Err(failed("the test itself panicked")))
}
