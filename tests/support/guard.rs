//! The host guard: every integration test ends with a host that is as it was.

use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use nix::sys::prctl;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use super::command::any_ready;
use super::snapshot::{Snapshot, descendants};
use super::world::{self, Need};
use super::{Host, kernel};

/// How long what was killed may take to die.
const LAST_BREATH: Duration = Duration::from_secs(2);

/// How long the host may take to be as it was.
const DEADLINE: Duration = Duration::from_secs(10);

/// Runs a test that needs root, in a process and a private world of its own, under the host guard.
///
/// It's to be called from the test function itself: the closure's type names the test.
#[track_caller]
pub fn guarded<F: FnOnce(&Host)>(body: F) {
    world::enter::<F>(Need::Root, || inside(&Host::new(world::is_private()), body));
}

/// Runs a test of the runtime called by an ordinary user: `nobody`, or whoever runs the tests.
#[track_caller]
pub fn guarded_rootless<F: FnOnce(&Host)>(body: F) {
    world::enter::<F>(Need::Anyone, || {
        inside(&Host::rootless(world::is_private()), body);
    });
}

fn inside(host: &Host, body: impl FnOnce(&Host)) {
    // What the runtime orphans becomes our child, and so shows up.
    prctl::set_child_subreaper(true).unwrap();
    let before = Snapshot::take(host);
    body(host);
    let differences = lasting_differences(host, &before);
    assert!(differences.is_empty(), "the host is not as it was:\n{}", differences.join("\n"));
}

/// What is not as before, though it has had its time to go.
pub fn lasting_differences(host: &Host, before: &Snapshot) -> Vec<String> {
    let end = Instant::now() + DEADLINE;
    loop {
        settle();
        let differences = before.differences(&Snapshot::take(host));
        if differences.is_empty() || Instant::now() >= end {
            return differences;
        }
    }
}

/// Waits shortly for what is dying, and reaps. Whoever sleeps on is left for the snapshot.
///
/// For a test that looks at the host in between, once nothing of its own is to live on.
pub fn settle() {
    let end = Instant::now() + LAST_BREATH;
    loop {
        // First the zombies: the init of a pid namespace can't end before all of its processes are reaped.
        while waitpid(None, Some(WaitPidFlag::WNOHANG)).is_ok_and(|status| status != WaitStatus::StillAlive) {}
        let alive = descendants(std::process::id().cast_signed());
        let alive: Vec<_> = alive.into_iter().filter_map(|pid| kernel::pidfd(pid).ok()).collect();
        let left = end.saturating_duration_since(Instant::now());
        if alive.is_empty() || !any_ready(&alive, PollFlags::POLLIN, left) {
            return;
        }
    }
}
