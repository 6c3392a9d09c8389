//! What a container is doing, as the kernel sees it.

use std::fmt;
use std::fs;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use serde::Serialize;

use super::{Entry, Record, Stat};
use crate::error::{Error, Result};

/// What a container is doing (spec: runtime, State), and `Paused`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// `create` is at work.
    Creating,
    /// It waits for `start`.
    Created,
    /// The user's program runs.
    Running,
    /// Its cgroup is frozen.
    Paused,
    /// Init has ended.
    Stopped,
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        })
    }
}

/// What the container is doing now.
///
/// A record without a pid whose `create` is no longer at work is one that was interrupted: `Stopped`. So is a container
/// whose init ends or is a zombie, or whose init's number now belongs to another process.
///
/// Fails where the kernel does not say. A guess could be that it has stopped, and `delete` would believe it.
fn status(entry: &Entry, record: &Record) -> Result<Status> {
    let (Some(pid), Some(start_time)) = (record.pid, record.start_time) else {
        return Ok(if entry.busy()? { Status::Creating } else { Status::Stopped });
    };
    // Before it is asked whether it ends: then its socket is closed, too.
    let waits = waits_for_start(entry)?;
    Ok(if !Stat::of(pid)?.is_some_and(|stat| stat.start_time == start_time && !stat.ends()) {
        Status::Stopped
    } else if record.cgroup.as_deref().map(frozen).transpose()? == Some(true) {
        Status::Paused
    } else if waits {
        Status::Created
    } else {
        Status::Running
    })
}

impl Entry {
    /// The record, and what the container is doing now.
    pub fn look(&self) -> Result<(Record, Status)> {
        self.find_look()?.ok_or_else(|| self.gone())
    }

    /// The same; `None` as of [`Self::find_record`].
    pub fn find_look(&self) -> Result<Option<(Record, Status)>> {
        let Some(record) = self.find_record()? else { return Ok(None) };
        let now = status(self, &record)?;
        if record.pid.is_some() || now == Status::Creating {
            return Ok(Some((record, now)));
        }
        // Its `create` may have written the pid down, and let go of it, after we had read.
        let Some(record) = self.find_record()? else { return Ok(None) };
        let now = status(self, &record)?;
        Ok(Some((record, now)))
    }
}

/// Whether all of the cgroup stands still (kernel: cgroup-v2, cgroup.events). One that is gone does not.
fn frozen(cgroup: &Path) -> Result<bool> {
    let file = cgroup.join("cgroup.events");
    match fs::read_to_string(&file) {
        Ok(events) => Ok(events.lines().any(|line| line == "frozen 1")),
        Err(cause) if matches!(cause.raw_os_error(), Some(libc::ENOENT | libc::ENODEV)) => Ok(false),
        Err(cause) => Err(Error::io(file.display().to_string(), "can't be read", cause)),
    }
}

