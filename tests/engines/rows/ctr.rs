//! What containerd's own client asks for, without any engine above.

use std::fs;
use std::path::PathBuf;

use super::{Row, row};
use crate::archive::BUSYBOX;
use crate::command::{Ran, Trouble, Verdict, at_once, failed};
use crate::containerd::{CTR, RUNTIME};
use crate::engine::{Engine, cgroup_of};
use crate::terminal::Terminal;
use crate::world::controllers;

/// Each takes a fraction of a second.
const fn own(feature: &'static str, check: fn(&Engine) -> Verdict) -> Row {
    row(feature, check).of(CTR).fast()
}

/// The rows, in the order in which they are asked.
pub const ROWS: &[Row] = &[
    own("run --runc-binary: output and exit status", output),
    own("run: the runtime is the one under test", runtime),
    own("run: standard input", standard_input),
    own("run -t: a terminal, its size and its status", terminal),
    own("run --cwd --env --hostname --user", identity),
    own("run --mount, --read-only", mounts),
    own("run --device", device),
    own("run --cap-add, --cap-drop, --privileged", capabilities),
    own("run --seccomp", seccomp),
    own("run --net-host, --with-ns", namespaces),
    own("run --uidmap --gidmap", user_namespace),
    own("run --rootfs: a folder of one's own", rootfs),
    own("run --no-pivot", no_pivot),
    own("run: program not found", not_found),
    own("run: 8 containers at the same time", eight),
    own("run -d: containers and tasks list it", listed),
    own("containers create, tasks start", create),
    own("tasks exec: output and exit status", exec),
    own("tasks exec -t: a terminal", exec_terminal),
    own("tasks exec: program not found", exec_not_found),
    own("tasks kill: a trap ends with its status", kill),
    own("tasks kill -s, --all", kill_signal),
    own("tasks delete: refused while it runs, then with -f", delete),
    own("tasks pause and resume", pause),
    own("tasks ps, tasks metrics", metrics),
    own("tasks attach", attach),
    own("tasks checkpoint is refused in a sentence", checkpoint),
    own("an id that is taken is refused", taken),
];

const SLEEPING: &str = "sh -c 'echo ready; exec sleep 1000'";

/// `ctr run OPTIONS busybox one PROGRAM`.
fn run(options: &str, program: &str) -> String {
    format!("run --runc-binary {RUNTIME} {options} {BUSYBOX} one {program}")
}

/// Runs a script by `ctr START sh -c SCRIPT`, with `input` on its standard input. Its end waits until all of its output was seen:
/// of what ends at once ctr may lose the output, as it closes pipes that it has not come to open yet.
fn script(e: &Engine, start: &str, script: &str, input: &str) -> Verdict<Ran> {
    let program = format!("sh -c '({script}); status=$?; echo all; echo all >&2; read end; exit $status'");
    let feed = format!(
        "printf '%b' '{input}'; \
         until test -e /tmp/ended || {{ grep -q '^all$' /tmp/said && grep -q '^all$' /tmp/complained; }}; do sleep 0.02; done; echo"
    );
    let client = e.driver.client();
    e.shell(&format!(
        "rm -f /tmp/ended; : >/tmp/said; : >/tmp/complained; \
         {{ {feed}; }} | {{ {client} {start} {program} >/tmp/said 2>/tmp/complained; echo $? >/tmp/ended; }}; \
         grep -v '^all$' /tmp/said; grep -v '^all$' /tmp/complained >&2; exit $(cat /tmp/ended)"
    ))
}

/// A script in a new container, which goes with it.
fn once(e: &Engine, options: &str, program: &str) -> Verdict<Ran> {
    script(e, &run(&format!("--rm {options}"), ""), program, "")
}

fn detached(e: &Engine, options: &str, program: &str) -> Verdict {
    e.call(&run(&format!("-d {options}"), program))?.works()
}

/// The line of `ctr tasks list` for a container: its name, pid and status.
fn task(e: &Engine) -> Verdict<(String, String)> {
    let all = e.call("tasks list")?.succeeds()?;
    let line = all.out.lines().find(|line| line.starts_with("one "));
    let mut words = line.unwrap_or_default().split_whitespace().skip(1).map(str::to_owned);
    match (words.next(), words.next()) {
        (Some(pid), Some(status)) => Ok((pid, status)),
        _ => Err(failed(format!("tasks list does not have it:\n{}", all.out))),
    }
}

fn has_status(e: &Engine, status: &str) -> Verdict {
    let is = task(e)?.1;
    if is == status { Ok(()) } else { Err(failed(format!("the task is {is}, expected {status}"))) }
}

