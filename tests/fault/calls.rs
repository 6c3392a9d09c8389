//! An error at any system call of the parent, and its death at any, by strace(1).
//!
//! By default some of the calls are tried, spread over all; with `ONGGI_FAULT_ALL` every one, see [`some`].

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};

use crate::bundles;
use crate::support::{Bundle, Host, Invocation, Output, Snapshot, guarded, settle, skipped};
use crate::sweep::{as_before, orphans};

/// Calls that the kernel does not fail this way: memory (a failed allocation is the end of any program), a close that
/// does not close, and the beginning and end of the process itself.
const NEVER_FAIL: &[&str] = &[
    "execve",
    "exit",
    "exit_group",
    "close",
    "brk",
    "mmap",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "arch_prctl",
    "rt_sigreturn",
    "set_tid_address",
    "set_robust_list",
    "rseq",
    "sigaltstack",
    "getrandom",
    "futex",
    "rt_sigaction",
];

/// Whether a call is one that may fail. The first poll is not onggi's, but the language's own start.
fn can_fail((name, nth): &(String, usize)) -> bool {
    !NEVER_FAIL.contains(&&**name) && (&**name, *nth) != ("poll", 1)
}

/// ENOSPC, EIO, EMFILE, EACCES.
const ERRORS: [&str; 4] = ["ENOSPC", "EIO", "EMFILE", "EACCES"];

/// `strace OPTIONS -o FILE onggi --root ROOT WORDS...`. Only the parent is traced.
pub fn traced(host: &Host, options: &[&str], words: &[&str]) -> Invocation {
    let mut command = Command::new("/usr/bin/strace");
    command.args(["-qq", "-o"]).arg(host.folder().join("trace")).args(options);
    command.arg(host.runtime().program()).arg("--root").arg(host.runtime().root()).args(words);
    Invocation::new(command)
}

/// The calls that a command makes, each with which one of its name it is.
fn calls(host: &Host, words: &[&str]) -> Vec<(String, usize)> {
    traced(host, &[], words).run().ok();
    let mut counts = BTreeMap::new();
    let numbered = names(host).into_iter().map(|name| {
        let count = counts.entry(name.clone()).or_insert(0);
        *count += 1;
        (name, *count)
    });
    numbered.collect()
}

/// The names of the calls that the last command made.
fn names(host: &Host) -> Vec<String> {
    let trace = fs::read_to_string(host.folder().join("trace")).unwrap();
    let names = trace.lines().filter_map(|line| line.split_once('(')).map(|(name, _)| name.to_owned());
    names.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')).collect()
}

/// Those of `all` that are tried: at most `count`, spread evenly. `ONGGI_FAULT_ALL=1` tries every one, `ONGGI_FAULT_ALL=2/5`
/// the second of five shares, as all take longer than a test may.
fn some(all: Vec<(String, usize)>, count: usize) -> Vec<(String, usize)> {
    let Ok(share) = std::env::var("ONGGI_FAULT_ALL") else {
        let every = all.len().div_ceil(count).max(1);
        return all.into_iter().step_by(every).collect();
    };
    let (which, of) = share.split_once('/').unwrap_or(("1", "1"));
    let (which, of): (usize, usize) = (which.parse().unwrap(), of.parse().unwrap());
    all.into_iter().skip(which - 1).step_by(of).collect()
}

/// Whether this test can be done; then the first command has been, which makes the state root.
pub fn prepared(host: &Host) -> bool {
    let there = Path::new("/usr/bin/strace").exists();
    if !there {
        skipped("strace is not here");
    }
    host.run(&Bundle::new().deeds(&["exit", "0"])).ok();
    there
}

/// What is left after a command that failed must be a container that `delete --force` removes; and the command must
/// have said that it left something. Where it says nothing, nothing may be left.
#[track_caller]
fn undone(host: &Host, before: &Snapshot, output: &Output, case: &str) {
    settle();
    if !before.differences(&Snapshot::take(host)).is_empty() {
        let said = !output.stderr.is_empty() && output.status != 0;
        assert!(said, "{case}: something is left, and nothing was said: {output:?}");
        host.runtime().call(["delete", "--force", "jar"]).ok();
        as_before(host, before, &format!("{case} and delete --force: {output:?}"));
    }
}

