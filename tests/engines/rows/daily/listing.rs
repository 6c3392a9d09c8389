//! What an engine says of its containers.

use crate::command::{Verdict, failed};
use crate::docker;
use crate::engine::Engine;

const SLEEPING: &str = "busybox sh -c 'echo ready; exec sleep 1000'";

pub fn ps(e: &Engine) -> Verdict {
    e.detached("one", &format!("--label color=red {SLEEPING}"))?;
    e.call("run --name two busybox true")?.works()?;
    let heading = |text: &str| text.starts_with("CONTAINER ID");
    e.call("ps")?.succeeds()?.must("a heading", |ran| heading(&ran.out))?.says("busybox")?.says("one").map(drop)?;
    let running = e.call("ps --format '{{.Names}} {{.Status}}'")?.succeeds()?.says("one Up")?;
    running.must("nothing of two", |ran| !ran.out.contains("two")).map(drop)?;
    e.call("ps -a --format '{{.Names}} {{.Status}}'")?.succeeds()?.says("one Up")?.says("two Exited (0)").map(drop)?;
    e.call("ps -a --filter label=color=red --format '{{.Names}}'")?.succeeds()?.prints("one").map(drop)?;
    e.call("ps -a --filter status=exited --format '{{.Names}}'")?.succeeds()?.prints("two").map(drop)?;
    let ids = e.call("ps -q --no-trunc")?.succeeds()?;
    ids.must("one id of 64 digits", |ran| ran.text().len() == 64).map(drop)
}

pub fn logs(e: &Engine) -> Verdict {
    e.call("run --name one busybox sh -c 'for n in 1 2 3; do echo line $n; done'")?.works()?;
    e.call("logs --tail 1 one")?.succeeds()?.prints("line 3").map(drop)?;
    let dated = |line: &str| line.starts_with("20") && line.contains('T') && line.contains(" line ");
    let ran = e.call("logs -t one")?.succeeds()?;
    ran.must("three lines with a date", |ran| ran.text().lines().filter(|line| dated(line)).count() == 3).map(drop)
}

pub fn events(e: &Engine) -> Verdict {
    let begun = e.shell("date +%s")?.succeeds()?;
    e.call("run --name one busybox sh -c 'exit 3'")?.ends_with(3).map(drop)?;
    e.call("rm one")?.works()?;
    let since = begun.text();
    // Docker takes the end of time as it is now, to the second: what came in this second is after it.
    let (line, expected) = if e.driver.name() == docker::NAME {
        let until = "$(( $(date +%s) + 1 ))";
        let line = format!("events --since {since} --until {until} -f container=one --format '{{{{.Action}}}}'");
        (line, ["create", "start", "die", "destroy"])
    } else {
        let line = format!("events --stream=false --since {since} -f container=one --format '{{{{.Status}}}}'");
        (line, ["create", "start", "died", "remove"])
    };
    let ran = e.call(&line)?.succeeds()?;
    let mut seen = ran.text().lines();
    match expected.iter().find(|wanted| !seen.any(|line| line == **wanted)) {
        None => Ok(()),
        Some(missing) => Err(failed(format!("no {missing:?} at its place among the events:\n{}", ran.out))),
    }
}

pub fn port_and_rename(e: &Engine) -> Verdict {
    e.detached("one", &format!("-p 127.0.0.1:8085:80 {SLEEPING}"))?;
    e.call("port one")?.succeeds()?.prints("80/tcp -> 127.0.0.1:8085").map(drop)?;
    e.call("rename one other")?.works()?;
    e.call("ps --format '{{.Names}}'")?.succeeds()?.prints("other").map(drop)?;
    e.call("exec other echo on")?.succeeds()?.prints("on").map(drop)
}

pub fn diff(e: &Engine) -> Verdict {
    e.call("run --name one busybox sh -c 'echo new >/srv/new; echo more >>/etc/group; rm /etc/passwd'")?.works()?;
    let ran = e.call("diff one")?.succeeds()?;
    for line in ["A /srv/new", "C /etc/group", "D /etc/passwd", "C /srv", "C /etc"] {
        if !ran.out.lines().any(|is| is == line) {
            return Err(failed(format!("no {line:?} in the differences:\n{}", ran.out)));
        }
    }
    Ok(())
}
