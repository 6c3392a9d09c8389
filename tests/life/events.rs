//! `events`: what engines read of a container's use of the machine, and of its death for want of memory.

use std::io::{BufRead, BufReader};
use std::process::Child;

use serde_json::{Value, json};

use crate::support::{Bundle, Host, Invocation, guarded};

use super::cgroup::has_controller;

fn sleeper() -> Bundle {
    Bundle::new().deeds(&["fork", "2", "say", "ready", "sleep"])
}

/// `--stats`: one line in the shape that go-runc decodes.
#[test]
fn stats() {
    guarded(|host| {
        if host.lacks(&["crun"], "has no events") {
            return;
        }
        let container = host.start(&sleeper());
        let output = host.runtime().call(["events", "--stats", "jar"]).ok();
        container.force_delete();
        assert_eq!(output.stdout.lines().count(), 1);
        let event: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!((&event["type"], &event["id"]), (&json!("stats"), &json!("jar")));
        let data = &event["data"];
        for (part, member) in
            [("cpu", "usage"), ("cpu", "throttling"), ("memory", "usage"), ("memory", "swap"), ("memory", "kernel")]
        {
            assert!(data[part][member].is_object(), "{part}.{member}");
        }
        assert_eq!(data["pids"]["current"], 3);
        assert!(data["cpu"]["usage"]["total"].as_u64().unwrap() > 0);
        for part in ["cpuset", "blkio", "hugetlb", "intel_rdt"] {
            assert!(data[part].is_object(), "{part}");
        }
        if has_controller("hugetlb") {
            assert_eq!(data["hugetlb"]["2MB"]["failcnt"], 0);
        }
        if has_controller("memory") {
            assert!(data["memory"]["usage"]["usage"].as_u64().unwrap() > 0);
            assert!(data["memory"]["raw"]["anon"].is_u64());
            assert_eq!(data["memory"]["usage"]["limit"], u64::MAX);
        }
    });
}

/// The words of `events` as a stream, and what it says.
fn stream(host: &Host) -> (Invocation, Child, BufReader<std::io::PipeReader>) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut events = host.runtime().invoke(["events", "--interval", "20ms", "jar"]).with(|command| {
        command.stdout(writer);
    });
    let child = events.spawn();
    // Our own copy of the writing end goes with the command.
    let events = events.with(|command| {
        command.stdout(std::process::Stdio::null());
    });
    (events, child, BufReader::new(reader))
}

fn next(reader: &mut impl BufRead) -> Value {
    let mut line = String::new();
    assert!(reader.read_line(&mut line).unwrap() > 0, "events ended");
    serde_json::from_str(&line).unwrap()
}

/// Without it, a line at each interval, until the container ends.
#[test]
fn stream_ends_with_the_container() {
    guarded(|host| {
        if host.lacks(&["crun"], "has no events") || host.lacks(&["runc"], "1.1 sometimes ends with an error") {
            return;
        }
        let container = host.start(&sleeper());
        let (events, mut child, mut reader) = stream(host);
        let first = next(&mut reader);
        let second = next(&mut reader);
        let total = |event: &Value| event["data"]["cpu"]["usage"]["total"].as_u64().unwrap();
        assert!(total(&second) >= total(&first));
        container.force_delete();
        // Whose pipe is full does not see the end.
        std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
        events.finish(&mut child).ok();
    });
}

/// It ends as well when nobody listens any more.
#[test]
fn nobody_listens() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "ends by a signal, or not at all") {
            return;
        }
        let container = host.start(&sleeper());
        let (events, mut child, mut reader) = stream(host);
        next(&mut reader);
        drop(reader);
        events.finish(&mut child).ok();
        container.force_delete();
    });
}

/// A container that has stopped has no events.
#[test]
fn stopped() {
    guarded(|host| {
        if host.lacks(&["crun"], "has no events") {
            return;
        }
        let container = host.create(&Bundle::new().deeds(&["exit", "0"]));
        container.start();
        container.ended();
        host.runtime().call(["events", "--stats", "jar"]).fails_with("not running");
        host.runtime().call(["events", "--stats", "none"]).fails_with("does not exist");
        container.delete();
    });
}

/// When the kernel kills for want of memory, that is an event of its own.
#[test]
fn out_of_memory() {
    guarded(|host| {
        if !has_controller("memory") || host.lacks(&["crun"], "has no events") {
            return;
        }
        let bundle = Bundle::new().deeds(&["eat", "200", "sleep"]).edit(|config| {
            config["linux"]["resources"]["memory"] = json!({"limit": 20 << 20, "swap": 20 << 20});
        });
        let container = host.create(&bundle);
        let (events, mut child, mut reader) = stream(host);
        next(&mut reader);
        container.start();
        let oom = loop {
            let event = next(&mut reader);
            if event["type"] == "oom" {
                break event;
            }
        };
        assert_eq!(oom, json!({"type": "oom", "id": "jar"}));
        drop(reader);
        events.finish(&mut child).ok();
        container.force_delete();
    });
}
