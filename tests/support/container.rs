//! A container that was created and lives on.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::PollFlags;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, pipe2};
use serde_json::Value;

use super::command::{DEADLINE, Output, ready};
use super::{Bundle, Report, Runtime, kernel};

/// How a container's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this exit status.
    Exit(i32),
    /// By this signal.
    Signal(i32),
}

/// A container made by `create` or `run --detach`. Its stdout is a pipe that the test reads.
///
/// The test deletes it: what is left at the end is the guard's to find.
pub struct Container<'r> {
    runtime: &'r Runtime,
    id: String,
    pid: i32,
    pidfd: OwnedFd,
    stdout: OwnedFd,
    unread: Vec<u8>,
}

impl<'r> Container<'r> {
    /// `VERB OPTIONS... --bundle B --pid-file F ID`, which must succeed. The verb is `create` or `run`.
    #[track_caller]
    pub fn launch(runtime: &'r Runtime, words: &[&str], bundle: &Bundle, id: &str) -> Self {
        let (stdout, theirs) = pipe2(OFlag::O_CLOEXEC).unwrap();
        // A report must fit, whether or not the test reads in time.
        let _ = fcntl(&stdout, FcntlArg::F_SETPIPE_SZ(1 << 20));
        let pid_file = bundle.path().join("pid");
        let mut line: Vec<OsString> = words.iter().map(OsString::from).collect();
        line.extend([
            "--bundle".into(),
            bundle.path().into(),
            "--pid-file".into(),
            pid_file.clone().into(),
            id.into(),
        ]);
        runtime
            .invoke(line)
            .with(|command| {
                command.stdout(theirs);
            })
            .run()
            .ok();
        let pid = std::fs::read_to_string(&pid_file)
            .expect("the pid file is there when the command has returned");
        let pid = pid
            .parse()
            .unwrap_or_else(|_| panic!("the pid file holds digits only, not {pid:?}"));
        let pidfd =
            kernel::pidfd(pid).expect("the container's process exists, perhaps as a zombie");
        Self {
            runtime,
            id: id.to_owned(),
            pid,
            pidfd,
            stdout,
            unread: Vec::new(),
        }
    }

    /// The pid of its first process, as the host sees it.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Runs `VERB ID WORDS...` on it.
    #[track_caller]
    pub fn call(&self, verb: &str, words: &[&str]) -> Output {
        let line = [verb, &self.id].into_iter().chain(words.iter().copied());
        self.runtime.call(line.map(OsStr::new))
    }

    /// `start`, which must succeed.
    #[track_caller]
    pub fn start(&self) {
        self.call("start", &[]).ok();
    }

    /// `kill ID SIGNAL`, which must succeed.
    #[track_caller]
    pub fn kill(&self, signal: &str) {
        self.call("kill", &[signal]).ok();
    }

    /// `exec ID ARGS...` to its end.
    #[track_caller]
    pub fn exec(&self, options: &[&str], deeds: &[&str]) -> Output {
        let mut line = vec!["exec"];
        line.extend(options);
        line.extend([self.id.as_str(), "/payload"]);
        line.extend(deeds);
        self.runtime.call(line)
    }

    /// What `state` says.
    #[track_caller]
    pub fn state(&self) -> Value {
        self.runtime.state(&self.id)
    }

    /// The status in what `state` says.
    #[track_caller]
    pub fn status(&self) -> String {
        let state = self.state();
        state["status"]
            .as_str()
            .unwrap_or_else(|| panic!("no status in {state}"))
            .to_owned()
    }

    /// Waits until the first process ended, and takes its exit status as its reaper.
    #[track_caller]
    pub fn ended(&self) -> Ending {
        self.died();
        match waitpid(Pid::from_raw(self.pid), None) {
            Ok(WaitStatus::Exited(_, code)) => Ending::Exit(code),
            Ok(WaitStatus::Signaled(_, signal, _)) => Ending::Signal(signal as i32),
            other => panic!("the container's process, our child by adoption, ended as {other:?}"),
        }
    }

    /// Waits until the first process is dead, and leaves the zombie.
    #[track_caller]
    pub fn died(&self) {
        assert!(
            ready(&self.pidfd, PollFlags::POLLIN, DEADLINE),
            "pid {} lives on",
            self.pid
        );
    }

    /// Whether the first process is alive.
    pub fn alive(&self) -> bool {
        !ready(&self.pidfd, PollFlags::POLLIN, Duration::ZERO)
    }

    /// `delete`, which must succeed.
    #[track_caller]
    pub fn delete(self) {
        self.call("delete", &[]).ok();
    }

    /// `delete --force`, which must succeed.
    #[track_caller]
    pub fn force_delete(self) {
        self.runtime.call(["delete", "--force", &self.id]).ok();
    }

    /// The next line of the container's stdout, without its end.
    #[track_caller]
    pub fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return String::from_utf8_lossy(&line[..end]).into_owned();
            }
            assert!(
                self.more(),
                "the container's stdout ended with {:?}",
                String::from_utf8_lossy(&self.unread)
            );
        }
    }

    /// The next line of the container's stdout, a report.
    #[track_caller]
    pub fn report(&mut self) -> Report {
        Report::parse(&self.line())
    }

    /// The rest of the container's stdout: everybody who held it is gone then.
    #[track_caller]
    pub fn rest(&mut self) -> String {
        while self.more() {}
        String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned()
    }

    /// Reads on; false at the end.
    #[track_caller]
    fn more(&mut self) -> bool {
        assert!(
            ready(&self.stdout.as_fd(), PollFlags::POLLIN, DEADLINE),
            "the container's stdout is silent"
        );
        let mut bytes = [0; 4096];
        let count = nix::unistd::read(&self.stdout, &mut bytes).unwrap();
        self.unread.extend(&bytes[..count]);
        count > 0
    }
}
