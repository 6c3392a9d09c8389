//! Containers: removed, restarted, attached to, copied from, with options of all kinds.

use std::fs;
use std::thread;

use crate::command::{Verdict, failed, joined};
use crate::docker;
use crate::engine::Engine;
use crate::speed::held;

const SLEEPING: &str = "busybox sh -c 'echo ready; exec sleep 1000'";
/// Ends with 42 on TERM.
const TRAPPING: &str = "busybox sh -c 'trap \"exit 42\" TERM; echo line >>/srv/kept; echo ready; \
                        while :; do sleep 1000 & wait $!; done'";

pub fn remove_refused(e: &Engine) -> Verdict {
    e.detached("one", SLEEPING)?;
    e.call("rm one")?.must("is refused", |ran| ran.status != 0)?.complains("running").map(drop)?;
    e.call("exec one echo on")?.succeeds()?.prints("on").map(drop)
}

pub fn remove_all(e: &Engine) -> Verdict {
    e.detached("one", SLEEPING)?;
    e.call("run --name two busybox true")?.works()?;
    e.call("create --name three busybox true")?.works()?;
    e.call("container prune -f")?.works()?;
    e.call("ps -a --format '{{.Names}}'")?.succeeds()?.prints("one").map(drop)?;
    e.call("run --name four busybox true")?.works()?;
    let (client, remove) = (e.driver.client(), e.driver.remove());
    e.shell(&format!("{client} {remove} $({client} ps -aq)"))?.works()?;
    e.call("ps -aq")?.succeeds()?.prints("").map(drop)
}

pub fn files_kept(e: &Engine) -> Verdict {
    e.detached("one", TRAPPING)?;
    e.call("stop one")?.works()?;
    e.call("exec one true")?.must("is refused", |ran| ran.status != 0).map(drop)?;
    e.call("restart one")?.works()?;
    e.until("it has written once more", || Ok(e.call("exec one cat /srv/kept")?.text() == "line\nline"))?;
    e.call("start one")?.works()?;
    e.call("stop one")?.works()?;
    let code = e.inspect("one", ".State.ExitCode")?;
    if code == "42" { Ok(()) } else { Err(failed(format!("exit code {code}, expected 42"))) }
}

pub fn restart_always(e: &Engine) -> Verdict {
    let line = "--restart=always busybox sh -c 'trap \"exit 9\" USR1; echo ready; while :; do usleep 10000; done'";
    e.detached("one", line)?;
    let before = e.inspect("one", ".State.Pid")?;
    // Past the engine, which does not start again what it was told to kill.
    e.shell(&format!("kill -USR1 {before}"))?.works()?;
    e.until("it runs again, as another process", || {
        let (pid, running) = (e.inspect("one", ".State.Pid")?, e.inspect("one", ".State.Running")?);
        Ok(running == "true" && pid != before && pid != "0")
    })?;
    e.call("stop -t 0 one")?.works()?;
    let status = e.inspect("one", ".State.Status")?;
    if status == "exited" { Ok(()) } else { Err(failed(format!("after stop it is {status}"))) }
}

pub fn attach(e: &Engine) -> Verdict {
    e.call("run -di --name one busybox sh -c 'read word; echo got $word; read word; exit 4'")?.works()?;
    // Its end may overtake its output on the way through the engine: it ends when the output was seen.
    let client = e.driver.client();
    let keys = format!("echo this; until {client} logs one | grep -q got; do sleep 0.1; done; echo that");
    let ran = e.shell(&format!("{{ {keys}; }} | {client} attach one"))?.says("got this")?;
    // Podman's attach does not pass the status on.
    ran.ends_with(if e.driver.name() == docker::NAME { 4 } else { 0 }).map(drop)?;
    e.call("wait one")?.succeeds()?.prints("4").map(drop)
}

pub fn signals_passed(e: &Engine) -> Verdict {
    let client = e.driver.client();
    let program =
        "busybox sh -c 'trap \"exit 42\" TERM; trap \"echo heard\" USR1; while :; do sleep 1000 & wait $!; done'";
    thread::scope(|scope| {
        let line = format!("trap '' USR1; echo $$ >/tmp/client.pid; exec {client} run --name one {program}");
        let attached = scope.spawn(move || e.shell(&line)?.ends_with(42));
        // A client passes signals on only some time after the container has begun, and by TERM it would end before that. To
        // USR1 it is deaf.
        e.until("the client passes signals on", || {
            e.shell("test ! -s /tmp/client.pid || kill -USR1 $(cat /tmp/client.pid)")?.works()?;
            Ok(e.call("logs one")?.out.contains("heard"))
        })?;
        e.shell("kill -TERM $(cat /tmp/client.pid); rm /tmp/client.pid")?.works()?;
        joined(attached).map(drop)
    })
}

pub fn copy_stopped(e: &Engine) -> Verdict {
    e.shell("mkdir -p /tmp/tree/deep && echo content >/tmp/tree/deep/file && ln -s deep/file /tmp/tree/link")?
        .works()?;
    e.call("create --name one busybox cat /srv/tree/link")?.works()?;
    e.call("cp /tmp/tree one:/srv")?.works()?;
    e.call("start -a one")?.succeeds()?.prints("content").map(drop)?;
    let client = e.driver.client();
    let back = e.shell(&format!("{client} cp one:/srv/tree - | tar -tf -"))?;
    e.shell("rm -r /tmp/tree")?.works()?;
    back.succeeds()?.says("tree/deep/file")?.says("tree/link").map(drop)
}

