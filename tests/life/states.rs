//! runtime.md, "Operations": each of them in each state, with what comes of it.
//!
//! Where the spec is silent (pause, resume, exec, ps) it is as with runc; where runc differs, the row says so.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::hooks::{Hooked, KINDS};
use crate::support::{Bundle, Container, Host, guarded, patience, reaper, settle};

/// What an operation comes to: it succeeds and the container is then in this state, or it fails with one of these words and
/// nothing has changed.
#[derive(Clone, Copy)]
enum Outcome {
    Then(&'static str),
    Fails(&'static str),
}

use Outcome::{Fails, Then};

const STATES: [&str; 4] = ["created", "running", "paused", "stopped"];

type Row = (&'static [&'static str], [Outcome; 4], &'static [(&'static str, &'static str)]);

/// The operations, with what they come to in the states above; last, which runtimes have it otherwise, and where.
const TABLE: &[Row] = &[
    (&["state"], [Then("created"), Then("running"), Then("paused"), Then("stopped")], &[]),
    (&["start"], [Then("running"), Fails("not created"), Fails("not created"), Fails("stopped")], &[]),
    (&["kill", "0"], [Then("created"), Then("running"), Then("paused"), Fails("container not running")], &[]),
    (&["kill", "KILL"], [Then("stopped"), Then("stopped"), Then("stopped"), Fails("container not running")], &[]),
    // The program of these tests has no handler for it, and as init of a pid namespace doesn't get it then. What waits for the
    // start ends: it does with runc, and `podman stop` of what `podman init` made would otherwise wait for its timeout.
    (
        &["kill", "TERM"],
        [Then("stopped"), Then("running"), Then("paused"), Fails("container not running")],
        &[("crun", "created")],
    ),
    // All of none: engines ask for it after the end.
    (
        &["kill", "--all", "KILL"],
        [Then("stopped"), Then("stopped"), Then("stopped"), Then("stopped")],
        &[("crun", "stopped")],
    ),
    // The spec lets only a stopped one be deleted. (runc kills one that was only created.)
    (&["delete"], [Fails("not stopped"), Fails("not stopped"), Fails("not stopped"), Then("")], &[("runc", "created")]),
    (&["delete", "--force"], [Then(""), Then(""), Then(""), Then("")], &[]),
    (
        &["exec"],
        [Then("created"), Then("running"), Fails("paused"), Fails("container not running")],
        &[("runc", "stopped")],
    ),
    (&["pause"], [Then("paused"), Then("paused"), Fails("paused"), Fails("can't be paused")], &[]),
    (&["resume"], [Fails("not paused"), Fails("not paused"), Then("as before"), Fails("not paused")], &[]),
    (&["ps"], [Then("created"), Then("running"), Then("paused"), Then("stopped")], &[]),
];

/// Leads a container into a state.
fn lead<'h>(host: &'h Host, bundle: &Bundle, state: &str) -> Container<'h> {
    if state == "created" {
        return host.create(bundle);
    }
    let container = host.start(bundle);
    match state {
        "paused" => drop(container.call("pause", &[]).ok()),
        "stopped" => {
            container.kill("KILL");
            container.ended();
        }
        _ => {}
    }
    assert_eq!(container.status(), state);
    container
}

#[test]
fn every_operation_in_every_state() {
    guarded(|host| {
        if host.lacks(&["crun"], "1.8 has other rules for several") {
            return;
        }
        let bundle = Bundle::new().deeds(&["say", "ready", "sleep"]);
        for (words, outcomes, but) in TABLE {
            for (state, outcome) in STATES.iter().zip(outcomes) {
                let elsewhere = but.iter().filter(|(_, other)| other == state).map(|(runtime, _)| *runtime);
                let elsewhere: Vec<&str> = elsewhere.collect();
                if !elsewhere.is_empty() && host.lacks(&elsewhere, "another rule here") {
                    continue;
                }
                one(host, &bundle, state, words, *outcome);
            }
        }
    });
}

#[track_caller]
fn one(host: &Host, bundle: &Bundle, state: &str, words: &[&str], outcome: Outcome) {
    let what = format!("{words:?} of a {state} one");
    let container = lead(host, bundle, state);
    // Who is killed must be reaped, as an engine's shim does.
    let reaped = if state == "stopped" { None } else { Some(reaper(container.pid())) };
    let (verb, rest) = words.split_first().unwrap();
    let (options, arguments): (Vec<&str>, Vec<&str>) = rest.iter().partition(|word| word.starts_with("--"));
    let mut line = vec![*verb];
    line.extend(options);
    line.push("jar");
    line.extend(arguments);
    if *verb == "exec" {
        line.extend(["/payload", "exit", "0"]);
    }
    let output = host.runtime().call(line);
    match outcome {
        Then(then) => {
            assert_eq!(output.status, 0, "{what}: {output:?}");
            match then {
                "" => assert!(host.runtime().ids().is_empty(), "{what}"),
                "stopped" if state == "paused" && !host.is_onggi() => drop(container.call("resume", &[])),
                "stopped" => {
                    container.died();
                    assert_eq!(container.status(), "stopped", "{what}");
                }
                "as before" => assert_eq!(container.status(), "running", "{what}"),
                then => assert_eq!(container.status(), then, "{what}"),
            }
        }
        Fails(why) => {
            assert_ne!(output.status, 0, "{what}: {output:?}");
            if host.is_onggi() {
                assert!(output.stderr.contains(why), "{what}: {output:?}");
            }
            assert_eq!(container.status(), state, "{what} has changed it");
        }
    }
    container.force_delete();
    reaped.map(std::thread::JoinHandle::join);
}

