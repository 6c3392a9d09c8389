//! An engine that an ordinary user calls.

use std::fs;

use crate::command::{Ran, Verdict};
use crate::engine::Engine;
use crate::image;

const USER: &str = "4321";
const STORE: &str = "/run/store/rootless";
const CGROUP: &str = "/sys/fs/cgroup/rootless";

/// Podman makes a user namespace, and calls the runtime as its root: config.json then asks for none.
pub fn podman(e: &Engine) -> Verdict {
    prepare(e)?;
    let asked = ask(e);
    // It leaves a process that holds its namespaces, until it is told that they are not needed any more.
    call(e, "system migrate")?.works()?;
    e.until("the user's processes end", || {
        Ok(fs::read_to_string(format!("{CGROUP}/cgroup.events"))?.contains("populated 0"))
    })?;
    e.shell(&format!("find {CGROUP} -depth -type d -exec rmdir {{}} +; rm -r /run/user/{USER}"))?.works()?;
    asked
}

fn ask(e: &Engine) -> Verdict {
    call(e, &format!("import -q {} busybox", image::ARCHIVE))?.works()?;
    let inside = "sh -c 'id -u; cat /proc/self/uid_map | tr -s \" \"; touch /sys/no || echo refused'";
    let ran = call(e, &format!("run --rm --network none busybox {inside}"))?;
    ran.succeeds()?.prints(&format!("0\n 0 {USER} 1\n 1 200000 65536\nrefused")).map(drop)?;
    call(e, "run --rm --network none --userns keep-id busybox id -u")?.succeeds()?.prints(USER).map(drop)?;
    call(e, "run --rm --network none --tmpfs /etc busybox id guest")?.succeeds()?.says("26(tape)").map(drop)?;
    call(e, "run -d --name one --network none busybox sh -c 'trap \"exit 3\" TERM; while :; do sleep 0.1; done'")?
        .works()?;
    call(e, "exec -u guest one sh -c 'id -u; exit 7'")?.ends_with(7)?.prints("1000").map(drop)?;
    call(e, "stop one")?.works()?;
    call(e, "wait one")?.succeeds()?.prints("3").map(drop)?;
    call(e, "rm one")?.works()
}

/// A user with ids to map, a folder for what runs, and a cgroup of its own.
fn prepare(e: &Engine) -> Verdict {
    let script = format!(
        "echo tester:x:{USER}:{USER}::/run/user/{USER}:/bin/sh >>/etc/passwd && echo tester:x:{USER}: >>/etc/group && \
         echo tester:200000:65536 | tee /etc/subuid >/etc/subgid && \
         mkdir -p /run/user/{USER} {STORE} {CGROUP}/calls && chmod 700 /run/user/{USER} && \
         chown -R {USER}:{USER} /run/user/{USER} {STORE} {CGROUP}"
    );
    e.shell(&script)?.works()
}

/// `podman LINE` of the user.
fn call(e: &Engine, line: &str) -> Verdict<Ran> {
    let home = format!("/run/user/{USER}");
    e.shell(&format!(
        "cd {home} && echo $$ >{CGROUP}/calls/cgroup.procs && \
         exec setpriv --reuid {USER} --regid {USER} --clear-groups env HOME={home} XDG_RUNTIME_DIR={home} \
         podman --root {STORE}/podman --storage-driver overlay --cgroup-manager cgroupfs {line}"
    ))
}
