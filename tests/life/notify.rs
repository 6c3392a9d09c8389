//! config-linux.md, "Seccomp" and "The Container Process State": an agent answers for a container's system calls.

use std::os::unix::net::UnixListener;

use nix::libc;
use serde_json::{Value, json};

use crate::support::{Agent, Answer, Bundle, Ending, Report, guarded, guarded_rootless, reap};

/// A profile that has `names` notified and allows the others.
fn notifying(agent: &std::path::Path, names: &[&str]) -> Value {
    json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "listenerPath": agent,
        "listenerMetadata": "what \"we\" agreed on",
        "syscalls": [{"names": names, "action": "SCMP_ACT_NOTIFY"}],
    })
}

fn bundle(agent: &Agent, names: &[&str], deeds: &[&str]) -> Bundle {
    with(Bundle::new().deeds(deeds), &notifying(agent.path(), names))
}

fn with(bundle: Bundle, seccomp: &Value) -> Bundle {
    bundle.edit(|config| {
        config["linux"]["seccomp"] = seccomp.clone();
        config["annotations"] = json!({"a": "b"});
    })
}

/// The agent makes a directory by saying that it is there, and refuses another call.
#[test]
fn the_agents_word_is_what_the_program_gets() {
    guarded(|host| {
        let agent = Agent::listen(host);
        let numbers = [libc::SYS_sched_yield, libc::SYS_getpriority];
        let [first, second] = &numbers.map(|number| number.to_string());
        let bundle = bundle(&agent, &["sched_yield", "getpriority"], &["report", "--call", first, "--call", second]);
        let seen = agent.serve(|call| match call {
            libc::SYS_sched_yield => Answer::Errno(libc::EBADFD),
            _ => Answer::Value(4711),
        });
        let report = host.report(&bundle);
        assert_eq!(report.probe(&format!("call {first}")), "EBADFD");
        assert_eq!(report.probe(&format!("call {second}")), "4711");
        assert_eq!(report["seccomp"]["mode"], 2);
        let mut calls = seen.join().unwrap().calls;
        // A report has its own uses for a call.
        calls.dedup();
        assert_eq!(calls, numbers);
    });
}

/// A directory that the agent lets be made is there; one that it refuses is not.
#[test]
fn mkdir() {
    guarded(|host| {
        for (answer, status, there) in [(Answer::Go, 0, true), (Answer::Errno(libc::EDQUOT), 70, false)] {
            let agent = Agent::listen(host);
            let bundle = bundle(&agent, &["mkdir", "mkdirat"], &["mkdir", "/made"])
                .edit(|config| config["root"]["readonly"] = json!(false));
            let seen = agent.serve(move |_| answer);
            host.run(&bundle).status(status);
            assert_eq!(bundle.rootfs().join("made").exists(), there, "{answer:?}");
            assert_eq!(seen.join().unwrap().calls.len(), 1);
        }
    });
}

/// The container process state: of `run`, of `create` and `start`, of `exec`.
#[test]
fn what_the_agent_is_told() {
    guarded(|host| {
        let agent = Agent::listen(host);
        let bundle = bundle(&agent, &["getsid"], &["say", "ready", "sleep"]);
        let mut container = host.create(&bundle);
        container.start();
        let (told, _filter) = agent.accept();
        assert_eq!(container.line(), "ready");
        assert!(told["ociVersion"].as_str().unwrap().starts_with("1."), "{told}");
        assert_eq!(told["fds"], json!(["seccompFd"]));
        assert_eq!(told["metadata"], "what \"we\" agreed on");
        assert_eq!((&told["pid"], &told["state"]["pid"]), (&json!(container.pid()), &json!(container.pid())));
        let state = &told["state"];
        assert_eq!((&state["id"], &state["annotations"]), (&json!("jar"), &json!({"a": "b"})));
        assert_eq!(state["bundle"], bundle.path().to_str().unwrap());
        assert!(["creating", "created"].contains(&state["status"].as_str().unwrap()), "{state}");

        let pid_file = host.folder().join("pid");
        let options = ["--detach", "--pid-file", pid_file.to_str().unwrap()];
        container.exec(&options, &["sleep"]).ok();
        let (told, _other) = agent.accept();
        let pid: i32 = std::fs::read_to_string(&pid_file).unwrap().parse().unwrap();
        assert_eq!((&told["pid"], &told["state"]["pid"]), (&json!(pid), &json!(container.pid())));
        assert_eq!(told["state"]["status"], "running");
        let reaper = crate::support::reaper(pid);
        container.force_delete();
        reaper.join().unwrap();
    });
}

