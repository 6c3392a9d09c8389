//! What is asked of a container while another command is at work on it, at the moment between two of the questions that
//! it takes to answer.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::json;

use crate::calls::{prepared, traced};
use crate::support::{Bundle, Host, Invocation, guarded, patience};

/// A record without a pid was read, then `create` wrote the pid down and let go of its lock: so nobody is at work any more,
/// and the container is created, not one whose making was interrupted.
#[test]
fn create_ends_while_it_is_asked() {
    guarded(|host| {
        if !prepared(host) {
            return;
        }
        for words in [&["state", "jar"][..], &["list", "--format", "json"]] {
            let said = asked_while_created(host, words);
            assert!(!said.contains("\"stopped\""), "{words:?}: {said}");
            host.runtime().call(["delete", "--force", "jar"]).ok();
        }
    });
}

/// What a command says whose question for the lock comes late: `create` goes on when the record was read, and has a second
/// and a half for what it still has to do.
fn asked_while_created(host: &Host, words: &[&str]) -> String {
    let [begun, go_on] = ["begun", "go-on"].map(|name| host.folder().join(name));
    let trace = host.folder().join("trace");
    for file in [&begun, &go_on, &trace] {
        let _ = fs::remove_file(file);
    }
    for fifo in [&begun, &go_on] {
        mkfifo(fifo, Mode::S_IRWXU).unwrap();
    }
    let script = format!("echo >{}; read word <{}", begun.display(), go_on.display());
    let bundle = Bundle::new().edit(|config| {
        config["hooks"]["createRuntime"] = json!([{"path": "/bin/sh", "args": ["sh", "-c", script]}]);
    });
    let mut create = Command::new(host.runtime().program());
    create.arg("--root").arg(host.runtime().root()).args(["create", "--bundle"]).arg(bundle.path()).arg("jar");
    let mut create = Invocation::new(create);
    let mut making = create.spawn();
    fs::read(&begun).unwrap();

    let mut asking = traced(host, &["-e", "trace=openat,flock", "-e", "inject=flock:delay_enter=1500000"], words);
    let mut asked = asking.spawn();
    let end = Instant::now() + patience(Duration::from_secs(20));
    while !fs::read_to_string(&trace).is_ok_and(|trace| trace.contains("state.json")) {
        assert!(Instant::now() < end, "{words:?} does not ask for the record");
        std::thread::yield_now();
    }
    fs::write(&go_on, "on\n").unwrap();
    create.finish(&mut making).ok();
    asking.finish(&mut asked).ok().stdout.clone()
}
