//! What only Podman has, and buildah, which shares its store.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Row, row};
use crate::command::{Ran, Trouble, Verdict, failed};
use crate::engine::Engine;
use crate::podman::NAME;

/// All of them, in the order in which they are asked.
pub const ROWS: &[Row] = &[
    row("healthcheck run", healthcheck).of(NAME).fast(),
    row("run --userns=auto, and mappings of one's own", userns).of(NAME).fast(),
    row("container checkpoint is refused in a sentence", checkpoint).of(NAME),
    row("run --replace, and --rootfs", replaced).of(NAME),
    row("init, and stop of what was never started", initialized).of(NAME),
    row("run --cgroups=disabled", without_cgroup).of(NAME).fast(),
    row("pod create, two containers in it, pod rm", pod).of(NAME).fast(),
    row("kube play and generate kube", kube).of(NAME).fast(),
    row("buildah bud", buildah_bud).of(NAME).fast(),
    row("buildah from, run, copy, config, commit", buildah_steps).of(NAME).fast(),
    row("buildah run: status, user, volume, terminal", buildah_run).of(NAME),
];

const FOLDER: &str = "/tmp/podman-row";
const SLEEPING: &str = "busybox sh -c 'echo ready; exec sleep 1000'";

fn healthcheck(e: &Engine) -> Verdict {
    // Intervals are systemd's timers: here each check is asked for.
    e.detached("one", &format!("--health-interval=disable --health-cmd 'test -e /tmp/well' {SLEEPING}"))?;
    e.call("healthcheck run one")?.ends_with(1)?.prints("unhealthy").map(drop)?;
    e.call("exec one touch /tmp/well")?.works()?;
    e.call("healthcheck run one")?.works()
}

fn userns(e: &Engine) -> Verdict {
    // Newer Podman wants the user to be there as well.
    let known = "grep -q ^containers: /etc/passwd || echo containers:x:4398:4398::/:/bin/false >>/etc/passwd";
    e.shell(&format!("{known}; echo containers:300000:131072 | tee -a /etc/subuid >>/etc/subgid"))?.works()?;
    let line =
        "run --rm --userns=auto:size=2000 busybox sh -c 'tr -s \" \" </proc/self/uid_map; stat -c %u /etc/passwd'";
    e.call(line)?.succeeds()?.prints("0 300000 2000\n0").map(drop)?;
    let maps = "--uidmap 0:400000:1000 --gidmap 0:500000:1000";
    e.detached("one", &format!("{maps} {SLEEPING}"))?;
    let pid = e.inspect("one", ".State.Pid")?;
    e.shell(&format!("stat -c %u:%g /proc/{pid}"))?.prints("400000:500000").map(drop)?;
    e.call("exec one sh -c 'id -u; touch /srv/file && stat -c %u:%g /srv/file'")?.succeeds()?.prints("0\n0:0").map(drop)
}

fn checkpoint(e: &Engine) -> Verdict {
    e.detached("one", SLEEPING)?;
    let ran = e.call("container checkpoint one")?.must("is refused", |ran| ran.status != 0)?;
    if ran.err.contains("exec: \"criu\"") {
        return Err(Trouble::Skipped("this Podman does not even ask the runtime where there is no criu".to_owned()));
    }
    ran.complains("checkpoint").map(drop)?;
    e.call("exec one echo on")?.succeeds()?.prints("on").map(drop)
}

fn replaced(e: &Engine) -> Verdict {
    e.call("run --name one busybox true")?.works()?;
    e.call("run --replace --name one busybox echo another")?.succeeds()?.says("another").map(drop)?;
    fs::create_dir_all(FOLDER)?;
    e.shell(&format!("cp -a /run/image/rootfs {FOLDER}/rootfs"))?.works()?;
    let ran = e.call(&format!("run --rm --rootfs {FOLDER}/rootfs sh -c 'echo plain >/srv/file; cat /srv/file'"))?;
    let kept = e.shell(&format!("cat {FOLDER}/rootfs/srv/file"))?;
    fs::remove_dir_all(FOLDER)?;
    ran.succeeds()?.prints("plain").map(drop)?;
    kept.prints("plain").map(drop)
}

