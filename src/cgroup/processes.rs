//! The processes of the cgroup: which, killing them all, and waiting for their end.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Instant;

use nix::errno::Errno;

use super::events::Events;
use super::{Cgroup, file};
use crate::error::{Error, Result};

/// How many processes an error names.
const NAMED: usize = 8;

impl Cgroup {
    /// The pids of all processes in the cgroup and below it, in rising order; none of a cgroup that is gone.
    pub fn processes(&self) -> Result<Vec<i32>> {
        let mut pids = Vec::new();
        let read = |directory: &OwnedFd| {
            match file::read(directory, "cgroup.procs") {
                // 0 stands for a process that this pid namespace doesn't see.
                Ok(list) => pids.extend(list.lines().filter_map(|pid| pid.parse::<i32>().ok()).filter(|&pid| pid > 0)),
                // Threads of a process that is listed further up.
                Err(Errno::EOPNOTSUPP) => {}
                Err(cause) => return Err(cause),
            }
            Ok(())
        };
        file::walk(self, read).map_err(|cause| self.error("cgroup.procs", "cannot read", cause))?;
        pids.sort_unstable();
        pids.dedup();
        Ok(pids)
    }

    /// Whether there are processes in the cgroup or below it; `false` of one that is gone.
    pub fn populated(&self) -> Result<bool> {
        match Events::open(self).and_then(|events| events.state()) {
            Ok(state) => Ok(state.populated),
            Err(Errno::ENOENT | Errno::ENODEV) => Ok(false),
            Err(cause) => Err(self.error("cgroup.events", "cannot read", cause)),
        }
    }

    /// Kills every process in the cgroup and below it, frozen ones and those being forked included.
    ///
    /// They are dying when this returns; [`Cgroup::wait_empty`] waits for their end.
    pub fn kill(&self) -> Result<()> {
        match file::write(self, "cgroup.kill", "1") {
            Ok(()) | Err(Errno::ENODEV) => Ok(()),
            // The file is as old as Linux 5.14; a cgroup that is gone has none either.
            Err(Errno::ENOENT) if !self.populated()? => Ok(()),
            Err(cause) => Err(self.error("cgroup.kill", "cannot kill the processes", cause)),
        }
    }

    /// Waits until no process is left in the cgroup and below it.
    ///
    /// # Errors
    /// At the deadline, naming those that are left and what they are doing.
    pub fn wait_empty(&self, deadline: Instant) -> Result<()> {
        let empty = match Events::open(self) {
            Ok(events) => events.wait(deadline, |state| !state.populated),
            Err(Errno::ENOENT | Errno::ENODEV) => Ok(true),
            Err(cause) => Err(cause),
        };
        match empty {
            Ok(true) => Ok(()),
            Ok(false) => {
                Err(Error::new(self.path().display().to_string(), format!("still has processes: {}", self.described())))
            }
            Err(cause) => Err(self.error("cgroup.events", "cannot wait for the processes to end", cause)),
        }
    }

    /// Its processes for an error: `12 (cat), 15 (sh)`; if some hang in the kernel only those, as it is them that all wait for.
    pub(super) fn described(&self) -> String {
        let pids = self.processes().unwrap_or_default();
        let hanging: Vec<_> = pids.iter().copied().filter(|&pid| hangs(pid)).collect();
        let guilty = if hanging.is_empty() { pids } else { hanging };
        named(&guilty.iter().map(|&pid| describe(pid)).collect::<Vec<_>>())
    }
}

/// `process 1`, `processes 1, 2, 3`, `processes 1, 2 ... (40 in all)`.
pub(super) fn named(pids: &[String]) -> String {
    let word = if pids.len() == 1 { "process" } else { "processes" };
    match pids.len() {
        0 => "processes that can't be seen from here".to_owned(),
        count if count > NAMED => format!("{word} {} ... ({count} in all)", pids[..NAMED].join(", ")),
        _ => format!("{word} {}", pids.join(", ")),
    }
}

/// A pid with its name and, if that explains why it does not end, its state.
fn describe(pid: i32) -> String {
    let Some((name, state)) = stat(Path::new(&format!("/proc/{pid}"))) else { return pid.to_string() };
    match state {
        _ if hangs(pid) => format!("{pid} ({name}, in uninterruptible sleep)"),
        'Z' => format!("{pid} ({name}, dead but not yet waited for)"),
        'T' | 't' => format!("{pid} ({name}, stopped)"),
        _ => format!("{pid} ({name})"),
    }
}

/// Whether one of its threads waits in the kernel for something that no signal ends (state D).
fn hangs(pid: i32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.into_iter().any(|thread| stat(&thread.path()).is_some_and(|(_, state)| state == 'D'))
}

/// The name and state of a process or thread by its folder in /proc.
fn stat(folder: &Path) -> Option<(String, char)> {
    // proc_pid_stat(5): `12 (cat) D ...`; the name may itself have parentheses.
    let text = std::fs::read_to_string(folder.join("stat")).ok()?;
    let (name, rest) = text.split_once('(')?.1.rsplit_once(") ")?;
    Some((name.to_owned(), rest.chars().next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_named() {
        let pids: Vec<_> = (1..=20).map(|pid: i32| pid.to_string()).collect();
        assert_eq!(named(&pids[..1]), "process 1");
        assert_eq!(named(&pids[..3]), "processes 1, 2, 3");
        assert_eq!(named(&pids), "processes 1, 2, 3, 4, 5, 6, 7, 8 ... (20 in all)");
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(describe(own).starts_with(&format!("{own} (")), "{}", describe(own));
    }
}
