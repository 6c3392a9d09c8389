//! From create to rm: what an engine does with a container as a whole.

use std::fs;
use std::time::Duration;

use crate::command::{Trouble, Verdict, failed, joined};
use crate::engine::Engine;
use crate::podman;

/// Ends with 42 on TERM, says `usr1` on USR1; its sleep is in the background, so that a trap runs at once.
const TRAPPING: &str = "busybox sh -c 'trap \"exit 42\" TERM; trap \"echo usr1\" USR1; echo ready; while :; do sleep 1000 & wait $!; done'";
/// Knows no TERM: as process 1 of its namespace it has no default action.
const IGNORING: &str = "busybox sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1000; done'";
const SLEEPING: &str = "busybox sh -c 'echo ready; exec sleep 1000'";

fn exit_code(e: &Engine, code: &str) -> Verdict {
    let is = e.inspect("one", ".State.ExitCode")?;
    if is == code { Ok(()) } else { Err(failed(format!("exit code is {is}, expected {code}"))) }
}

pub fn stop_trap(e: &Engine) -> Verdict {
    e.detached("one", TRAPPING)?;
    let ran = e.call("stop -t 50 one")?.succeeds()?;
    ran.must("long before the grace is over", |ran| ran.took < Duration::from_secs(25)).map(drop)?;
    exit_code(e, "42")
}

pub fn stop_ignore(e: &Engine) -> Verdict {
    e.detached("one", IGNORING)?;
    let ran = e.call("stop -t 1 one")?.succeeds()?;
    ran.must("not before the grace is over", |ran| ran.took >= Duration::from_secs(1)).map(drop)?;
    exit_code(e, "137")
}

pub fn kill(e: &Engine) -> Verdict {
    e.detached("one", SLEEPING)?;
    e.call("kill one")?.works()?;
    e.call("wait one")?.succeeds()?.prints("137").map(drop)
}

pub fn kill_signal(e: &Engine) -> Verdict {
    e.detached("one", TRAPPING)?;
    e.call("kill -s USR1 one")?.works()?;
    e.logged("one", "usr1")?;
    e.call("kill --signal=TERM one")?.works()?;
    e.call("wait one")?.succeeds()?.prints("42").map(drop)
}

pub fn pause(e: &Engine) -> Verdict {
    e.detached("one", SLEEPING)?;
    let events = e.cgroup("one")?.join("cgroup.events");
    let frozen = || Ok::<_, Trouble>(fs::read_to_string(&events)?.contains("frozen 1"));
    e.call("pause one")?.works()?;
    if !frozen()? {
        return Err(failed(format!("paused, but {} does not say frozen 1", events.display())));
    }
    e.call("inspect -f '{{.State.Status}}' one")?.prints("paused").map(drop)?;
    e.call("exec one true")?.must("is refused", |ran| ran.status != 0).map(drop)?;
    e.call("unpause one")?.works()?;
    if frozen()? {
        return Err(failed(format!("unpaused, but {} says frozen 1", events.display())));
    }
    e.call("exec one echo on")?.succeeds()?.prints("on").map(drop)
}

pub fn top(e: &Engine) -> Verdict {
    e.detached("one", SLEEPING)?;
    e.call("top one")?.succeeds()?.says("sleep 1000").map(drop)
}

pub fn logs(e: &Engine) -> Verdict {
    e.call("run --name one busybox sh -c 'echo out; echo err >&2'")?.works()?;
    e.call("logs one")?.succeeds()?.prints("out")?.complains("err").map(drop)
}

pub fn logs_follow(e: &Engine) -> Verdict {
    // An exec that ends with the container would do as well, but Docker may then wait for it for ever.
    e.detached("one", "busybox sh -c 'trap \"echo last; exit\" USR1; echo ready; while :; do usleep 10000; done'")?;
    std::thread::scope(|scope| {
        let line = format!("{} logs -f one >/tmp/followed; cat /tmp/followed", e.driver.client());
        e.shell(": >/tmp/followed")?.works()?;
        let follower = scope.spawn(move || e.shell(&line)?.succeeds()?.prints("ready\nlast"));
        // An end just before it follows is one that Podman's may miss.
        e.until("it is followed", || Ok(e.shell("cat /tmp/followed")?.text() == "ready"))?;
        e.call("kill -s USR1 one")?.works()?;
        joined(follower).map(drop)
    })
}