fn stopped(e: &Engine) -> Verdict {
    e.until("the task is stopped", || Ok(task(e)?.1 == "STOPPED"))
}

fn cgroup(e: &Engine) -> Verdict<PathBuf> {
    cgroup_of(&task(e)?.0)
}

/// Waits for a file that a container makes.
fn made(e: &Engine, file: &str) -> Verdict {
    let root = format!("/run/containerd/io.containerd.runtime.v2.task/default/one/rootfs/{file}");
    e.until(&format!("/{file} is there"), || Ok(fs::exists(&root)?))
}

fn output(e: &Engine) -> Verdict {
    let ran = once(e, "", "echo hi; echo err >&2; exit 7")?;
    ran.ends_with(7)?.prints("hi")?.complains("err").map(drop)?;
    e.call("containers list -q")?.succeeds()?.prints("").map(drop)
}

fn runtime(e: &Engine) -> Verdict {
    detached(e, "", SLEEPING)?;
    let line = format!("{RUNTIME} --root /run/containerd/runc/default state one");
    // What another runtime had made it would not know.
    e.shell(&line)?.succeeds()?.says("\"status\": \"running\"").map(drop)
}

fn standard_input(e: &Engine) -> Verdict {
    let said = script(e, &run("--rm", ""), "read a; read b; echo $b $a", "one\\ntwo\\n")?;
    said.succeeds()?.prints("two one").map(drop)
}

fn converse(mut terminal: Terminal) -> Verdict {
    terminal.types("tty; echo said''-tty\n")?;
    terminal.expect("/dev/pts/0")?;
    terminal.expect("said-tty")?;
    terminal.types("until [ \"$(stty size)\" = '33 101' ]; do usleep 10000; done; echo size''-seen >/dev/tty\n")?;
    terminal.expect("size-seen")?;
    terminal.types("exit 5\n")?;
    terminal.ends_with(5)
}

fn terminal(e: &Engine) -> Verdict {
    converse(e.terminal(&run("-t --rm", "sh"))?)
}

fn identity(e: &Engine) -> Verdict {
    once(e, "--cwd /srv --env NEW=new", "echo $PWD $NEW $(id -u):$(id -g)")?
        .succeeds()?
        .prints("/srv new 0:0")
        .map(drop)
}

fn mounts(e: &Engine) -> Verdict {
    fs::create_dir_all("/run/shared")?;
    fs::write("/run/shared/file", "outside\n")?;
    let options = "--read-only --mount type=bind,src=/run/shared,dst=/tmp,options=rbind:rw";
    let program = "cat /tmp/file; echo inside >/tmp/file; touch /srv/no || echo refused";
    once(e, options, program)?.succeeds()?.prints("outside\nrefused").map(drop)?;
    let is = fs::read_to_string("/run/shared/file")?;
    if is == "inside\n" { Ok(()) } else { Err(failed(format!("the file is {is:?}"))) }
}

fn device(e: &Engine) -> Verdict {
    let program = "test -c /dev/kmsg && echo there; head -c 0 /dev/kmsg && echo readable";
    let options = "--cap-add CAP_SYSLOG --device /dev/kmsg";
    once(e, options, program)?.succeeds()?.prints("there\nreadable").map(drop)?;
    let program = "mknod /tmp/k c 1 11 && head -c 0 /tmp/k || echo denied";
    once(e, "--cap-add CAP_MKNOD", program)?.succeeds()?.prints("denied").map(drop)
}

fn effective(e: &Engine, options: &str) -> Verdict<u64> {
    let ran = once(e, options, "sed -n s/CapEff:.//p /proc/self/status")?.succeeds()?;
    u64::from_str_radix(ran.text(), 16).map_err(|error| failed(format!("{:?}: {error}", ran.text())))
}

fn capabilities(e: &Engine) -> Verdict {
    // linux/capability.h: CHOWN is 0, SYS_ADMIN 21, SYS_TIME 25.
    let plain = effective(e, "")?;
    let changed = effective(e, "--cap-add CAP_SYS_TIME --cap-drop CAP_CHOWN")?;
    let all = effective(e, "--privileged")?;
    let right = changed == (plain | 1 << 25) & !1 && all & 1 << 21 != 0 && plain & 1 << 21 == 0;
    if right { Ok(()) } else { Err(failed(format!("plain {plain:x}, changed {changed:x}, privileged {all:x}"))) }
}

