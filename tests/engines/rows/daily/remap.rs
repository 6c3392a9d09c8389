//! A dockerd of its own whose containers' root is nobody outside: `userns-remap`.

use crate::command::{Ran, Verdict, failed};
use crate::docker;
use crate::engine::Engine;
use crate::image;
use crate::world::STORE;

const CLIENT: &str = "/usr/bin/docker -H unix:///run/remap.sock";
const LOG: &str = "/run/remap.log";

pub fn remapped(e: &Engine) -> Verdict {
    let path = e.call("info -f '{{.Runtimes.onggi.Path}}'")?.succeeds()?;
    let runtime = path.text();
    let score = docker::own_score(e.deadline())?.unwrap_or_default();
    // No bridge: the other daemon has it.
    let line = format!(
        "grep -q ^remapped: /etc/passwd || echo remapped:x:4399:4399::/:/bin/false >>/etc/passwd; \
         grep -q ^remapped: /etc/group || echo remapped:x:4399: >>/etc/group; \
         echo remapped:500000:65536 | tee -a /etc/subuid >>/etc/subgid; \
         setsid /usr/sbin/dockerd --config-file /run/docker.json --exec-root /run/remap --data-root {STORE}/remap \
         --pidfile /run/remap.pid -H unix:///run/remap.sock --storage-driver overlay2 --bridge none --iptables=false \
         --ip-masq=false --add-runtime onggi={runtime} --default-runtime onggi --userns-remap remapped \
         --exec-opt native.cgroupdriver=cgroupfs {score} >{LOG} 2>&1 </dev/null & "
    );
    e.shell(&line)?.works()?;
    let asked = e.until("the second dockerd answers", || Ok(call(e, "info")?.status == 0)).and_then(|()| ask(e));
    // The pid file goes with the daemon.
    e.shell("kill $(cat /run/remap.pid)")?.works()?;
    e.until("the second dockerd ends", || Ok(e.shell("test -e /run/remap.pid")?.status != 0))?;
    asked.map_err(|trouble| {
        let log = std::fs::read_to_string(LOG).unwrap_or_default();
        let warnings = log.lines().filter(|line| !line.contains("level=info")).collect::<Vec<_>>();
        failed(format!("{trouble}\n-- the second dockerd's log\n{}", warnings.join("\n")))
    })
}

fn call(e: &Engine, line: &str) -> Verdict<Ran> {
    e.shell(&format!("exec {CLIENT} {line}"))
}

fn ask(e: &Engine) -> Verdict {
    call(e, &format!("import {} busybox", image::ARCHIVE))?.works()?;
    let line = "run --rm busybox sh -c 'id -u; tr -s \" \" </proc/self/uid_map; tr -s \" \" </proc/self/gid_map; \
                mount -t tmpfs none /srv && echo mounted || echo refused'";
    call(e, line)?.succeeds()?.prints("0\n 0 500000 65536\n 0 500000 65536\nrefused").map(drop)?;
    call(e, "run -d --name one -v made:/srv busybox sh -c 'touch /srv/file; sleep 1000'")?.works()?;
    let pid = call(e, "inspect -f '{{.State.Pid}}' one")?.succeeds()?;
    e.shell(&format!("stat -c %u:%g /proc/{}", pid.text()))?.prints("500000:500000").map(drop)?;
    e.until("its file is there", || Ok(call(e, "exec one test -e /srv/file")?.status == 0))?;
    let owner = format!("stat -c %u $(find {STORE}/remap -path '*/made/_data/file')");
    e.shell(&owner)?.prints("500000").map(drop)?;
    call(e, "exec -u 1000 one id -u")?.succeeds()?.prints("1000").map(drop)?;
    call(e, "run --rm --userns=host busybox sh -c 'tr -s \" \" </proc/self/uid_map'")?
        .succeeds()?
        .prints("0 0 4294967295")
        .map(drop)?;
    call(e, "rm -fv one")?.works()?;
    call(e, "volume rm made")?.works()
}