pub fn live_bind(e: &Engine) -> Verdict {
    fs::create_dir_all("/tmp/live")?;
    fs::write("/tmp/live/page", "first\n")?;
    e.detached("one", &format!("-v /tmp/live:/srv/live {SLEEPING}"))?;
    e.call("exec one cat /srv/live/page")?.succeeds()?.prints("first").map(drop)?;
    // As editors do it: a new file takes the old one's name.
    e.shell("echo second >/tmp/live/next && mv /tmp/live/next /tmp/live/page")?.works()?;
    e.call("exec one cat /srv/live/page")?.succeeds()?.prints("second").map(drop)?;
    e.call("exec one sh -c 'echo third >/srv/live/page'")?.works()?;
    e.shell("cat /tmp/live/page; rm -r /tmp/live")?.prints("third").map(drop)
}

pub fn anonymous_volume(e: &Engine) -> Verdict {
    e.detached("one", &format!("--rm -v /srv {SLEEPING}"))?;
    e.call("exec one sh -c 'echo content >/srv/file && grep -c \" /srv \" /proc/mounts'")?.prints("1").map(drop)?;
    let volumes = e.call("volume ls -q")?.succeeds()?;
    volumes.must("one volume", |ran| ran.text().lines().count() == 1).map(drop)?;
    e.call("stop -t 0 one")?.works()?;
    e.until("the volume is gone", || Ok(e.call("volume ls -q")?.succeeds()?.text().is_empty()))
}

pub fn options(e: &Engine) -> Verdict {
    fs::create_dir_all("/tmp/options")?;
    fs::write("/tmp/options/env", "FIRST=1\nSECOND=two words\n")?;
    let line = "run --name one --label color=red --cidfile /tmp/options/cid --env-file /tmp/options/env \
                --mount type=bind,source=/tmp/options,target=/srv/o,readonly --mount type=tmpfs,target=/srv/t \
                busybox sh -c 'echo $FIRST $SECOND; touch /srv/o/no || echo refused; grep -c \"^tmpfs /srv/t \" /proc/mounts'";
    e.call(line)?.succeeds()?.prints("1 two words\nrefused\n1").map(drop)?;
    let id = e.inspect("one", ".Id")?;
    e.shell("cat /tmp/options/cid; rm -r /tmp/options")?.prints(&id).map(drop)?;
    e.call("inspect -f '{{.Config.Labels.color}}' one")?.prints("red").map(drop)
}

pub fn namespaces(e: &Engine) -> Verdict {
    let own = e.shell("readlink /proc/self/ns/ipc /proc/self/ns/cgroup")?.succeeds()?;
    let line =
        "run --rm --ipc=host --cgroupns=host busybox sh -c 'readlink /proc/self/ns/ipc; readlink /proc/self/ns/cgroup'";
    e.call(line)?.succeeds()?.prints(own.text()).map(drop)?;
    let line =
        "--stop-signal USR1 busybox sh -c 'trap \"exit 5\" USR1; echo ready; while :; do sleep 1000 & wait $!; done'";
    e.detached("one", line)?;
    e.call("stop -t 50 one")?.works()?;
    e.call("wait one")?.succeeds()?.prints("5").map(drop)
}

pub fn update(e: &Engine) -> Verdict {
    e.detached("one", SLEEPING)?;
    e.call("update --restart=on-failure:7 one")?.works()?;
    e.call("inspect -f '{{.HostConfig.RestartPolicy.MaximumRetryCount}}' one")?.prints("7").map(drop)?;
    e.call("exec one echo on")?.succeeds()?.prints("on").map(drop)
}

pub fn nothing_held(e: &Engine) -> Verdict {
    let path = if e.driver.name() == docker::NAME { "{{.Runtimes.onggi.Path}}" } else { "{{.Host.OCIRuntime.Path}}" };
    let runtime = e.call(&format!("info -f '{path}'"))?.succeeds()?;
    for name in ["one", "two", "three"] {
        e.detached(name, SLEEPING)?;
    }
    let (processes, memory) = held(runtime.text())?;
    if processes == 0 && memory == 0 {
        return Ok(());
    }
    Err(failed(format!("three running containers, and {processes} processes of the runtime with {memory} kB")))
}

/// Where no pid namespace takes all with it, the shim has the runtime kill them: `kill --all`.
pub fn stragglers(e: &Engine) -> Verdict {
    let lasting = "/bin/busybox ps -o args | grep -c '^sleep 54321$'";
    e.detached(
        "one",
        "--pid=host busybox sh -c 'trap \"exit 0\" USR1; sleep 54321 & echo ready; while :; do usleep 10000; done'",
    )?;
    e.until("it runs beside", || Ok(e.shell(lasting)?.text() == "1"))?;
    e.call("kill -s USR1 one")?.works()?;
    e.call("wait one")?.succeeds()?.prints("0").map(drop)?;
    e.until("it is gone", || Ok(e.shell(lasting)?.text() == "0"))?;
    let Some(log) = e.driver.log() else {
        return Ok(());
    };
    let text = fs::read_to_string(log)?;
    match text.lines().find(|line| line.contains("failed to kill")) {
        None => Ok(()),
        Some(line) => Err(failed(line.to_owned())),
    }
}
