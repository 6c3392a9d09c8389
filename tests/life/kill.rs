//! runtime.md, "Kill"; and the signals that `run` gets.

use std::fs;
use std::os::fd::AsRawFd;

use nix::sys::signal::Signal;
use onggi::sys;
use serde_json::json;

use crate::support::{Bundle, Container, Ending, Host, Output, guarded};

fn sleeper() -> Bundle {
    Bundle::new().deeds(&["say", "ready", "sleep"])
}

/// "Kill": a signal by name, with or without SIG, and by number; SIGTERM if none is given.
#[test]
fn kill_signals() {
    guarded(|host| {
        for (signal, number) in [("USR1", 10), ("SIGUSR2", 12), ("1", 1), ("KILL", 9)] {
            let container = signalled(host, &[signal]);
            assert_eq!(container.ended(), Ending::Signal(number), "{signal}");
            container.delete();
        }
        let container = signalled(host, &[]);
        assert_eq!(container.ended(), Ending::Signal(15));
        container.delete();
    });
}

/// A container without a pid namespace: an init would not feel a signal that it has not caught.
fn signalled<'h>(host: &'h Host, words: &[&str]) -> Container<'h> {
    let container = host.start(&sleeper().without_namespace("pid"));
    container.call("kill", words).ok();
    container
}

/// A signal that doesn't exist is an error.
#[test]
fn kill_with_no_signal() {
    guarded(|host| {
        if host.lacks(&["crun"], "1.8 takes any word for a signal") {
            return;
        }
        let container = host.start(&sleeper());
        for signal in ["NOSUCH", "65", "-1", "9x"] {
            assert_ne!(container.call("kill", &[signal]).status, 0, "{signal:?}");
        }
        assert!(container.alive());
        container.force_delete();
    });
}

/// "Attempting to send a signal to a container that is neither created nor running MUST ... generate an error".
#[test]
fn kill_of_a_stopped_one() {
    guarded(|host| {
        let container = host.create(&Bundle::new().deeds(&["exit", "0"]));
        container.start();
        container.ended();
        let output = container.call("kill", &["TERM"]);
        assert_ne!(output.status, 0);
        let words = ["container not running", "process already finished", "no such process"];
        assert!(words.iter().any(|one| output.stderr.to_lowercase().contains(one)), "{output:?}");
        container.delete();
    });
}

/// A container that was only created can be killed too.
#[test]
fn kill_of_a_created_one() {
    guarded(|host| {
        let container = host.create(&sleeper());
        container.kill("KILL");
        container.ended();
        assert_eq!(container.status(), "stopped");
        container.delete();
    });
}

/// `run` hands on the signals that it gets.
#[test]
fn run_forwards_signals() {
    guarded(|host| {
        let bundle = Bundle::new().deeds(&["trap-term", "append", "/shared/fifo", "ready", "sleep"]);
        run_signalled(host, bundle, Signal::SIGTERM as i32).ok();
    });
}

/// What `run` of `bundle`, which says in /shared/fifo that it is ready, comes to when it gets a signal then.
#[track_caller]
fn run_signalled(host: &Host, bundle: Bundle, signal: i32) -> Output {
    let shared = host.folder().join("shared");
    fs::create_dir(&shared).unwrap();
    nix::unistd::mkfifo(&shared.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mount = json!({"destination": "/shared", "type": "bind", "source": shared, "options": ["bind"]});
    let bundle = bundle.mount(mount);
    let mut run = host.runtime().run(&bundle, "jar");
    let mut child = run.spawn();
    assert_eq!(fs::read_to_string(shared.join("fifo")).unwrap(), "ready");
    let pidfd = sys::process::pidfd(child.id().cast_signed()).map(sys::owned).unwrap();
    sys::pidfd::send_signal(sys::Fd(pidfd.as_raw_fd()), signal).unwrap();
    run.finish(&mut child)
}

/// The first realtime signal is one like any other, though C libraries may keep it to themselves.
#[test]
fn run_forwards_a_realtime_signal() {
    guarded(|host| {
        if host.lacks(&["runc"], "ends by it") {
            return;
        }
        // As pid 1 of a namespace it would not get what it has no handler for.
        let bundle = Bundle::new().without_namespace("pid").deeds(&["append", "/shared/fifo", "ready", "sleep"]);
        run_signalled(host, bundle, 34).status(128 + 34);
    });
}