pub fn restart(e: &Engine) -> Verdict {
    e.detached("one", TRAPPING)?;
    let before = e.inspect("one", ".State.Pid")?;
    e.call("restart one")?.works()?;
    e.call("exec one true")?.works()?;
    let after = e.inspect("one", ".State.Pid")?;
    if before == after { Err(failed(format!("pid is still {before}"))) } else { Ok(()) }
}

pub fn start_again(e: &Engine) -> Verdict {
    e.call("run --name one busybox sh -c 'echo line >>/srv/file; wc -l </srv/file'")?.prints("1").map(drop)?;
    e.call("start -a one")?.succeeds()?.prints("2").map(drop)?;
    e.call("start -a one")?.succeeds()?.prints("3").map(drop)
}

pub fn start_attached(e: &Engine) -> Verdict {
    e.call("create --name one busybox sh -c 'echo hi; exit 9'")?.works()?;
    e.call("start -a one")?.ends_with(9)?.prints("hi").map(drop)
}

pub fn create(e: &Engine) -> Verdict {
    e.call("create --name one busybox sh -c 'echo ready; exec sleep 1000'")?.works()?;
    e.call("inspect -f '{{.State.Status}}' one")?.prints("created").map(drop)?;
    e.call("start one")?.works()?;
    e.logged("one", "ready")?;
    e.call("inspect -f '{{.State.Status}}' one")?.prints("running").map(drop)
}

pub fn wait(e: &Engine) -> Verdict {
    e.call("run -d --name one busybox sh -c 'exit 11'")?.works()?;
    e.call("wait one")?.succeeds()?.prints("11").map(drop)
}

pub fn remove_running(e: &Engine) -> Verdict {
    e.detached("one", IGNORING)?;
    let cgroup = e.cgroup("one")?;
    e.call(&format!("{} one", e.driver.remove()))?.works()?;
    e.call("ps -aq")?.succeeds()?.prints("").map(drop)?;
    e.until("its cgroup is gone", || Ok(!cgroup.exists()))
}

pub fn removed(e: &Engine) -> Verdict {
    e.call("run --rm --name one busybox true")?.works()?;
    e.until("it is gone", || Ok(e.call("ps -aq")?.succeeds()?.text().is_empty()))
}

pub fn restart_policy(e: &Engine) -> Verdict {
    e.call("run -d --name one --restart=on-failure:2 busybox sh -c 'echo turn; exit 3'")?.works()?;
    e.until("three turns are over", || {
        let turns = e.call("logs one")?.succeeds()?.out.matches("turn").count();
        Ok(turns == 3 && e.inspect("one", ".State.Status")? == "exited")
    })
}

pub fn stats(e: &Engine) -> Verdict {
    e.detached("one", SLEEPING)?;
    e.call("stats --no-stream one")?.succeeds()?.says("one").map(drop)
}

pub fn copy(e: &Engine) -> Verdict {
    e.detached("one", SLEEPING)?;
    e.shell("echo content >/tmp/copied")?.works()?;
    e.call("cp /tmp/copied one:/srv/copied")?.works()?;
    e.call("exec one cat /srv/copied")?.succeeds()?.prints("content").map(drop)?;
    e.call("cp one:/etc/passwd /tmp/back")?.works()?;
    e.shell("cat /tmp/back; rm /tmp/back /tmp/copied")?.succeeds()?.says("guest").map(drop)
}

pub fn inspect(e: &Engine) -> Verdict {
    e.detached("one", SLEEPING)?;
    e.call(&format!("inspect -f '{{{{{}}}}}' one", e.driver.runtime_field()))?.prints("onggi").map(drop)?;
    let pid = e.inspect("one", ".State.Pid")?;
    let line = format!("tr '\\0' ' ' </proc/{pid}/cmdline");
    e.until("its pid is that of sleep", || Ok(e.shell(&line)?.text() == "sleep 1000"))?;
    if e.driver.name() == podman::NAME {
        e.call("info -f '{{.Host.OCIRuntime.Name}}'")?.succeeds()?.prints("onggi").map(drop)?;
    }
    Ok(())
}
