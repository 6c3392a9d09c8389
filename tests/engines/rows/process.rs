//! The container's process: what it is given, what comes back.

use std::thread;

use crate::command::{Ran, Verdict, at_once, joined};
use crate::engine::Engine;

pub fn output(e: &Engine) -> Verdict {
    e.call("run --rm busybox echo hi")?.succeeds()?.prints("hi").map(drop)
}

pub fn runtime(e: &Engine) -> Verdict {
    e.call("create --name one busybox true")?.works()?;
    e.call(&format!("inspect -f '{{{{{}}}}}' one", e.driver.runtime_field()))?.prints("onggi").map(drop)
}

pub fn standard_error(e: &Engine) -> Verdict {
    let ran = e.call("run --rm busybox sh -c 'echo out; echo err >&2'")?;
    let is = |ran: &Ran| !ran.err.contains("out");
    ran.succeeds()?.prints("out")?.complains("err")?.must("only err on standard error", is).map(drop)
}

pub fn standard_input(e: &Engine) -> Verdict {
    e.call_with("run -i --rm busybox tr a-z A-Z", "some words\n")?.succeeds()?.prints("SOME WORDS").map(drop)
}

pub fn status(e: &Engine) -> Verdict {
    e.call("run --rm busybox sh -c 'exit 7'")?.ends_with(7).map(drop)
}

pub fn signal(e: &Engine) -> Verdict {
    thread::scope(|scope| {
        let line = "run --name one busybox sh -c 'echo ready; exec sleep 1000'";
        let attached = scope.spawn(move || e.call(line)?.ends_with(137)?.prints("ready"));
        e.until("the container is there", || Ok(e.call("logs one")?.out.contains("ready")))?;
        e.call("kill one")?.works()?;
        joined(attached).map(drop)
    })
}

pub fn not_found(e: &Engine) -> Verdict {
    e.call("run --rm busybox no-such-program")?.ends_with(127)?.complains("no-such-program").map(drop)?;
    e.call("run --rm busybox /no/such/program")?.ends_with(127).map(drop)
}

pub fn not_executable(e: &Engine) -> Verdict {
    e.call("run --rm busybox /etc/passwd")?.ends_with(126)?.complains("permission denied").map(drop)?;
    e.call("run --rm busybox /etc")?.ends_with(126).map(drop)
}

pub fn environment(e: &Engine) -> Verdict {
    let line = "run --rm -e ONE=1 -e 'TWO=a b' busybox sh -c 'echo $ONE $TWO $HOME; test -n \"$PATH\"'";
    e.call(line)?.succeeds()?.prints("1 a b /root").map(drop)
}

pub fn directory(e: &Engine) -> Verdict {
    e.call("run --rm -w /srv busybox pwd")?.succeeds()?.prints("/srv").map(drop)
}

pub fn directory_made(e: &Engine) -> Verdict {
    e.call("run --rm -w /srv/new/one busybox pwd")?.succeeds()?.prints("/srv/new/one").map(drop)
}

pub fn user(e: &Engine) -> Verdict {
    let line = "run --rm -u 1234:4321 busybox sh -c 'id -u; id -g; grep CapEff /proc/self/status'";
    e.call(line)?.succeeds()?.prints("1234\n4321\nCapEff:\t0000000000000000").map(drop)
}

pub fn user_by_name(e: &Engine) -> Verdict {
    let line = "run --rm -u guest busybox sh -c 'id; echo $HOME'";
    let ran = e.call(line)?.succeeds()?.says("uid=1000(guest) gid=1000(guest)")?;
    ran.says("26(tape)")?.says("/srv").map(drop)
}

pub fn group_add(e: &Engine) -> Verdict {
    e.call("run --rm -u 1000 --group-add 77 busybox id -G")?.succeeds()?.says("77").map(drop)
}

pub fn entrypoint(e: &Engine) -> Verdict {
    e.call("run --rm --entrypoint /bin/echo busybox one two")?.succeeds()?.prints("one two").map(drop)
}

pub fn hostname(e: &Engine) -> Verdict {
    e.call("run --rm --hostname jar busybox hostname")?.succeeds()?.prints("jar").map(drop)?;
    e.shell("hostname")?.prints("engines").map(drop)
}

pub fn init(e: &Engine) -> Verdict {
    let line = "run --rm --init busybox sh -c 'cat /proc/1/cmdline; echo; echo $$'";
    let ran = e.call(line)?.succeeds()?;
    ran.says("init")?.must("the program is not pid 1", |ran| !ran.out.ends_with("\n1\n")).map(drop)
}

pub fn pid_host(e: &Engine) -> Verdict {
    e.call("run --rm --pid=host busybox cat /proc/1/cmdline")?.succeeds()?.says("docker-init").map(drop)
}

pub fn pid_container(e: &Engine) -> Verdict {
    e.detached("one", "busybox sh -c 'echo ready; exec sleep 1000'")?;
    e.call("run --rm --pid=container:one busybox ps")?.succeeds()?.says("sleep 1000").map(drop)
}

pub fn ipc_container(e: &Engine) -> Verdict {
    e.detached("one", "--ipc=shareable busybox sh -c 'echo ready; exec sleep 1000'")?;
    let theirs = e.call("exec one readlink /proc/self/ns/ipc")?.succeeds()?;
    let ours = e.call("run --rm --ipc=container:one busybox readlink /proc/self/ns/ipc")?;
    ours.succeeds()?.prints(theirs.text()).map(drop)
}

pub fn uts_host(e: &Engine) -> Verdict {
    e.call("run --rm --uts=host busybox hostname")?.succeeds()?.prints("engines").map(drop)
}

pub fn eight(e: &Engine) -> Verdict {
    at_once(8, |number| {
        let ran = e.call(&format!("run --rm busybox echo number {number}"))?;
        ran.succeeds()?.prints(&format!("number {number}")).map(drop)
    })
}