/// An error at a call of `run`: it ends well, or with a sentence, and nothing is left.
#[test]
fn run_with_an_error() {
    guarded(|host| {
        if !prepared(host) {
            return;
        }
        let bundle = bundles::rich(host);
        let path = bundle.path().to_str().unwrap();
        let words = ["run", "--bundle", path, "jar"];
        let before = Snapshot::take(host);
        let mut all = calls(host, &words);
        all.retain(can_fail);
        assert!(all.len() > 50, "{all:?}");
        let (mut failed, mut left) = (0, Vec::new());
        for (number, (name, nth)) in some(all, 100).into_iter().enumerate() {
            let inject = format!("inject={name}:error={}:when={nth}", ERRORS[number % ERRORS.len()]);
            let output = traced(host, &["-e", &inject], &words).run();
            assert!(!output.stderr.contains("panicked"), "{inject}: {output:?}");
            failed += usize::from(output.status != 0);
            assert!(output.status == 0 || !output.stderr.is_empty(), "{inject}: nothing was said: {output:?}");
            assert!(output.status < 128, "{inject}: {output:?}");
            settle();
            if !before.differences(&Snapshot::take(host)).is_empty() {
                left.push(format!("{inject}: {}", output.stderr.trim_end()));
            }
            undone(host, &before, &output, &inject);
        }
        assert!(failed > 10, "only {failed} errors made a difference");
        println!("{failed} failed; left for delete --force: {left:#?}");
        host.run(&Bundle::new().deeds(&["exit", "0"])).ok();
    });
}

/// Death at a call of `create` or `run`: what is left is known, and `delete --force` removes it.
#[test]
fn killed() {
    guarded(|host| {
        if !prepared(host) {
            return;
        }
        let bundle = bundles::rich(host);
        let path = bundle.path().to_str().unwrap();
        let before = Snapshot::take(host);
        for verb in ["create", "run"] {
            let words = [verb, "--bundle", path, "jar"];
            let mut all = calls(host, &words);
            host.runtime().call(["delete", "--force", "jar"]).ok();
            all.retain(|(name, _)| !["execve", "brk", "mmap", "munmap", "mprotect", "exit_group"].contains(&&**name));
            for (name, nth) in some(all, 40) {
                let inject = format!("inject={name}:signal=KILL:when={nth}");
                let output = traced(host, &["-e", &inject], &words).run();
                // How often it polls depends on who is quicker.
                let made = || names(host).iter().filter(|made| **made == name).count();
                assert!(output.status == 137 || made() < nth, "{verb} {inject}: {output:?}");
                let state = host.runtime().call(["state", "jar"]);
                assert!(state.status == 0 || state.stderr.lines().count() == 1, "{verb} {inject}: {state:?}");
                host.runtime().call(["delete", "--force", "jar"]).ok();
                settle();
                as_before(host, &before, &format!("{verb} {inject}"));
                let again = host.runtime().call(["state", "jar"]).fails_with("does not exist");
                assert_eq!(again.status, 1);
            }
        }
        orphans();
        host.run(&Bundle::new().deeds(&["exit", "0"])).ok();
    });
}

/// Death of `create` before the pid is written down, without a cgroup that would tell who is meant: what waits for its start
/// by then has nobody left who could find it, and ends by itself.
#[test]
fn killed_without_a_cgroup() {
    guarded(|host| {
        if !prepared(host) {
            return;
        }
        let bundle = Bundle::new().deeds(&["sleep"]);
        let words = ["--cgroup-manager=disabled", "create", "--bundle", bundle.path().to_str().unwrap(), "jar"];
        let before = Snapshot::take(host);
        let all = calls(host, &words);
        host.runtime().call(["delete", "--force", "jar"]).ok();
        for name in ["recvfrom", "fdatasync", "renameat"] {
            let last = all.iter().rfind(|(made, _)| made == name).unwrap();
            let inject = format!("inject={name}:signal=KILL:when={}", last.1);
            let output = traced(host, &["-e", &inject], &words).run();
            assert_eq!(output.status, 137, "{inject}: {output:?}");
            host.runtime().call(["delete", "--force", "jar"]).ok();
            as_before(host, &before, &inject);
        }
    });
}