/// The calls that a runtime might need itself between the filter and the program, all of them notified; with and without
/// noNewPrivileges, by `run`, `start` and `exec`.
#[test]
fn what_the_runtime_needs_itself() {
    guarded(|host| {
        if host.lacks(&["runc"], "refuses write") {
            return;
        }
        let names = ["write", "sendmsg", "read", "close", "fcntl", "execve", "prctl", "capset", "futex", "exit_group"];
        for no_new_privileges in [true, false] {
            let bundle = |agent: &Agent, deeds: &[&str]| {
                bundle(agent, &names, deeds)
                    .edit(|config| config["process"]["noNewPrivileges"] = json!(no_new_privileges))
            };
            let agent = Agent::listen(host);
            let run = bundle(&agent, &["say", "hello"]);
            let seen = agent.serve(|_| Answer::Go);
            assert!(host.run(&run).ok().stdout.contains("hello"));
            let calls = seen.join().unwrap().calls;
            assert!(calls.contains(&libc::SYS_execve) && calls.contains(&libc::SYS_write), "{calls:?}");

            let agent = Agent::listen(host);
            let created = bundle(&agent, &["say", "ready", "sleep"]);
            let seen = agent.serve(|_| Answer::Go);
            let mut container = host.create(&created);
            container.start();
            assert_eq!(container.line(), "ready");
            let agent = Agent::listen(host);
            let of_exec = agent.serve(|_| Answer::Go);
            assert!(container.exec(&[], &["say", "hello"]).ok().stdout.contains("hello"));
            of_exec.join().unwrap();
            container.force_delete();
            // Before Linux 6.11 the filter is gone with the zombie only.
            reap(container.pid());
            seen.join().unwrap();
        }
    });
}

/// Everything is notified.
#[test]
fn by_default() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "refuses it, or hangs") {
            return;
        }
        let agent = Agent::listen(host);
        let profile = json!({"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": agent.path()});
        let bundle = with(Bundle::new().deeds(&["say", "hello"]), &profile);
        let seen = agent.serve(|_| Answer::Go);
        assert!(host.run(&bundle).ok().stdout.contains("hello"));
        assert_eq!(seen.join().unwrap().calls[0], libc::SYS_execve, "nothing of ours comes before the program");
    });
}

/// An agent that is gone: the kernel says that there is no such call.
#[test]
fn an_agent_that_dies() {
    guarded(|host| {
        let agent = Agent::listen(host);
        let call = libc::SYS_getsid.to_string();
        std::fs::create_dir(host.folder().join("shared")).unwrap();
        let fifo = host.folder().join("shared/fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let shared = host.folder().join("shared");
        let bundle = bundle(&agent, &["getsid"], &["await", "/shared/fifo", "report", "--call", &call])
            .mount(json!({"destination": "/shared", "type": "bind", "source": shared, "options": ["bind"]}));
        let mut container = host.create(&bundle);
        container.start();
        drop(agent.accept());
        std::fs::write(&fifo, "x").unwrap();
        assert_eq!(container.report().probe(&format!("call {call}")), "ENOSYS");
        container.ended();
        container.delete();
    });
}

/// Nobody listens: an error that names the place, and nothing is left; a created container can still be started when
/// the agent is there.
#[test]
fn no_agent() {
    guarded(|host| {
        let agent = Agent::listen(host);
        let bundle = bundle(&agent, &["getsid"], &["say", "ready", "sleep"]);
        drop(agent);
        host.run(&bundle).fails_with("agent");
        if host.lacks(&["runc", "crun"], "the container is spoilt") {
            return;
        }
        host.run(&bundle).fails_with("linux.seccomp.listenerPath");
        std::fs::remove_file(host.folder().join("agent")).unwrap();
        let mut container = host.create(&bundle);
        container.call("start", &[]).fails_with("linux.seccomp.listenerPath");
        assert_eq!(container.status(), "created");
        let agent = Agent::listen(host);
        container.start();
        let (_, filter) = agent.accept();
        assert_eq!(container.line(), "ready");
        drop((agent, filter));
        container.exec(&[], &["exit", "0"]).fails_with("linux.seccomp.listenerPath");
        assert!(container.alive());
        container.force_delete();
    });
}

/// Somebody who hangs up before the listener is there: an error, and the program never runs.
#[test]
fn an_agent_that_hangs_up() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "the program runs") {
            return;
        }
        let shared = host.folder().join("shared");
        std::fs::create_dir(&shared).unwrap();
        let fifo = shared.join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let path = host.folder().join("agent");
        let listener = UnixListener::bind(&path).unwrap();
        // The hook holds the container up between the connection and the filter.
        let bundle = Bundle::new()
            .deeds(&["touch", "/shared/ran"])
            .mount(json!({"destination": "/shared", "type": "bind", "source": shared, "options": ["bind"]}))
            .edit(|config| {
                config["hooks"] =
                    json!({"startContainer": [{"path": "/payload", "args": ["hook", "await", "/shared/fifo"]}]});
            });
        let container = host.create(&with(bundle, &notifying(&path, &["getsid"])));
        let mut start = host.runtime().invoke(["start", "jar"]);
        let mut child = start.spawn();
        drop(listener.accept().unwrap());
        std::fs::write(&fifo, "x").unwrap();
        start.finish(&mut child).fails_with("linux.seccomp.listenerPath: can't send to");
        assert_eq!(container.status(), "stopped");
        assert_eq!(container.ended(), Ending::Exit(1));
        assert!(!shared.join("ran").exists());
        container.delete();
    });
}

