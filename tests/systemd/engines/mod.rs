//! Engines as services of a machine with systemd, the way they are installed: limits asked through them are read back from
//! the kernel and from systemd, and felt.
//!
//! What can be asked without a controller and without systemd is asked on the host, which is quicker (tests/engines).

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::kit::{of, read, tell};

mod containerd;
mod docker;
mod podman;

/// Where engines are told to find the runtime.
const RUNTIME: &str = "/usr/local/bin/onggi";

/// A busybox, as an archive of a root file system.
const IMAGE: &str = "/var/tmp/busybox.tar";

/// A line of shell that must succeed: what it says.
#[track_caller]
fn shell(line: &str) -> String {
    tell("sh", &["-c", line])
}

/// The runtime and the image are where the engines look for them.
fn prepare() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let runtime = std::env::var("ONGGI_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_onggi").to_owned());
        shell(&format!(
            "set -e; install {runtime} {RUNTIME}; root=$(mktemp -d); cd $root; mkdir bin dev etc proc sys tmp; \
             cp /bin/busybox bin/; for name in $(busybox --list); do [ -e bin/$name ] || ln -s busybox bin/$name; done; \
             echo root:x:0:0::/:/bin/sh > etc/passwd; tar -cf {IMAGE} .; cd /; rm -r $root"
        ));
    });
}

/// The cgroup of the process that an engine calls a container's.
#[track_caller]
fn cgroup(pid: &str) -> PathBuf {
    of(pid.parse().unwrap_or_else(|_| panic!("{pid:?} is no pid")))
}

/// These files of the cgroup say this.
#[track_caller]
fn says(cgroup: &Path, expected: &[(&str, &str)]) {
    let is: Vec<_> = expected.iter().map(|(file, _)| read(cgroup, file)).collect();
    let wanted: Vec<_> = expected.iter().map(|(_, value)| *value).collect();
    assert_eq!(is, wanted, "{expected:?}");
}

/// All that `systemctl show` says about a unit, but what is different from one to the next, and what is known to be different
/// from runc's: its weight is by the formula of old (and ours of 2024), its failed units stay, it tells systemd twice.
#[track_caller]
fn properties(unit: &str) -> Vec<String> {
    const OWN: [&str; 17] = [
        "Id=",
        "Names=",
        "Description=",
        "FragmentPath=",
        "ControlGroup=",
        "ControlGroupId=",
        "InvocationID=",
        "MemoryCurrent=",
        "MemoryAvailable=",
        "TasksCurrent=",
        "CPUUsageNSec=",
        "IO",
        "IPIn",
        "CPUWeight=",
        "CollectMode=",
        "DropInPaths=",
        "NeedDaemonReload=",
    ];
    let text = tell("systemctl", &["show", unit]);
    let own = |line: &&str| OWN.iter().any(|own| line.starts_with(own)) || line.contains("Timestamp");
    // Two names of the same: the pseudo terminals.
    let mut lines: Vec<_> =
        text.lines().filter(|line| !own(line)).map(|line| line.replace("char-pts", "char-136")).collect();
    lines.sort_unstable();
    lines
}