/// Of one that there is not, each is an error but `delete --force`.
#[test]
fn every_operation_without_a_container() {
    guarded(|host| {
        for (words, ..) in TABLE {
            let (verb, rest) = words.split_first().unwrap();
            let options: Vec<&str> = rest.iter().copied().filter(|word| word.starts_with("--")).collect();
            let mut line = [&[*verb], &options[..], &["nobody"]].concat();
            if *verb == "exec" {
                line.extend(["/payload", "exit", "0"]);
            }
            let output = host.runtime().call(line);
            if *words == ["delete", "--force"] {
                output.ok();
                continue;
            }
            assert_ne!(output.status, 0, "{words:?}: {output:?}");
            if !host.lacks(&["crun"], "1.8 tells of a file that is missing") {
                output.fails_with("does not exist");
            }
        }
        // And without an id.
        for verb in ["state", "start", "kill", "delete", "create", "run", "exec", "pause", "resume"] {
            assert_ne!(host.runtime().call([verb]).status, 0, "{verb}");
        }
    });
}

/// `create` and `run` with an id that is taken, whatever the container's state: it does not notice.
#[test]
fn an_id_in_use() {
    guarded(|host| {
        let bundle = Bundle::new().deeds(&["say", "ready", "sleep"]);
        for state in STATES {
            let container = lead(host, &bundle, state);
            let other = Bundle::new();
            let path = other.path().to_str().unwrap();
            for verb in ["create", "run"] {
                host.runtime().call([verb, "--bundle", path, "jar"]).fails_with("exist");
            }
            assert_eq!(container.status(), state);
            container.force_delete();
            if state != "stopped" {
                container.ended();
            }
        }
    });
}

/// The state is valid against the spec's schema in each state, and brings the annotations back.
#[test]
fn the_state_is_valid() {
    guarded(|host| {
        let bundle = Bundle::new()
            .deeds(&["say", "ready", "sleep"])
            .edit(|config| config["annotations"] = json!({"org.example/key": "a \"value\"", "empty": ""}));
        for state in STATES {
            let container = lead(host, &bundle, state);
            let said = container.state();
            assert_eq!(said["annotations"], bundle.config()["annotations"]);
            assert_eq!(said["bundle"], bundle.path().to_str().unwrap());
            assert!(said["ociVersion"].as_str().unwrap().starts_with("1."));
            // The schema knows the spec's states; "additional values MAY be defined by the runtime" (runtime.md, State).
            let problems = crate::schema::problems("state-schema.json", &said);
            let paused = problems.iter().all(|problem| problem.contains("paused")) && state == "paused";
            assert!(problems.is_empty() || paused, "{state}: {problems:?}");
            container.force_delete();
            if state != "stopped" {
                container.ended();
            }
        }
    });
}

/// config.md, "Process": "This property is REQUIRED when start is called"; runtime.md, "Start": without it "MUST generate an error".
#[test]
fn without_a_process() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "wants a process when it creates") {
            return;
        }
        let bundle = Bundle::new().edit(|config| drop(config.as_object_mut().unwrap().remove("process")));
        host.run(&bundle).fails_with("process: is missing");
        let container = host.create(&bundle);
        container.call("start", &[]).fails_with("process: is missing");
        assert_eq!(container.status(), "created");
        // There is no default that another process would take on.
        let report = container.exec(&[], &["report"]).ok().stdout;
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        for set in ["bounding", "effective", "permitted", "inheritable", "ambient"] {
            assert_eq!(report["capabilities"][set], json!([]), "{set}");
        }
        container.kill("KILL");
        container.ended();
        container.delete();
    });
}