/// The program has no descriptor of it.
#[test]
fn nothing_is_left_open() {
    guarded(|host| {
        let agent = Agent::listen(host);
        let bundle = bundle(&agent, &["getsid"], &["report"]);
        let seen = agent.serve(|_| Answer::Go);
        let plain = host.report(&Bundle::new());
        let report = host.report(&bundle);
        let numbers = |report: &Report| -> Vec<Value> {
            report["fds"].as_array().unwrap().iter().map(|file| file["fd"].clone()).collect()
        };
        assert_eq!(numbers(&report), numbers(&plain));
        seen.join().unwrap();
    });
}

/// `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV` and the other flags beside a listener.
#[test]
fn flags() {
    guarded(|host| {
        if host.lacks(&["runc"], "1.1 knows no flags") {
            return;
        }
        let agent = Agent::listen(host);
        let mut profile = notifying(agent.path(), &["getsid"]);
        profile["flags"] = json!([
            "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
            "SECCOMP_FILTER_FLAG_LOG",
            "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
        ]);
        let call = libc::SYS_getsid.to_string();
        let bundle = with(Bundle::new().deeds(&["report", "--call", &call]), &profile);
        let seen = agent.serve(|_| Answer::Errno(libc::EBADFD));
        assert_eq!(host.report(&bundle).probe(&format!("call {call}")), "EBADFD");
        seen.join().unwrap();
    });
}

/// Without SCMP_ACT_NOTIFY the path is ignored, and nobody is called.
#[test]
fn a_path_without_the_action() {
    guarded(|host| {
        let profile = json!({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/none/agent"});
        host.run(&with(Bundle::new(), &profile)).ok();
    });
}

/// An ordinary user's container has an agent of its own.
#[test]
fn rootless() {
    guarded_rootless(|host| {
        let agent = Agent::listen(host);
        let (uid, gid) = host.user();
        let call = libc::SYS_getsid.to_string();
        let bundle =
            with(Bundle::rootless(uid, gid).deeds(&["report", "--call", &call]), &notifying(agent.path(), &["getsid"]));
        let seen = agent.serve(|_| Answer::Errno(libc::EBADFD));
        let report = host.report(&bundle);
        assert_eq!(report.probe(&format!("call {call}")), "EBADFD");
        seen.join().unwrap();
    });
}

/// A limit of one process leaves no room for the thread that hands the listener over.
#[test]
fn one_process_alone() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "its own message") {
            return;
        }
        let agent = Agent::listen(host);
        let bundle = bundle(&agent, &["getsid"], &["exit", "0"]).edit(|config| {
            config["process"]["user"] = json!({"uid": 54321, "gid": 54321});
            config["process"]["rlimits"] = json!([{"type": "RLIMIT_NPROC", "soft": 1, "hard": 1}]);
        });
        host.run(&bundle).fails_with("room for one more process");
    });
}