fn seccomp(e: &Engine) -> Verdict {
    let program = "grep Seccomp: /proc/self/status; unshare -U echo allowed; :";
    once(e, "--seccomp", program)?.succeeds()?.prints("Seccomp:\t2").map(drop)?;
    once(e, "", program)?.succeeds()?.prints("Seccomp:\t0\nallowed").map(drop)
}

fn namespaces(e: &Engine) -> Verdict {
    let outside = e.shell("readlink /proc/self/ns/net")?.succeeds()?;
    let own = "readlink /proc/self/ns/net";
    once(e, "--net-host", own)?.succeeds()?.prints(outside.text()).map(drop)?;
    once(e, "", own)?.succeeds()?.says("net:[")?.must("a new one", |ran| ran.out != outside.out).map(drop)?;
    detached(e, "", SLEEPING)?;
    let pid = task(e)?.0;
    let line = format!(
        "run --rm --runc-binary {RUNTIME} --with-ns pid:/proc/{pid}/ns/pid --with-ns uts:/proc/{pid}/ns/uts {BUSYBOX} two"
    );
    script(e, &line, "ps", "")?.succeeds()?.says("sleep 1000").map(drop)
}

fn user_namespace(e: &Engine) -> Verdict {
    let program = "id -u; tr -s \" \" </proc/self/uid_map; stat -c %u /bin";
    let options = "--uidmap 0:200000:65536 --gidmap 0:200000:65536";
    once(e, options, program)?.succeeds()?.prints("0\n 0 200000 65536\n0").map(drop)
}

fn rootfs(e: &Engine) -> Verdict {
    let start = format!("run --rm --rootfs --runc-binary {RUNTIME} /run/image/rootfs one");
    script(e, &start, "ls -d /srv; exit 3", "")?.ends_with(3)?.prints("/srv").map(drop)
}

fn no_pivot(e: &Engine) -> Verdict {
    once(e, "--no-pivot", "ls -d /srv; ls /run/store")?.ends_with(1)?.prints("/srv").map(drop)?;
    // A user namespace may mount a proc as unmasked as one that is mounted already: the host's must be gone.
    let program = "unshare -Urmpf sh -c \"echo made; mount -t proc none /srv\"";
    for options in ["", "--no-pivot"] {
        once(e, options, program)?.ends_with(1)?.prints("made")?.complains("permission denied").map(drop)?;
    }
    Ok(())
}

fn not_found(e: &Engine) -> Verdict {
    let refused = |ran: Ran| ran.must("fails", |ran| ran.status != 0)?.complains("executable file not found in $PATH");
    refused(e.call(&run("--rm", "no-such-program"))?).map(drop)
}

fn eight(e: &Engine) -> Verdict {
    at_once(8, |number| {
        let line = format!("run --rm --runc-binary {RUNTIME} {BUSYBOX} number-{number} sh -c 'exit {number}'");
        e.call(&line)?.ends_with(number).map(drop)
    })
}

fn listed(e: &Engine) -> Verdict {
    detached(e, "", SLEEPING)?;
    e.call("containers list")?.succeeds()?.says("one")?.says(BUSYBOX).map(drop)?;
    has_status(e, "RUNNING")?;
    let cgroup = cgroup(e)?;
    if cgroup.ends_with("default/one") { Ok(()) } else { Err(failed(format!("its cgroup is {}", cgroup.display()))) }
}

fn create(e: &Engine) -> Verdict {
    e.call(&format!("containers create {BUSYBOX} one false"))?.works()?;
    e.call("containers list -q")?.succeeds()?.prints("one").map(drop)?;
    e.call("tasks list -q")?.succeeds()?.prints("").map(drop)?;
    e.call("tasks start one")?.ends_with(1).map(drop)
}

fn exec(e: &Engine) -> Verdict {
    detached(e, "", SLEEPING)?;
    let inside = |options: &str, program| script(e, &format!("tasks exec --exec-id x {options} one"), program, "");
    inside("--cwd /srv", "pwd; id -u; exit 6")?.ends_with(6)?.prints("/srv\n0").map(drop)?;
    inside("--user 1000", "id -u")?.succeeds()?.prints("1000").map(drop)?;
    e.call_with("tasks exec --exec-id x one sh -c 'tr a-z A-Z >/word'", "word\n")?.works()?;
    inside("", "cat /word")?.succeeds()?.prints("WORD").map(drop)?;
    e.call("tasks exec --exec-id x one sh -c 'kill -9 $$'")?.ends_with(137).map(drop)
}

fn exec_terminal(e: &Engine) -> Verdict {
    detached(e, "", SLEEPING)?;
    converse(e.terminal("tasks exec -t --exec-id x one sh")?)
}

