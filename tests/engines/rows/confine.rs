//! What a container is kept from.

use std::fs;

use crate::command::{Ran, Trouble, Verdict, failed};
use crate::docker;
use crate::engine::Engine;

/// `CAP_CHOWN` is 0, `CAP_SYS_TIME` 25: linux/capability.h.
const CHOWN: u64 = 1;
const SYS_TIME: u64 = 1 << 25;

/// The effective capabilities of a container's process.
fn effective(e: &Engine, options: &str) -> Verdict<u64> {
    let ran = e.call(&format!("run --rm {options} busybox grep CapEff /proc/self/status"))?.succeeds()?;
    let digits = ran.text().rsplit('\t').next().unwrap_or_default().to_owned();
    u64::from_str_radix(&digits, 16).map_err(|error| failed(format!("{digits:?}: {error}")))
}

fn holds(what: &str, set: u64, true_of_it: bool) -> Verdict {
    if true_of_it { Ok(()) } else { Err(failed(format!("CapEff {set:#x}: expected {what}"))) }
}

pub fn cap_drop(e: &Engine) -> Verdict {
    let set = effective(e, "--cap-drop CHOWN")?;
    holds("no CAP_CHOWN, but others", set, set & CHOWN == 0 && set != 0)?;
    let none = effective(e, "--cap-drop ALL")?;
    holds("none", none, none == 0)?;
    let line = "run --rm --cap-drop CHOWN busybox chown 1:1 /srv";
    e.call(line)?.ends_with(1)?.complains("not permitted").map(drop)
}

pub fn cap_add(e: &Engine) -> Verdict {
    let set = effective(e, "--cap-add SYS_TIME")?;
    holds("CAP_SYS_TIME", set, set & SYS_TIME != 0)
}

pub fn cap_default(e: &Engine) -> Verdict {
    let set = effective(e, "")?;
    // Docker's 14, or Podman's 11: never SYS_ADMIN (21).
    holds("between 8 and 16, without SYS_ADMIN", set, (8..=16).contains(&set.count_ones()) && set & (1 << 21) == 0)
}

pub fn privileged(e: &Engine) -> Verdict {
    let line = "run --rm --privileged busybox sh -c \
                'mount -t tmpfs none /srv && grep -c \" /srv \" /proc/mounts; test -c /dev/kmsg && echo device; \
                 grep Seccomp: /proc/self/status; test -w /proc/sys/kernel/hostname && echo writable'";
    let ran = granting_all(e.call(line)?)?;
    ran.succeeds()?.prints("1\ndevice\nSeccomp:\t0\nwritable").map(drop)
}

/// Passes on what a privileged call did, but skips where runc 1.1 refuses it.
///
/// Docker asks for all capabilities, also those that the host has not got. The spec now has a
/// runtime warn and go on; runc 1.1 fails, with these words, which are no other runtime's.
pub fn granting_all(ran: Ran) -> Verdict<Ran> {
    if ran.status != 0 && format!("{}{}", ran.out, ran.err).contains("unable to apply caps") {
        let why = "runc before 1.2 can't grant all capabilities where the host lacks one";
        return Err(Trouble::Skipped(why.to_owned()));
    }
    Ok(ran)
}

pub fn no_new_privileges(e: &Engine) -> Verdict {
    let line = "busybox grep NoNewPrivs /proc/self/status";
    e.call(&format!("run --rm {line}"))?.succeeds()?.prints("NoNewPrivs:\t0").map(drop)?;
    let line = format!("run --rm --security-opt no-new-privileges {line}");
    e.call(&line)?.succeeds()?.prints("NoNewPrivs:\t1").map(drop)
}

pub fn seccomp(e: &Engine) -> Verdict {
    let line = "busybox sh -c 'grep Seccomp: /proc/self/status; unshare -U echo allowed; :'";
    let ran = e.call(&format!("run --rm {line}"))?.succeeds()?;
    // unshare(CLONE_NEWUSER) needs no privilege: only the filter refuses it. Podman's lets it pass.
    let refused = if e.driver.name() == docker::NAME { "" } else { "\nallowed" };
    ran.prints(&format!("Seccomp:\t2{refused}")).map(drop)?;
    let line = format!("run --rm --security-opt seccomp=unconfined {line}");
    e.call(&line)?.succeeds()?.prints("Seccomp:\t0\nallowed").map(drop)
}

pub fn seccomp_profile(e: &Engine) -> Verdict {
    let profile = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
        {"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}"#;
    fs::write("/tmp/profile.json", profile)?;
    let line = "run --rm --security-opt seccomp=/tmp/profile.json busybox mkdir /srv/new";
    e.call(line)?.ends_with(1)?.complains("no space left").map(drop)
}

pub fn masked(e: &Engine) -> Verdict {
    let line = "run --rm busybox sh -c '\
                head -c 1 /proc/kcore | wc -c; ls /sys/firmware | wc -l; \
                echo 1 >/proc/sys/kernel/printk || echo refused; \
                echo x >/sys/kernel/mm/new || echo refused'";
    e.call(line)?.succeeds()?.prints("0\n0\nrefused\nrefused").map(drop)
}

pub fn descriptors(e: &Engine) -> Verdict {
    // 3 is ls's own, for the folder.
    e.call("run --rm busybox ls /proc/self/fd")?.succeeds()?.prints("0\n1\n2\n3").map(drop)
}

pub fn namespaces(e: &Engine) -> Verdict {
    let kinds = ["mnt", "pid", "net", "ipc", "uts", "cgroup"];
    let line = format!("cd /proc/$$/ns && for n in {}; do readlink $n; done", kinds.join(" "));
    let inside = e.call(&format!("run --rm busybox sh -c '{line}'"))?.succeeds()?;
    let outside = e.shell(&line)?.succeeds()?;
    let shared = outside.text().lines().filter(|name| inside.out.contains(name)).collect::<Vec<_>>();
    if !shared.is_empty() {
        return Err(failed(format!("shared with the host: {}", shared.join(" "))));
    }
    e.call("run --rm busybox grep ^0:: /proc/self/cgroup")?.succeeds()?.prints("0::/").map(drop)
}
