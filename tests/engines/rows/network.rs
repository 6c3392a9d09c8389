//! Networks: which are the engine's work, but need its hooks or its namespace to be joined.

use crate::command::{Verdict, failed};
use crate::docker;
use crate::engine::Engine;

const SLEEPING: &str = "busybox sh -c 'echo ready; exec sleep 1000'";
const ADDRESS: &str = "ip -4 -o addr show scope global";

/// The IPv4 address of container `one`.
fn address(e: &Engine) -> Verdict<String> {
    let ran = e.call(&format!("exec one {ADDRESS}"))?.succeeds()?;
    let field = ran.text().split_whitespace().skip_while(|word| *word != "inet").nth(1);
    let address = field.and_then(|field| field.split('/').next());
    address.map(str::to_owned).ok_or_else(|| failed(format!("no address: {}", ran.out)))
}

pub fn none(e: &Engine) -> Verdict {
    let line = "run --rm --cap-add NET_RAW --network none busybox sh -c 'ls /sys/class/net; ping -c 1 127.0.0.1 >/dev/null && echo up'";
    e.call(line)?.succeeds()?.prints("lo\nup").map(drop)
}

pub fn bridge(e: &Engine) -> Verdict {
    e.detached("one", SLEEPING)?;
    let one = address(e)?;
    // Podman's default capabilities have no NET_RAW, for ping.
    let line = format!("run --rm --cap-add NET_RAW busybox ping -c 1 -w 10 {one}");
    e.call(&line)?.succeeds()?.says("1 packets received").map(drop)
}

pub fn port(e: &Engine) -> Verdict {
    let server = "busybox sh -c 'echo served >/srv/index.html; echo ready; exec httpd -f -h /srv -p 80'";
    e.detached("one", &format!("-p 8081:80 {server}"))?;
    let own = e.shell("ip -4 -o addr show scope global | awk '{print $4}' | cut -d/ -f1 | head -1")?.succeeds()?;
    let line = format!("/bin/busybox wget -q -O - http://{}:8081/index.html", own.text());
    e.until("the port answers", || Ok(e.shell(&line)?.out.trim() == "served"))
}

pub fn container(e: &Engine) -> Verdict {
    e.detached("one", SLEEPING)?;
    let one = address(e)?;
    let line = format!("run --rm --network container:one busybox {ADDRESS}");
    e.call(&line)?.succeeds()?.says(&one).map(drop)
}

pub fn host(e: &Engine) -> Verdict {
    let own = e.shell("readlink /proc/self/ns/net")?.succeeds()?;
    let line = "run --rm --network host busybox readlink /proc/self/ns/net";
    e.call(line)?.succeeds()?.prints(own.text()).map(drop)
}

pub fn hosts(e: &Engine) -> Verdict {
    let line = "run --rm --hostname jar --add-host other:192.0.2.1 busybox \
                sh -c 'grep -w jar /etc/hosts; grep -w other /etc/hosts; test -f /etc/resolv.conf && cat /etc/hostname'";
    e.call(line)?.succeeds()?.says("192.0.2.1")?.says("jar").map(drop)?;
    if e.driver.name() == docker::NAME {
        e.call("network create pair")?.works()?;
        e.detached("one", &format!("--network pair {SLEEPING}"))?;
        let found = e.call("run --rm --network pair busybox ping -c 1 -w 10 one")?;
        e.call("rm -f one")?.works()?;
        e.call("network rm pair")?.works()?;
        found.succeeds().map(drop)?;
    }
    Ok(())
}
