//! The host guard: every integration test ends with a host that is as it was.

use std::time::Duration;

use nix::poll::PollFlags;
use nix::sys::prctl;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use super::command::ready;
use super::snapshot::{Snapshot, descendants};
use super::world::{self, Need};
use super::{Host, kernel};

/// How long what was killed may take to die.
const LAST_BREATH: Duration = Duration::from_secs(2);

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
    bury_the_dead();
    let differences = before.differences(&Snapshot::take(host));
    assert!(
        differences.is_empty(),
        "the host is not as it was:\n{}",
        differences.join("\n")
    );
}

/// Waits shortly for what is dying and reaps it. Whoever sleeps on is left for the snapshot.
fn bury_the_dead() {
    for pid in descendants(std::process::id().cast_signed()) {
        if let Ok(pidfd) = kernel::pidfd(pid) {
            ready(&pidfd, PollFlags::POLLIN, LAST_BREATH);
        }
    }
    while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        if status == WaitStatus::StillAlive {
            break;
        }
    }
}
