//! Starting the runtime, with a deadline on everything.

use std::fmt;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{kernel, snapshot};

/// How long any command of a runtime may take before it counts as hung.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// How a command ended and what it wrote.
pub struct Output {
    /// The command line, for messages.
    pub line: String,
    /// The exit status; 128 + n if signal n ended the runtime itself.
    pub status: i32,
    /// Stdout of the runtime, or of the container if it inherited it.
    pub stdout: String,
    /// Stderr, likewise.
    pub stderr: String,
}

impl fmt::Debug for Output {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A report has some ten thousand characters, and its start says enough.
        let stdout: String = self.stdout.chars().take(400).collect();
        write!(out, "{}\n  status: {}\n  stdout: {stdout}\n  stderr: {}", self.line, self.status, self.stderr)
    }
}

impl Output {
    /// Fails the test unless the status is 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.status(0)
    }

    /// Fails the test unless the status is this.
    #[track_caller]
    pub fn status(self, wanted: i32) -> Self {
        assert_eq!(self.status, wanted, "status of {self:?}");
        self
    }

    /// Fails the test if the command succeeded, or if stderr lacks `words` (letter case aside).
    #[track_caller]
    pub fn fails_with(self, words: &str) -> Self {
        assert_ne!(self.status, 0, "should fail: {self:?}");
        assert!(self.stderr.to_lowercase().contains(&words.to_lowercase()), "no {words:?} in {self:?}");
        self
    }
}

/// One command, ready to run.
pub struct Invocation {
    command: Command,
    folder: tempfile::TempDir,
}

impl Invocation {
    /// Stdin is empty, stdout and stderr go to files: a container that lives on may hold them open.
    pub fn new(mut command: Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name| Stdio::from(File::create(folder.path().join(name)).unwrap());
        command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr"));
        Self { command, folder }
    }

    /// What the command reads from its stdin.
    #[must_use]
    pub fn stdin(mut self, text: &str) -> Self {
        let path = self.folder.path().join("stdin");
        fs::write(&path, text).unwrap();
        self.command.stdin(File::open(path).unwrap());
        self
    }

    /// Any other change to the command.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Command)) -> Self {
        change(&mut self.command);
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(mut self) -> Output {
        let mut child = self.spawn();
        self.finish(&mut child)
    }

    /// Starts it; [`finish`](Self::finish) is to follow.
    #[track_caller]
    pub fn spawn(&mut self) -> Child {
        self.command.spawn().unwrap_or_else(|cause| panic!("{:?}: {cause}", self.command))
    }

    /// Waits for a child of [`spawn`](Self::spawn).
    #[track_caller]
    pub fn finish(&self, child: &mut Child) -> Output {
        let status = wait(child, DEADLINE);
        let read = |name| String::from_utf8_lossy(&fs::read(self.folder.path().join(name)).unwrap()).into_owned();
        Output {
            line: format!("{:?}", self.command),
            status: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            stdout: read("stdout"),
            stderr: read("stderr"),
        }
    }
}

/// Waits for a child; if it hangs, says where it and its children stand, kills it and fails the test.
#[track_caller]
pub fn wait(child: &mut Child, deadline: Duration) -> ExitStatus {
    let pid = child.id().cast_signed();
    let pidfd = kernel::pidfd(pid).unwrap();
    if !ready(&pidfd, PollFlags::POLLIN, deadline) {
        let places: Vec<String> = std::iter::once(pid).chain(snapshot::descendants(pid)).map(whereabouts).collect();
        let _ = child.kill();
        let _ = child.wait();
        panic!("hung for {deadline:?} and was killed:\n{}", places.join("\n"));
    }
    child.wait().unwrap()
}

/// Whether `file` has one of `events` before the deadline.
pub fn ready(file: &impl AsFd, events: PollFlags, deadline: Duration) -> bool {
    any_ready(&[file.as_fd()], events, deadline)
}

/// Whether one of `files` has one of `events` before the deadline, which is a usual machine's.
pub fn any_ready(files: &[impl AsFd], events: PollFlags, deadline: Duration) -> bool {
    let end = Instant::now() + patience(deadline);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut all: Vec<_> = files.iter().map(|file| PollFd::new(file.as_fd(), events)).collect();
        match poll(&mut all, timeout) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(nix::errno::Errno::EINTR) => {}
            Err(cause) => panic!("poll: {cause}"),
        }
    }
}

/// The time that something takes on this machine which takes `usual` on a usual one: an emulated one is slow
/// (`ONGGI_TEST_PATIENCE=8`).
pub fn patience(usual: Duration) -> Duration {
    let factor = std::env::var("ONGGI_TEST_PATIENCE").ok().and_then(|factor| factor.parse().ok());
    usual * factor.unwrap_or(1)
}

/// Where a process stands in the kernel, as far as /proc tells.
fn whereabouts(pid: i32) -> String {
    let folder = Path::new("/proc").join(pid.to_string());
    let read = |name| fs::read_to_string(folder.join(name)).unwrap_or_default().replace('\0', " ");
    let status = read("status");
    let state = status.lines().find(|line| line.starts_with("State:")).unwrap_or("State: gone");
    format!(
        "pid {pid}: {}\n  {state}\n  wchan: {}\n  syscall: {}\n  stack:\n{}",
        read("cmdline"),
        read("wchan"),
        read("syscall").trim_end(),
        read("stack"),
    )
}
