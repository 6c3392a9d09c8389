//! `events`: what the kernel counts for a container, and its warnings.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Serialize;

use crate::cgroup::{Cgroup, MemoryEvents, Stats};
use crate::error::{Error, Result};
use crate::lifecycle::own_cgroup;
use crate::state::{Id, Init, Store};

/// A line of `events`, in the shape that engines read.
#[derive(Debug, Serialize)]
pub struct Event {
    /// `stats` or `oom`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The container's id.
    pub id: String,
    /// The statistics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<Stats>>,
}

/// The statistics of container `id`, now.
pub fn stats(store: &Store, id: &Id) -> Result<Event> {
    let (_, cgroup) = watched(store, id)?;
    Ok(event(id, &cgroup))
}

/// Tells statistics at each `interval`, and each time that the kernel kills for want of memory, until the container has
/// ended or `tell` returns false. There is no polling in between: the kernel says when something happens.
pub fn watch(store: &Store, id: &Id, interval: Duration, tell: &mut dyn FnMut(&Event) -> Result<bool>) -> Result<()> {
    let (init, cgroup) = watched(store, id)?;
    let alarms = cgroup.memory_events();
    let mut kills = alarms.as_ref().map_or(0, MemoryEvents::oom_kills);
    let mut next = Instant::now() + interval;
    loop {
        let mut fds = vec![PollFd::new(init.pidfd(), PollFlags::POLLIN)];
        fds.extend(alarms.iter().map(|alarms| PollFd::new(alarms.fd(), PollFlags::POLLPRI)));
        let left = next.saturating_duration_since(Instant::now());
        // Rounded up, so that the last millisecond isn't spent turning round and round.
        let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(cause) => return Err(Error::io(id.as_str(), "can't be watched", cause)),
        }
        let ended = fds[0].any() == Some(true);
        // Asked first: a container that was killed for want of memory has ended, too.
        let now = alarms.as_ref().map_or(0, MemoryEvents::oom_kills);
        if now > kills {
            kills = now;
            if !tell(&Event { kind: "oom", id: id.to_string(), data: None })? {
                return Ok(());
            }
        }
        if ended {
            return Ok(());
        }
        if Instant::now() >= next {
            next += interval;
            if !tell(&event(id, &cgroup))? {
                return Ok(());
            }
        }
    }
}

fn event(id: &Id, cgroup: &Cgroup) -> Event {
    Event { kind: "stats", id: id.to_string(), data: Some(Box::new(cgroup.stats())) }
}

/// A container that runs, and its cgroup.
fn watched(store: &Store, id: &Id) -> Result<(Init, Cgroup)> {
    let record = store.open_entry(id)?.read()?;
    let init = Init::find(&record)?.ok_or_else(|| Error::new(id.as_str(), "container not running"))?;
    let cgroup = own_cgroup(&record)?.ok_or_else(|| {
        Error::new(id.as_str(), "has no cgroup of its own, in which the kernel would count")
            .hint("an ordinary user needs a delegated cgroup: systemd-run --user --scope -p Delegate=yes")
    })?;
    Ok((init, cgroup))
}
