//! The private world: each test runs in a process of its own, which as root has its own mounts and
//! its own cgroup, in which `/sys/fs/cgroup` is a pure v2 hierarchy, whatever the machine has.
//!
//! The test function, called by the harness, starts this very program again for the one test, in
//! the new world, and waits. So tests may run in parallel, in threads (`cargo test`) or processes
//! (`cargo nextest`), and whatever a test leaves behind is found and cleared away.

mod cgroup;
mod namespaces;

use std::any::type_name;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use cgroup::OwnCgroup;

/// Says to the program started again that it's the one in the world, and in which: `private` or `shared`.
const MARK: &str = "ONGGI_TEST_WORLD";

/// How long one test may take.
const DEADLINE: Duration = Duration::from_mins(4);

/// What a test needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Root's rights, for mounts and cgroups.
    Root,
    /// Nothing: an ordinary user can run it.
    Anyone,
}

/// Whether this process is in a private world: it was started as root.
pub fn is_private() -> bool {
    std::env::var(MARK).is_ok_and(|world| world == "private")
}

/// Runs `inside` in the world of the test whose closure is `F`.
#[track_caller]
pub fn enter<F>(need: Need, inside: impl FnOnce()) {
    if std::env::var_os(MARK).is_some() {
        return inside();
    }
    let test = test_name::<F>();
    if namespaces::may_make() {
        match OwnCgroup::make() {
            Ok(cgroup) => run_again(test, Some(&cgroup)),
            Err(cause) => skipped(&format!("{test}: no cgroup of its own: {cause}")),
        }
    } else if need == Need::Anyone {
        run_again(test, None);
    } else {
        skipped(&format!("{test}: it needs root (CAP_SYS_ADMIN)"));
    }
}

/// Says loudly that a test, or the rest of one, was skipped: past the harness's capture, and in a
/// file that `make test` shows at its end.
pub fn skipped(why: &str) {
    noted(&format!("SKIPPED {why}"));
}

/// Adds a line to the notes of this run, which are shown when it is over.
pub fn noted(text: &str) {
    let line = format!("{text}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    let notes = concat!(env!("CARGO_TARGET_TMPDIR"), "/skipped");
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(notes) {
        let _ = file.write_all(line.as_bytes());
    }
}

/// Whether this kernel is older than Linux `major`.`minor`.
pub fn kernel_before(major: u32, minor: u32) -> bool {
    let name = nix::sys::utsname::uname().unwrap();
    let mut numbers = name.release().to_str().unwrap().split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) < (Some(major), Some(minor))
}

/// Whether this kernel can't map the ids of a tmpfs, which is noted then.
pub fn no_mapped_tmpfs() -> bool {
    let old = kernel_before(6, 3);
    if old {
        skipped("the ids of a tmpfs are mapped since Linux 6.3");
    }
    old
}

/// `life::process::args::{{closure}}` is the test `process::args` of the program `life`.
fn test_name<F>() -> &'static str {
    let path = type_name::<F>().trim_end_matches("::{{closure}}");
    path.split_once("::").map_or(path, |(_, test)| test)
}

#[track_caller]
fn run_again(test: &str, cgroup: Option<&OwnCgroup>) {
    let folder = tempfile::tempdir().unwrap();
    let said = folder.path().join("said");
    let file = File::create(&said).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([test, "--exact", "--nocapture", "--include-ignored", "--test-threads=1"])
        .env(MARK, if cgroup.is_some() { "private" } else { "shared" })
        // The panic's own place is the line of the test that failed.
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .stdout(file.try_clone().unwrap())
        .stderr(file);
    namespaces::prepare(&mut command, cgroup);
    let status = super::command::wait(&mut command.spawn().unwrap(), DEADLINE);
    let left = cgroup.map(OwnCgroup::clear).unwrap_or_default();
    let output = fs::read_to_string(&said).unwrap_or_default();
    assert!(status.success(), "{}", complaint(&output));
    assert!(output.contains("1 passed"), "{test} is not this test's name; is guarded() called by a helper?\n{output}");
    assert!(left.is_empty(), "processes left in the test's cgroup: {}", left.join(", "));
    // The first one stands behind the harness's "test NAME ... ".
    for why in output.lines().filter_map(|line| line.split_once("SKIPPED ")) {
        let _ = std::io::stderr().write_all(format!("SKIPPED {} ({test})\n", why.1).as_bytes());
    }
}

/// What the test's own process said, without the harness's frame.
fn complaint(output: &str) -> String {
    let frame = |line: &&str| {
        !["running 1 test", "FAILED", "failures:", "note: run with", "test result:"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    output.lines().filter(frame).collect::<Vec<_>>().join("\n")
}