fn exec_not_found(e: &Engine) -> Verdict {
    detached(e, "", SLEEPING)?;
    let ran = e.call("tasks exec --exec-id x one no-such-program")?;
    ran.must("fails", |ran| ran.status != 0)?.complains("executable file not found in $PATH").map(drop)?;
    has_status(e, "RUNNING")
}

fn kill(e: &Engine) -> Verdict {
    detached(e, "", "sh -c 'trap \"exit 42\" TERM; touch /ready; while :; do sleep 0.1; done'")?;
    made(e, "ready")?;
    e.call("tasks kill one")?.works()?;
    stopped(e)?;
    e.call("tasks delete one")?.succeeds()?.complains("exit code 42").map(drop)?;
    let ran = e.call("tasks kill one")?;
    ran.must("fails", |ran| ran.status != 0)?.complains("not found").map(drop)
}

fn kill_signal(e: &Engine) -> Verdict {
    detached(e, "", "sh -c 'trap \"touch /usr1\" USR1; touch /ready; while :; do sleep 0.1; done'")?;
    made(e, "ready")?;
    e.call("tasks kill -s USR1 one")?.works()?;
    made(e, "usr1")?;
    e.call("tasks kill --all -s KILL one")?.works()?;
    stopped(e)?;
    e.call("tasks delete one")?.succeeds()?.complains("exit code 137").map(drop)
}

fn delete(e: &Engine) -> Verdict {
    detached(e, "", SLEEPING)?;
    let cgroup = cgroup(e)?;
    e.call("tasks delete one")?.must("fails", |ran| ran.status != 0)?.complains("running").map(drop)?;
    has_status(e, "RUNNING")?;
    e.call("tasks delete -f one")?.succeeds()?.complains("exit code 137").map(drop)?;
    if cgroup.exists() { Err(failed(format!("{} is still there", cgroup.display()))) } else { Ok(()) }
}

fn pause(e: &Engine) -> Verdict {
    detached(e, "", SLEEPING)?;
    let events = cgroup(e)?.join("cgroup.events");
    e.call("tasks pause one")?.works()?;
    has_status(e, "PAUSED")?;
    if !fs::read_to_string(&events)?.contains("frozen 1") {
        return Err(failed("paused, but its cgroup is not frozen"));
    }
    e.call("tasks resume one")?.works()?;
    has_status(e, "RUNNING")?;
    script(e, "tasks exec --exec-id x one", "echo on", "")?.succeeds()?.prints("on").map(drop)
}

fn metrics(e: &Engine) -> Verdict {
    detached(e, "", SLEEPING)?;
    let pid = task(e)?.0;
    e.call("tasks ps one")?.succeeds()?.says(&pid).map(drop)?;
    let ran = e.call("tasks metrics one")?.succeeds()?.says("cpu.usage_usec")?;
    let counts = controllers().contains("memory");
    ran.must("memory in use where there is a controller", |ran| {
        let used = ran.out.lines().find_map(|line| line.strip_prefix("memory.usage ")).map(str::trim);
        !counts || used.is_some_and(|used| used != "0")
    })
    .map(drop)
}

fn attach(e: &Engine) -> Verdict {
    let mut first = e.terminal(&run("-t", "sh"))?;
    first.types("echo first''-here\n")?;
    first.expect("first-here")?;
    // It waits for the task, and only then tells it its size. An end before that is one that it can't find.
    let line = format!("exec {} tasks attach one", e.driver.client());
    let mut second = Terminal::open(&line, 41, 101, e.deadline())?;
    let size = "tasks exec --exec-id size one stty -F /dev/console size";
    e.until("attached", || Ok(e.call(size)?.text() == "41 101"))?;
    // What is typed on either reaches the shell; which of the two shows it is chance.
    second.types("exit 9\n")?;
    second.ends_with(9)
}

fn checkpoint(e: &Engine) -> Verdict {
    detached(e, "", SLEEPING)?;
    let ran = e.call("tasks checkpoint one")?;
    if ran.err.contains("criu failed") {
        return Err(Trouble::Skipped("this runtime can, or tries to".to_owned()));
    }
    ran.must("fails", |ran| ran.status != 0)?.complains("checkpoint").map(drop)?;
    has_status(e, "RUNNING")
}

fn taken(e: &Engine) -> Verdict {
    detached(e, "", SLEEPING)?;
    e.call(&run("--rm", "true"))?.must("fails", |ran| ran.status != 0)?.complains("already exists").map(drop)?;
    has_status(e, "RUNNING")
}
