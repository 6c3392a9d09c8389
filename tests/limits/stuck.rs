//! Processes that do not stop when they are told to: `pause` gives up in time, names them, and undoes what it did.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns};
use serde_json::json;

use crate::kit::{has_file, of, read, sleeper, until};
use crate::support::{before_exec, guarded, patience, reaper};

/// Mounts on the container's /tmp a FUSE file system of which nobody reads the requests, for as long as the file is open:
/// who touches it waits in the kernel, where no freezing reaches.
fn silent_file_system(pid: i32) -> File {
    let fuse = File::options().read(true).write(true).open("/dev/fuse").unwrap();
    let namespace = File::open(format!("/proc/{pid}/ns/mnt")).unwrap();
    let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", fuse.as_raw_fd());
    // Looked up by the child, when it is in the container's mount namespace.
    let mut command = Command::new("/payload");
    command.args(["exit", "0"]);
    before_exec(&mut command, move || {
        setns(&namespace, CloneFlags::CLONE_NEWNS)?;
        let none = MsFlags::empty();
        mount(Some("silent"), "/tmp", Some("fuse"), none, Some(options.as_str())).map_err(io::Error::from)
    });
    assert!(command.status().unwrap().success());
    fuse
}

/// One that hangs in the kernel (state D): after the deadline all go on, and the error says who it was and what it does.
#[test]
fn a_process_that_hangs_in_the_kernel() {
    guarded(|host| {
        if !has_file("/dev/fuse") || !host.is_onggi() {
            return;
        }
        let container = host.start(&sleeper(&json!({})));
        let folder = of(container.pid());
        let fuse = silent_file_system(container.pid());
        let pid_file = host.folder().join("pid");
        let pid_path = pid_file.to_str().unwrap();
        let words = ["exec", "--detach", "--pid-file", pid_path, "jar", "/payload", "touch", "/tmp/file"];
        host.runtime().call(words).ok();
        let pid: i32 = std::fs::read_to_string(&pid_file).unwrap().parse().unwrap();
        let ending = reaper(pid);
        until("it hangs", || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('D'))
        });
        let begun = Instant::now();
        let output = container.call("pause", &[]).fails_with("not all processes could be frozen in time");
        assert!(begun.elapsed() < patience(Duration::from_secs(15)), "{:?}", begun.elapsed());
        assert!(output.stderr.contains(&format!("process {pid} (payload, in uninterruptible sleep)")), "{output:?}");
        assert_eq!((container.status().as_str(), read(&folder, "cgroup.freeze").as_str()), ("running", "0"));
        assert!(!read(&folder, "cgroup.events").contains("frozen 1"));
        // SIGKILL does reach it.
        container.force_delete();
        ending.join().unwrap();
        assert!(!folder.exists());
        drop(fuse);
    });
}

/// One that was stopped by a signal is as good as frozen, and is still stopped afterwards.
#[test]
fn a_stopped_process() {
    guarded(|host| {
        let container = host.start(&sleeper(&json!({})));
        let folder = of(container.pid());
        // From outside: a pid namespace's first process is spared by those inside.
        container.kill("STOP");
        until("it is stopped", || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", container.pid())).unwrap();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
        });
        container.call("pause", &[]).ok();
        assert!(read(&folder, "cgroup.events").contains("frozen 1"));
        assert_eq!(container.status(), "paused");
        container.call("resume", &[]).ok();
        assert_eq!(container.status(), "running");
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", container.pid())).unwrap();
        assert!(stat.contains(") T "), "{stat}");
        container.force_delete();
    });
}
