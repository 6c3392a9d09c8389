//! The kit itself: a guard that sees nothing would let everything pass.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::support::{Host, Snapshot, guarded};

/// Whether the guard has a line with these words once `mischief` is done; `undo` ends it.
#[track_caller]
fn sees(host: &Host, words: &str, mischief: impl FnOnce(), undo: impl FnOnce()) {
    let before = Snapshot::take(host);
    mischief();
    let after = Snapshot::take(host);
    undo();
    let lines = before.differences(&after);
    assert!(
        lines.iter().any(|line| line.contains(words)),
        "no {words:?} in {lines:#?}"
    );
    let again = before.differences(&Snapshot::take(host));
    assert!(again.is_empty(), "not undone: {again:#?}");
}

/// A mount that is left, a node in `/dev`, a terminal, a cgroup.
#[test]
fn guard_sees_what_is_new() {
    guarded(|host| {
        let folder = host.folder().join("left");
        fs::create_dir(&folder).unwrap();
        let none = None::<&str>;
        sees(
            host,
            "+ mount /tmp/onggi-",
            || {
                mount(
                    Some("tmpfs"),
                    &folder,
                    Some("tmpfs"),
                    MsFlags::empty(),
                    none,
                )
                .unwrap();
            },
            || umount2(&folder, MntFlags::empty()).unwrap(),
        );
        let cgroup = "/sys/fs/cgroup/left";
        sees(
            host,
            "+ cgroup /sys/fs/cgroup/left",
            || fs::create_dir(cgroup).unwrap(),
            || fs::remove_dir(cgroup).unwrap(),
        );
        let mut terminal = None;
        let mut take = || terminal = Some(nix::pty::openpty(None, None).unwrap());
        let before = Snapshot::take(host);
        take();
        let lines = before.differences(&Snapshot::take(host));
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("+ device /dev/pts/0")),
            "{lines:#?}"
        );
    });
}

/// A changed or replaced file, another mode, a process that lives on, a container in the state root.
#[test]
fn guard_sees_what_changed() {
    guarded(|host| {
        let secret = host.canaries().join("secret");
        let mode = |mode| fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
        sees(host, "~ canary", || mode(0o644), || mode(0o600));
        let new = host.canaries().join("directory/new");
        sees(
            host,
            "+ canary",
            || symlink("/", &new).unwrap(),
            || fs::remove_file(&new).unwrap(),
        );
        let state = host.runtime().root().join("jar");
        sees(
            host,
            "+ container jar",
            || fs::create_dir_all(&state).unwrap(),
            || fs::remove_dir(&state).unwrap(),
        );
        let mut sleeper = None;
        let before = Snapshot::take(host);
        // `cat` reads a pipe that nobody writes to.
        sleeper.replace(Command::new("cat").stdin(Stdio::piped()).spawn().unwrap());
        let lines = before.differences(&Snapshot::take(host));
        assert!(
            lines.iter().any(|line| line.starts_with("+ process")),
            "{lines:#?}"
        );
        let mut sleeper = sleeper.unwrap();
        drop(sleeper.stdin.take());
        sleeper.wait().unwrap();
    });
}

/// The world is what it says: a pure v2 hierarchy whose top has no processes, and no other test's terminals.
#[test]
fn world_is_private() {
    guarded(|_| {
        let procs = |path| fs::read_to_string(path).unwrap();
        assert_eq!(procs("/sys/fs/cgroup/cgroup.procs"), "");
        assert!(
            procs("/sys/fs/cgroup/test/cgroup.procs").contains(&std::process::id().to_string())
        );
        assert!(procs("/proc/self/cgroup").ends_with("0::/test\n"));
        let terminals: Vec<_> = fs::read_dir("/dev/pts")
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(terminals, ["ptmx"]);
    });
}