/// An error at a call of `start`, `kill` or `delete`: tried again it works, or the container is gone.
#[test]
fn other_commands() {
    guarded(|host| {
        if !prepared(host) {
            return;
        }
        let bundle = Bundle::new().deeds(&["sleep"]);
        let path = bundle.path().to_str().unwrap();
        let before = Snapshot::take(host);
        for words in [&["start", "jar"][..], &["kill", "jar", "KILL"], &["delete", "--force", "jar"]] {
            let create = || host.runtime().call(["create", "--bundle", path, "jar"]).ok();
            create();
            let mut all = calls(host, words);
            host.runtime().call(["delete", "--force", "jar"]).ok();
            all.retain(can_fail);
            for (number, (name, nth)) in some(all, 20).into_iter().enumerate() {
                create();
                let inject = format!("inject={name}:error={}:when={nth}", ERRORS[number % ERRORS.len()]);
                let output = traced(host, &["-e", &inject], words).run();
                assert!(output.status < 128, "{words:?} {inject}: {output:?}");
                assert!(output.status == 0 || !output.stderr.is_empty(), "{words:?} {inject}: {output:?}");
                host.runtime().call(["delete", "--force", "jar"]).ok();
                settle();
                as_before(host, &before, &format!("{words:?} {inject}: {output:?}"));
            }
        }
    });
}

/// What the kernel does not say is not taken for the container's end: `delete` would believe it.
#[test]
fn not_knowing_is_not_the_end() {
    guarded(|host| {
        if !prepared(host) {
            return;
        }
        let container = host.start(&Bundle::new().deeds(&["say", "ready", "sleep"]));
        let stat = format!("/proc/{}/stat", container.pid());
        let inject = "inject=open,openat:error=EMFILE";
        for words in [&["delete", "jar"][..], &["kill", "jar", "KILL"], &["state", "jar"], &["pause", "jar"]] {
            traced(host, &["-P", &stat, "-e", inject], words).run().fails_with(&format!("{stat}: can't be read: "));
            assert_eq!(container.status(), "running", "{words:?}");
        }
        let inject = ["-P", "state.json", "-e", inject];
        let forced = ["delete", "--force", "jar"];
        traced(host, &inject, &forced).run().fails_with("state.json: can't be read: ");
        assert_eq!(container.status(), "running");
        container.force_delete();
    });
}

/// An id that can't be locked is given back.
#[test]
fn no_lock() {
    guarded(|host| {
        if !prepared(host) {
            return;
        }
        let bundle = Bundle::new().deeds(&["exit", "0"]);
        let before = Snapshot::take(host);
        let words = ["create", "--bundle", bundle.path().to_str().unwrap(), "jar"];
        traced(host, &["-e", "inject=flock:error=ENOLCK"], &words).run().fails_with("jar: can't be locked: ");
        as_before(host, &before, "a create without a lock");
    });
}

/// The verifier of device programs gives up when a signal arrives, and wants to be called once more.
#[test]
fn a_signal_while_a_program_is_loaded() {
    guarded(|host| {
        if !prepared(host) {
            return;
        }
        let bundle = Bundle::new().deeds(&["exit", "0"]);
        let words = ["run", "--bundle", bundle.path().to_str().unwrap(), "jar"];
        traced(host, &["-e", "inject=bpf:error=EAGAIN:when=1"], &words).run().ok();
    });
}

/// A second child that can't be held by a pidfd does not become the program behind the error.
#[test]
fn who_can_not_be_followed() {
    guarded(|host| {
        if !prepared(host) {
            return;
        }
        let container = host.start(&Bundle::new().deeds(&["say", "ready", "sleep"]));
        // The first one is the container's own.
        let inject = "inject=pidfd_open:error=EMFILE:when=2";
        let words = ["exec", "--detach", "jar", "/payload", "sleep"];
        traced(host, &["-e", inject], &words).run().fails_with("can't follow the child");
        let ended = waitpid(None, None);
        assert!(matches!(ended, Ok(WaitStatus::Signaled(_, Signal::SIGKILL, _))), "{ended:?}");
        container.force_delete();
    });
}
