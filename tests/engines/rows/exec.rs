//! More processes in a running container.

use super::confine::granting_all;
use crate::command::{Ran, Verdict, at_once};
use crate::docker;
use crate::engine::Engine;

fn sleeper(e: &Engine, options: &str) -> Verdict {
    e.detached("one", &format!("{options} busybox sh -c 'echo ready; exec sleep 1000'"))
}

pub fn output(e: &Engine) -> Verdict {
    sleeper(e, "")?;
    e.call("exec one echo hi")?.succeeds()?.prints("hi").map(drop)
}

pub fn status(e: &Engine) -> Verdict {
    sleeper(e, "")?;
    e.call("exec one sh -c 'exit 7'")?.ends_with(7).map(drop)?;
    e.call("exec one sh -c 'kill -9 $$'")?.ends_with(137).map(drop)
}

pub fn standard_input(e: &Engine) -> Verdict {
    sleeper(e, "")?;
    e.call_with("exec -i one tr a-z A-Z", "some words\n")?.succeeds()?.prints("SOME WORDS").map(drop)
}

pub fn detached(e: &Engine) -> Verdict {
    sleeper(e, "")?;
    e.call("exec -d one sh -c 'echo done >/tmp/mark; exec sleep 2000'")?.works()?;
    e.until("the detached process runs", || {
        Ok(e.call("exec one sh -c 'cat /tmp/mark; ps'")?.out.contains("sleep 2000"))
    })
}

pub fn identity(e: &Engine) -> Verdict {
    sleeper(e, "-e OLD=old")?;
    let line = "exec -e NEW=new -w /srv -u 1000:26 one sh -c 'echo $OLD $NEW $PWD $(id -u):$(id -g)'";
    e.call(line)?.succeeds()?.prints("old new /srv 1000:26").map(drop)
}

pub fn not_found(e: &Engine) -> Verdict {
    sleeper(e, "")?;
    let ran = e.call("exec one no-such-program")?;
    // Docker 20.10 says 126 of an exec, whatever was wrong, and says what to standard output.
    let by_engine = e.driver.name() == docker::NAME && ran.status == 126;
    let named = |ran: &Ran| format!("{}{}", ran.out, ran.err).contains("executable file not found in $PATH");
    let ran = ran.must("says: executable file not found in $PATH", named)?;
    if by_engine { Ok(()) } else { ran.ends_with(127).map(drop) }
}

pub fn not_executable(e: &Engine) -> Verdict {
    sleeper(e, "")?;
    e.call("exec one /etc/passwd")?.ends_with(126).map(drop)
}

pub fn privileged(e: &Engine) -> Verdict {
    // The capabilities are the exec's own, the filter is the container's, and Docker's forbids mount.
    sleeper(e, "--security-opt seccomp=unconfined")?;
    let mount = "one mount -t tmpfs none /srv";
    e.call(&format!("exec {mount}"))?.must("fails", |ran| ran.status != 0).map(drop)?;
    granting_all(e.call(&format!("exec --privileged {mount}"))?)?.works()
}

pub fn same_place(e: &Engine) -> Verdict {
    sleeper(e, "")?;
    let links = "for n in mnt pid net ipc uts cgroup; do readlink /proc/PID/ns/$n || exit 1; done; \
                 cat /proc/PID/cgroup";
    let first = e.call(&format!("exec one sh -c '{}'", links.replace("PID", "1")))?.succeeds()?;
    let own = e.call(&format!("exec one sh -c '{}'", links.replace("PID", "self")))?.succeeds()?;
    own.prints(first.text()).map(drop)
}

pub fn eight(e: &Engine) -> Verdict {
    sleeper(e, "")?;
    at_once(8, |number| e.call(&format!("exec one sh -c 'exit {number}'"))?.ends_with(number).map(drop))
}

pub fn stopped(e: &Engine) -> Verdict {
    e.call("run --name one busybox true")?.works()?;
    e.call("exec one true")?.must("fails", |ran| ran.status != 0)?.complains("running").map(drop)
}

pub fn healthcheck(e: &Engine) -> Verdict {
    sleeper(e, "--health-interval=100ms --health-cmd 'test -e /tmp/well'")?;
    let state = |state| move || Ok(e.inspect("one", ".State.Health.Status")? == state);
    e.until("unhealthy", state("unhealthy"))?;
    e.call("exec one touch /tmp/well")?.works()?;
    e.until("healthy", state("healthy"))
}