/// Podman asks it only of runtimes that containers.conf says can do it.
fn without_cgroup(e: &Engine) -> Verdict {
    e.detached("one", &format!("--cgroups=disabled {SLEEPING}"))?;
    let id = e.inspect("one", ".Id")?;
    e.shell(&format!("find /sys/fs/cgroup -name '*{id}*'"))?.prints("").map(drop)?;
    e.call("exec one echo on")?.succeeds()?.prints("on").map(drop)?;
    e.call("stop -t 0 one")?.works()
}

/// Podman 4.3 gives a pod's cgroup device rules that forbid everything when it makes the cgroup
/// itself, so that no runtime's container can open /dev/null there. Under systemd it does not. A
/// pod can do without a cgroup of its own (`--share-parent=false`); `kube play` can't.
fn known(ran: Ran) -> Verdict<Ran> {
    if ran.status != 0 && ran.err.contains("/dev/null") && ran.err.contains("not permitted") {
        let why = "Podman 4.3's pods can't run with the cgroupfs manager, whatever the runtime: /dev/null is forbidden";
        return Err(Trouble::Skipped(why.to_owned()));
    }
    ran.succeeds()
}

/// What waits for its start ends when it is asked to, and is not waited for until it is killed.
fn initialized(e: &Engine) -> Verdict {
    e.call(&format!("create --name one {SLEEPING}"))?.works()?;
    e.call("init one")?.works()?;
    let began = Instant::now();
    e.call("stop --time 60 one")?.works()?;
    let took = began.elapsed();
    if took < Duration::from_secs(50) { Ok(()) } else { Err(failed(format!("it took {} s", took.as_secs()))) }
}

fn pod(e: &Engine) -> Verdict {
    let asked = in_pod(e);
    e.call("pod rm -f -t 0 jars")?.works()?;
    asked
}

fn in_pod(e: &Engine) -> Verdict {
    prepare_infra(e)?;
    e.call(&format!("pod create --share-parent=false --name jars --infra-image {INFRA}"))?.works()?;
    known(e.call(&format!("run -d --pod jars --name one {SLEEPING}"))?).map(drop)?;
    e.logged("one", "ready")?;
    let line = "for n in net ipc uts; do readlink /proc/self/ns/$n; done";
    let one = e.call(&format!("exec one sh -c '{line}'"))?.succeeds()?;
    let two = e.call(&format!("run --rm --pod jars --name two busybox sh -c '{line}'"))?;
    two.succeeds()?.prints(one.text()).map(drop)?;
    e.call("pod ps --format '{{.Name}} {{.Status}}'")?.succeeds()?.says("jars").map(drop)?;
    e.call("pod stop -t 0 jars")?.works()?;
    let status = e.inspect("one", ".State.Status")?;
    if status == "exited" { Ok(()) } else { Err(failed(format!("after pod stop it is {status}"))) }
}

/// What holds a pod's namespaces: Podman would pull it, or build it of its own program.
const INFRA: &str = "localhost/infra";

fn prepare_infra(e: &Engine) -> Verdict {
    if e.call(&format!("image exists {INFRA}"))?.status == 0 {
        return Ok(());
    }
    let change = "--change 'ENTRYPOINT [\"sleep\",\"1000000\"]'";
    e.call(&format!("import -q {change} {} {INFRA}", crate::image::ARCHIVE))?.works()
}

fn kube(e: &Engine) -> Verdict {
    let yaml = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: played\nspec:\n  restartPolicy: Never\n  containers:\n  \
        - name: jar\n    image: localhost/busybox:latest\n    command: [sh, -c, 'echo ready; exec sleep 1000']\n    \
        env:\n    - {name: WORD, value: filled}\n";
    fs::create_dir_all(FOLDER)?;
    fs::write(format!("{FOLDER}/pod.yml"), yaml)?;
    // The infra image can't be named: it is in containers.conf.
    prepare_infra(e)?;
    let asked = play(e);
    let down = e.call(&format!("kube down {FOLDER}/pod.yml"))?;
    fs::remove_dir_all(FOLDER)?;
    asked?;
    down.works()
}