/// What `state` says while a hook runs. Where the container runs already, what is done with one that runs can be done.
#[test]
fn while_a_hook_runs() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "know of it only when it is created, and have it run before it does") {
            return;
        }
        let statuses = ["creating", "creating", "creating", "created", "running", "stopped"];
        for (kind, status) in KINDS.iter().zip(statuses) {
            let hooked = Hooked::new(host);
            for fifo in ["begun", "go"] {
                nix::unistd::mkfifo(&hooked.log.join(fifo), nix::sys::stat::Mode::S_IRWXU).unwrap();
            }
            let log = if *kind == "startContainer" { "/log".into() } else { hooked.log.to_string_lossy().into_owned() };
            let (begun, go) = (format!("{log}/begun"), format!("{log}/go"));
            let mut hooked = hooked.hook(kind, &["append", &begun, "x", "await", &go], &json!({}));
            hooked.bundle = hooked.bundle.deeds(&["sleep"]);
            let during = |words: &[&str]| {
                let mut command = host.runtime().invoke(words);
                let mut child = command.spawn();
                assert_eq!(fs::read_to_string(hooked.log.join("begun")).unwrap(), "x");
                assert_eq!(host.runtime().state("jar")["status"], status, "{kind}");
                if status == "creating" {
                    host.runtime().call(["wait", "jar"]).fails_with("is just being created");
                }
                if *kind == "poststart" {
                    for verb in ["pause", "resume"] {
                        host.runtime().call([verb, "jar"]).ok();
                    }
                }
                fs::write(hooked.log.join("go"), "x").unwrap();
                command.finish(&mut child).ok();
            };
            let create = ["create", "--bundle", hooked.bundle.path().to_str().unwrap(), "jar"];
            match *kind {
                "startContainer" | "poststart" => {
                    host.runtime().call(create).ok();
                    during(&["start", "jar"]);
                }
                "poststop" => {
                    host.runtime().call(create).ok();
                    during(&["delete", "--force", "jar"]);
                }
                _ => during(&create),
            }
            host.runtime().call(["delete", "--force", "jar"]).ok();
            settle();
            fs::remove_dir_all(&hooked.log).unwrap();
        }
    });
}

/// The first process is ended while its startContainer hooks run: that is no start. Who gave the word is ended: the container
/// starts all the same, and once.
#[test]
fn ended_in_a_hook() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "start has succeeded by then") {
            return;
        }
        // The first process of a pid namespace would not be ended by a word to nobody (SIGPIPE); another one would.
        for (ends, pid_namespace) in [("init", true), ("start", true), ("start", false)] {
            let hooked = Hooked::new(host);
            for fifo in ["begun", "go"] {
                nix::unistd::mkfifo(&hooked.log.join(fifo), nix::sys::stat::Mode::S_IRWXU).unwrap();
            }
            let mut hooked =
                hooked.hook("startContainer", &["append", "/log/begun", "x", "await", "/log/go"], &json!({}));
            hooked.bundle = hooked.bundle.deeds(&["sleep"]);
            if !pid_namespace {
                hooked.bundle = hooked.bundle.without_namespace("pid");
            }
            let container = host.create(&hooked.bundle);
            let mut start = host.runtime().invoke(["start", "jar"]);
            let mut starting = start.spawn();
            assert_eq!(fs::read_to_string(hooked.log.join("begun")).unwrap(), "x");
            if ends == "init" {
                container.kill("KILL");
                start.finish(&mut starting).fails_with("the container ended before it could be started");
                container.ended();
                assert_eq!(container.status(), "stopped");
                container.delete();
            } else {
                starting.kill().unwrap();
                starting.wait().unwrap();
                let mut again = host.runtime().invoke(["start", "jar"]);
                let mut starting = again.spawn();
                fs::write(hooked.log.join("go"), "x").unwrap();
                again.finish(&mut starting).fails_with("not created");
                assert_eq!(container.status(), "running");
                container.force_delete();
            }
            settle();
            fs::remove_dir_all(&hooked.log).unwrap();
        }
    });
}

/// A container that ends before its start never ran, however long its init takes: the kernel keeps it until all others in its
/// pid namespace have been waited for.
#[test]
fn an_end_that_takes_long() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "say that it is created, or runs") {
            return;
        }
        let bundle = Bundle::new().deeds(&["sleep"]);
        let begun = bundle.rootfs().join("begun");
        nix::unistd::mkfifo(&begun, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let container = host.create(&bundle);
        let mut command = host.runtime().invoke(["exec", container.id(), "/payload", "append", "/begun", "x", "sleep"]);
        let mut exec = command.spawn();
        assert_eq!(fs::read_to_string(&begun).unwrap(), "x");
        let parent = Pid::from_raw(exec.id().cast_signed());
        kill(parent, Signal::SIGSTOP).unwrap();
        container.kill("KILL");
        let end = Instant::now() + patience(Duration::from_secs(30));
        while container.status() == "created" && Instant::now() < end {}
        let status = container.status();
        kill(parent, Signal::SIGCONT).unwrap();
        assert_eq!(status, "stopped");
        assert_eq!(command.finish(&mut exec).status, 137);
        container.ended();
        container.delete();
    });
}
