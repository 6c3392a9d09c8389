//! The device program, as felt by a process in the cgroup.

use std::os::fd::AsRawFd;
use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use onggi::cgroup::Cgroup;
use onggi::sys::{Fd, bpf};

use crate::world::{Process, World, planned};

/// Device nodes on a file system of the test's own.
fn nodes() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    mount(Some("none"), folder.path(), Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
    for (name, major, minor) in [("null", 1, 3), ("kmsg", 1, 11), ("zero", 1, 5)] {
        let mode = Mode::from_bits_truncate(0o666);
        mknod(&folder.path().join(name), SFlag::S_IFCHR, mode, makedev(major, minor)).unwrap();
    }
    folder
}

/// What a process in the cgroup can do: one word for each thing.
fn felt(cgroup: &Cgroup, nodes: &Path) -> String {
    let script = format!(
        "read line; cd {}; for name in null zero kmsg; do (exec 3<$name) && echo r-$name; (exec 3>$name) && echo w-$name; done; \
         mknod made c 10 229 && rm made && echo m",
        nodes.display()
    );
    let process = Process::shell(&script);
    cgroup.add(process.pid()).unwrap();
    process.answer().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The ids of the programs in force.
fn programs(cgroup: &Cgroup) -> Vec<u32> {
    let mut ids = [0; 64];
    let count = bpf::attached_device_programs(Fd(cgroup.fd().as_raw_fd()), &mut ids).unwrap();
    ids[..count].to_vec()
}

#[test]
fn only_what_is_allowed() {
    let Some(world) = World::enter() else { return };
    let nodes = nodes();
    let rules = r#"{"devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 11, "access": "r"}]}"#;
    let plan = planned(&world.place("leaf"), rules);
    let cgroup = world.create("leaf", rules).unwrap();
    assert_eq!(felt(&cgroup, nodes.path()), "r-null w-null r-zero w-zero r-kmsg w-kmsg m");
    cgroup.attach_devices(&plan.devices).unwrap();
    assert_eq!(felt(&cgroup, nodes.path()), "r-null w-null r-zero w-zero r-kmsg m");
}

#[test]
fn default_deny_without_rules() {
    let Some(world) = World::enter() else { return };
    let nodes = nodes();
    let cgroup = world.create("leaf", "{}").unwrap();
    cgroup.attach_devices(&planned(&world.place("leaf"), "{}").devices).unwrap();
    assert_eq!(felt(&cgroup, nodes.path()), "r-null w-null r-zero w-zero m");
}

#[test]
fn an_update_replaces_the_one_program() {
    let Some(world) = World::enter() else { return };
    let nodes = nodes();
    let cgroup = world.create("leaf", "{}").unwrap();
    cgroup.attach_devices(&planned(&world.place("leaf"), "{}").devices).unwrap();
    let before = programs(&cgroup);
    let all = planned(&world.place("leaf"), r#"{"devices": [{"allow": true, "access": "rwm"}]}"#);
    // Another process, which knows the path only.
    Cgroup::open(cgroup.path()).unwrap().unwrap().attach_devices(&all.devices).unwrap();
    let after = programs(&cgroup);
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before, after);
    assert_eq!(felt(&cgroup, nodes.path()), "r-null w-null r-zero w-zero r-kmsg w-kmsg m");
}
