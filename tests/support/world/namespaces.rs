//! The mounts of a test's world.

use std::fs::OpenOptions;
use std::io;
use std::process::Command;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;

use super::cgroup::OwnCgroup;
use crate::support::kernel::{before_exec, usual_surroundings};

/// Whether this process may make namespaces and mounts: it has `CAP_SYS_ADMIN`.
pub fn may_make() -> bool {
    const SYS_ADMIN: u64 = 1 << 21;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let mask = mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    mask.is_some_and(|mask| mask & SYS_ADMIN != 0)
}

/// Makes `command` die with the thread that started it, and live in the world of `cgroup`, if there is one.
pub fn prepare(command: &mut Command, cgroup: Option<&OwnCgroup>) {
    before_exec(command, || {
        usual_surroundings();
        Ok(prctl::set_pdeathsig(Signal::SIGKILL)?)
    });
    if let Some(cgroup) = cgroup {
        let open = |name| OpenOptions::new().write(true).open(cgroup.path().join(name)).unwrap();
        let (top, leaf) = (open("cgroup.procs"), open("test/cgroup.procs"));
        before_exec(command, move || {
            nix::unistd::write(&top, b"0")?;
            make_world()?;
            nix::unistd::write(&leaf, b"0")?;
            hand_controllers_on();
            Ok(())
        });
    }
}

/// New mount and cgroup namespaces. The cgroup namespace's root is the cgroup we are in now; within
/// it mounting cgroup2 leaves the machine's own mount options alone.
fn make_world() -> io::Result<()> {
    const PLAIN: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV).union(MsFlags::MS_NOEXEC);
    let none = None::<&str>;
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWCGROUP)?;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    while umount2("/sys/fs/cgroup", MntFlags::MNT_DETACH).is_ok() {}
    mount(Some("cgroup2"), "/sys/fs/cgroup", Some("cgroup2"), PLAIN, none)?;
    // Terminals of our own: then the guard sees exactly those that the test's runtime left.
    let terminals = Some("newinstance,ptmxmode=0666,mode=0620,gid=5");
    mount(Some("devpts"), "/dev/pts", Some("devpts"), MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, terminals)?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=755"))?;
    Ok(())
}

/// Lets the containers' cgroups have the controllers that this one has.
fn hand_controllers_on() {
    let Ok(file) = nix::fcntl::open(
        "/sys/fs/cgroup/cgroup.subtree_control",
        nix::fcntl::OFlag::O_WRONLY | nix::fcntl::OFlag::O_CLOEXEC,
        nix::sys::stat::Mode::empty(),
    ) else {
        return;
    };
    for name in ["+cpu", "+cpuset", "+memory", "+pids", "+io", "+hugetlb", "+rdma", "+misc"] {
        // Those that are not here are those that the machine has in v1, or not at all.
        let _ = nix::unistd::write(&file, name.as_bytes());
    }
}
