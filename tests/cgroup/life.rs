//! Processes in a cgroup: listed, frozen, killed, waited for.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::Instant;

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::write;
use onggi::cgroup::{Cgroup, Memory};

use crate::world::{Process, World, soon};

#[test]
fn processes_of_the_whole_subtree() {
    let Some(world) = World::enter() else { return };
    let cgroup = world.create("leaf", "{}").unwrap();
    assert_eq!((cgroup.processes().unwrap(), cgroup.populated().unwrap()), (vec![], false));
    fs::create_dir_all(cgroup.path().join("sub/sub")).unwrap();
    let below = Cgroup::open(&cgroup.path().join("sub/sub")).unwrap().unwrap();
    let processes = [Process::start_in(&cgroup), Process::start_in(&below)];
    let mut pids = processes.each_ref().map(Process::pid);
    pids.sort_unstable();
    assert_eq!((cgroup.processes().unwrap(), cgroup.populated().unwrap()), (pids.to_vec(), true));
    cgroup.kill().unwrap();
    cgroup.wait_empty(soon()).unwrap();
    assert_eq!((cgroup.processes().unwrap(), cgroup.populated().unwrap()), (vec![], false));
}

/// A container nests its cgroups so deep that no path leads there: its processes are listed, and it can be removed.
#[test]
fn deeper_than_a_path_can_be() {
    let Some(world) = World::enter() else { return };
    let cgroup = world.create("leaf", "{}").unwrap();
    let process = Process::start_in(&cgroup);
    let name = "n".repeat(200);
    let mut here = OwnedFd::from(fs::File::open(cgroup.path()).unwrap());
    for _ in 0..25 {
        mkdirat(&here, &*name, Mode::from_bits_truncate(0o755)).unwrap();
        here = openat(&here, &*name, OFlag::O_DIRECTORY, Mode::empty()).unwrap();
    }
    let procs = openat(&here, "cgroup.procs", OFlag::O_WRONLY, Mode::empty()).unwrap();
    write(procs, process.pid().to_string().as_bytes()).unwrap();
    let listed = cgroup.processes();
    cgroup.kill().unwrap();
    cgroup.wait_empty(soon()).unwrap();
    Cgroup::remove(cgroup.path(), cgroup.made(), soon()).unwrap();
    assert_eq!(listed.unwrap(), [process.pid()]);
}

#[test]
fn frozen_and_thawed() {
    let Some(world) = World::enter() else { return };
    let cgroup = world.create("leaf", "{}").unwrap();
    let process = Process::shell("read line; echo thawed");
    cgroup.add(process.pid()).unwrap();
    assert!(!cgroup.frozen().unwrap());
    cgroup.freeze(soon()).unwrap();
    assert!(cgroup.frozen().unwrap());
    cgroup.thaw(soon()).unwrap();
    assert!(!cgroup.frozen().unwrap());
    assert_eq!(process.answer(), "thawed\n");
}

#[test]
fn what_a_parent_freezes_stays_frozen() {
    let Some(world) = World::enter() else { return };
    let parent = world.create("parent", "{}").unwrap();
    let child = world.create("parent/child", "{}").unwrap();
    parent.freeze(soon()).unwrap();
    let error = child.thaw(Instant::now()).unwrap_err().to_string();
    assert!(error.contains("/parent above it is frozen, too (write 0 to"), "{error}");
}

#[test]
fn killed_while_frozen() {
    let Some(world) = World::enter() else { return };
    let cgroup = world.create("leaf", "{}").unwrap();
    let _process = Process::start_in(&cgroup);
    cgroup.freeze(soon()).unwrap();
    cgroup.kill().unwrap();
    cgroup.wait_empty(soon()).unwrap();
    Cgroup::remove(cgroup.path(), cgroup.made(), soon()).unwrap();
}

#[test]
fn who_forks_all_the_time_is_killed() {
    let Some(world) = World::enter() else { return };
    let cgroup = world.create("leaf", "{}").unwrap();
    let forking: Vec<_> = (0..10).map(|_| Process::shell("while kill -0 $PPID; do (:); done")).collect();
    for process in &forking {
        cgroup.add(process.pid()).unwrap();
    }
    cgroup.kill().unwrap();
    cgroup.wait_empty(soon()).unwrap();
    assert_eq!(cgroup.processes().unwrap(), [0; 0]);
    Cgroup::remove(cgroup.path(), cgroup.made(), soon()).unwrap();
}

#[test]
fn who_does_not_end_is_named() {
    let Some(world) = World::enter() else { return };
    let cgroup = world.create("leaf", "{}").unwrap();
    let process = Process::start_in(&cgroup);
    let error = cgroup.wait_empty(Instant::now()).unwrap_err().to_string();
    let expected = format!("{}: still has processes: process {} (sh", cgroup.path().display(), process.pid());
    // What follows the name depends on what it is doing just now.
    assert!(error.starts_with(&expected), "{error}");
}

#[test]
fn a_cgroup_that_is_gone_is_empty() {
    let Some(world) = World::enter() else { return };
    let cgroup = world.create("leaf", "{}").unwrap();
    Cgroup::remove(cgroup.path(), cgroup.made(), soon()).unwrap();
    cgroup.kill().unwrap();
    cgroup.wait_empty(soon()).unwrap();
    assert_eq!(
        (cgroup.processes().unwrap(), cgroup.populated().unwrap(), cgroup.frozen().unwrap()),
        (vec![], false, false)
    );
    assert_eq!(cgroup.memory(), Memory::default());
}
