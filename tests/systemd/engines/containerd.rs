//! containerd by itself: `ctr`, which always asks for CPU shares.

use std::path::Path;

use super::{RUNTIME, cgroup, says, shell};
use crate::kit::{is_gone, show};

/// Both drivers, in a containerd that runs and has the image.
pub fn limits() {
    let run = |options: &str, id: &str| {
        shell(&format!(
            "ctr run -d --runc-binary {RUNTIME} {options} --memory-limit 67108864 --cpus 0.5 docker.io/library/busybox:latest {id} sleep 1000"
        ));
        cgroup(&shell(&format!("ctr task list | sed -n 's/^{id} *\\([0-9]*\\) .*/\\1/p'")))
    };
    let scope = run("--runc-systemd-cgroup --cgroup system.slice:ctr:one", "one");
    assert_eq!(scope, Path::new("/sys/fs/cgroup/system.slice/ctr-one.scope"));
    let files = run("", "two");
    assert_eq!(files, Path::new("/sys/fs/cgroup/default/two"));
    for cgroup in [&scope, &files] {
        says(cgroup, &[("memory.max", "67108864"), ("cpu.max", "50000 100000"), ("cpu.weight", "100")]);
    }
    assert_eq!(show("ctr-one.scope", &["MemoryMax"]), "MemoryMax=67108864");
    shell(
        "for id in one two; do ctr task pause $id; ctr task resume $id; ctr task delete -f $id; ctr container delete $id; done",
    );
    is_gone("ctr-one.scope");
    assert!(!files.exists());
}
