//! A daemon of an engine: started with a log, waited for, and ended as an administrator would.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::command::{Verdict, failed, until, wait};

/// One that runs, until it is stopped.
pub struct Daemon {
    name: &'static str,
    /// Where its output goes.
    pub log: PathBuf,
    child: Option<Child>,
}

impl Daemon {
    /// Starts it, its output in `log`.
    pub fn start(name: &'static str, command: &mut Command, log: impl Into<PathBuf>) -> Verdict<Self> {
        let log = log.into();
        let output = File::create(&log)?;
        let child = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0).spawn()?;
        Ok(Self { name, log, child: Some(child) })
    }

    /// Waits until its socket can be connected to.
    pub fn answers(&mut self, socket: &str, deadline: Duration) -> Verdict {
        let Self { name, child, log } = self;
        until(&format!("{name} answers"), deadline, || {
            let ended = child.as_mut().map_or(Ok(None), Child::try_wait)?;
            match ended {
                Some(status) => Err(failed(format!("{name}: {status}\n{}", fs::read_to_string(&log)?))),
                None => Ok(UnixStream::connect(socket).is_ok()),
            }
        })
    }

    /// Ends it with SIGTERM, which it must obey with exit status 0.
    pub fn stop(&mut self, deadline: Duration) -> Verdict {
        let Some(child) = self.child.take() else {
            return Ok(());
        };
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM)?;
        match wait(child, deadline)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(failed(format!("{} on SIGTERM: {status}", self.name))),
            None => Err(failed(format!("{} on SIGTERM: did not end in time", self.name))),
        }
    }
}

/// One that could not be used is not left running.
impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