fn play(e: &Engine) -> Verdict {
    let conf = "/run/containers-infra.conf";
    e.shell(&format!("sed 's|^.engine.$|[engine]\\ninfra_image = \"{INFRA}\"|' $CONTAINERS_CONF >{conf}"))?.works()?;
    let client = e.driver.client();
    known(e.shell(&format!("CONTAINERS_CONF={conf} exec {client} kube play {FOLDER}/pod.yml"))?).map(drop)?;
    e.logged("played-jar", "ready")?;
    e.call("exec played-jar sh -c 'echo $WORD'")?.succeeds()?.prints("filled").map(drop)?;
    // From Podman 5 on the container keeps the name that it got when it was played.
    let names = ["name: jar\n", "name: played-jar\n"];
    let told = e.call("kube generate played")?.succeeds()?.says("kind: Pod")?;
    told.must("names the container", |ran| names.iter().any(|name| ran.out.contains(name))).map(drop)
}

/// `buildah LINE` on Podman's store.
fn buildah(e: &Engine, line: &str) -> Verdict<Ran> {
    if !Path::new("/usr/bin/buildah").exists() {
        return Err(Trouble::Skipped("Debian's package buildah is not here".to_owned()));
    }
    let runtime = e.call("info -f '{{.Host.OCIRuntime.Path}}'")?.succeeds()?;
    let store = e.driver.client().replace("/usr/bin/podman", "/usr/bin/buildah");
    e.shell(&format!("BUILDAH_RUNTIME={} exec {store} {line}", runtime.text()))
}

fn buildah_bud(e: &Engine) -> Verdict {
    fs::create_dir_all(FOLDER)?;
    let recipe = "FROM busybox\nRUN mkdir /srv/made && hostname >/srv/made/host\nUSER guest\n\
                  RUN ! touch /srv/made/no && id -u >/tmp/file\nCMD [\"cat\", \"/tmp/file\"]\n";
    fs::write(format!("{FOLDER}/Containerfile"), recipe)?;
    let built = buildah(e, &format!("bud --layers -t made {FOLDER}"));
    fs::remove_dir_all(FOLDER)?;
    built?.works()?;
    e.call("run --rm made")?.succeeds()?.prints("1000").map(drop)?;
    e.call("rmi made")?.works()
}

fn buildah_steps(e: &Engine) -> Verdict {
    let name = buildah(e, "from --name step busybox")?.succeeds()?;
    if name.text() != "step" {
        return Err(failed(format!("buildah from says {:?}", name.out)));
    }
    buildah(e, "run step -- sh -c 'echo from run >/srv/file'")?.works()?;
    fs::write("/tmp/copied", "from copy\n")?;
    buildah(e, "copy step /tmp/copied /srv/copied")?.works()?;
    fs::remove_file("/tmp/copied")?;
    buildah(e, "config --cmd 'cat /srv/file /srv/copied' --env WORD=one step")?.works()?;
    buildah(e, "commit step made")?.works()?;
    buildah(e, "rm step")?.works()?;
    e.call("run --rm made")?.succeeds()?.prints("from run\nfrom copy").map(drop)?;
    e.call("rmi made")?.works()
}

fn buildah_run(e: &Engine) -> Verdict {
    buildah(e, "from --name step busybox")?.works()?;
    buildah(e, "run step -- sh -c 'exit 7'")?.ends_with(7).map(drop)?;
    buildah(e, "run --user guest step -- id -u")?.succeeds()?.prints("1000").map(drop)?;
    buildah(e, "run -v /tmp:/srv/outer:ro step -- sh -c 'touch /srv/outer/no || echo refused'")?
        .succeeds()?
        .prints("refused")
        .map(drop)?;
    buildah(e, "run --network none step -- ls /sys/class/net")?.succeeds()?.prints("lo").map(drop)?;
    buildah(e, "run -t step -- sh -c 'test -t 0 && echo terminal'")?.succeeds()?.says("terminal").map(drop)?;
    buildah(e, "run step -- no-such-program")?.must("fails", |ran| ran.status != 0).map(drop)?;
    buildah(e, "rm step")?.works()
}