/// Whether init still listens on its start socket: it does so until it executes the user's program, which closes the
/// socket. A connection that says nothing and goes away does not start it.
fn waits_for_start(entry: &Entry) -> Result<bool> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let asked = socket(AddressFamily::Unix, SockType::Stream, flags, None).and_then(|socket| {
        let address = UnixAddr::new(&entry.start_socket())?;
        connect(std::os::fd::AsRawFd::as_raw_fd(&socket), &address)
    });
    match asked {
        // EAGAIN: it listens, and there are more questions than it has room for.
        Ok(()) | Err(Errno::EAGAIN) => Ok(true),
        Err(Errno::ENOENT | Errno::ECONNREFUSED) => Ok(false),
        Err(cause) => Err(Error::io(entry.id().as_str(), "can't be asked whether it waits for its start", cause)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::process::{Child, Command};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::state::{Id, Init, Store};

    fn container(dir: &Path) -> (Entry, Record, Child) {
        let entry = Store::open(&dir.join("root")).unwrap().claim(&Id::new("web").unwrap()).unwrap();
        let child = Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = child.id().cast_signed();
        let start_time = Stat::of(pid).unwrap().map(|stat| stat.start_time);
        (entry, Record { pid: Some(pid), start_time, ..Record::default() }, child)
    }

    /// A container as the command that makes it has it open, and as another one has.
    fn claimed(dir: &Path) -> (Entry, Entry) {
        let (root, id) = (dir.join("root"), Id::new("web").unwrap());
        let entry = Store::open(&root).unwrap().claim(&id).unwrap();
        (entry, Store::open(&root).unwrap().open_entry(&id).unwrap())
    }

    #[test]
    fn it_comes_from_the_kernel() {
        let dir = tempfile::tempdir().unwrap();
        let (entry, record, mut child) = container(dir.path());
        assert_eq!(status(&entry, &record), Ok(Status::Running));

        let listener = UnixListener::bind(entry.start_socket()).unwrap();
        assert_eq!(status(&entry, &record), Ok(Status::Created));
        // Shut down, and not only closed: a process that another test is just making may have a copy.
        nix::sys::socket::shutdown(std::os::fd::AsRawFd::as_raw_fd(&listener), nix::sys::socket::Shutdown::Both)
            .unwrap();
        drop(listener);
        assert_eq!(status(&entry, &record), Ok(Status::Running), "a socket that nobody listens on");

        fs::write(dir.path().join("cgroup.events"), "populated 1\nfrozen 1\n").unwrap();
        let paused = Record { cgroup: Some(dir.path().into()), ..record.clone() };
        assert_eq!(status(&entry, &paused), Ok(Status::Paused));

        let stranger = Record { start_time: record.start_time.map(|time| time + 1), ..record.clone() };
        assert_eq!(status(&entry, &stranger), Ok(Status::Stopped), "its number is another's");
        assert!(Init::find(&stranger).unwrap().is_none());

        let init = Init::find(&record).unwrap().unwrap();
        assert!(!init.wait(Some(Instant::now())).unwrap());
        assert!(init.signal(libc::SIGKILL).unwrap());
        assert!(init.wait(Some(Instant::now() + Duration::from_mins(1))).unwrap());
        assert_eq!(status(&entry, &record), Ok(Status::Stopped), "a zombie");
        assert!(Init::find(&record).unwrap().is_none());
        assert_eq!(init.exit_status(), Some(137), "as the zombie shows it");
        assert_eq!(Init::zombie_status(&record), Some(137));

        child.wait().unwrap();
        assert_eq!(status(&entry, &record), Ok(Status::Stopped));
        assert!(!init.signal(0).unwrap());
        assert_eq!(Init::zombie_status(&record), None);
        // Linux 6.15 and later tell whoever had a pidfd; older ones nobody but the parent.
        assert!(matches!(init.exit_status(), Some(137) | None));
    }

    #[test]
    fn without_a_pid_it_depends_on_whether_create_is_at_work() {
        let dir = tempfile::tempdir().unwrap();
        let (entry, other) = claimed(dir.path());
        let lock = entry.lock().unwrap();
        assert_eq!(status(&other, &Record::default()), Ok(Status::Creating));
        assert_eq!(status(&other, &Record::default()), Ok(Status::Creating), "asking does not take the lock away");
        assert_eq!(status(&entry, &Record::default()), Ok(Status::Stopped), "its own lock is not in its way");
        drop(lock);
        assert_eq!(status(&other, &Record::default()), Ok(Status::Stopped));
    }

    #[test]
    fn one_that_is_only_begun_or_deleted_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let (entry, other) = claimed(dir.path());
        let lock = entry.lock().unwrap();
        assert_eq!(other.find_look(), Ok(None), "no record yet");
        assert_eq!(other.look().unwrap_err().to_string(), "container \"web\" does not exist");
        drop(lock);
        assert!(other.look().unwrap_err().to_string().starts_with("web: was never completely created"));
        entry.write(&Record { version: crate::state::VERSION, ..Record::default() }).unwrap();
        assert_eq!(other.look().unwrap().1, Status::Stopped, "its create was interrupted");
        entry.remove().unwrap();
        assert_eq!(other.find_look(), Ok(None), "no record any more");
    }
}
