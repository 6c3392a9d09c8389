//! What a service manager gives and wants to know: `LISTEN_FDS` (sd_listen_fds(3)) and `NOTIFY_SOCKET` (sd_notify(3)).

use std::fs::File;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::support::{Bundle, Host, Report, guarded};

/// Calls the runtime as a manager does: with `LISTEN_PID`, two open descriptors from 3 on, of which `count` are named.
fn activated(host: &Host, count: u32, words: &[&str]) -> Report {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "exec 3</dev/null 4</dev/null; export LISTEN_PID=$$; exec \"$@\"", "sh"]);
    command.arg(host.runtime().program()).arg("--root").arg(host.runtime().root()).args(words);
    command.env("LISTEN_FDS", count.to_string()).env("LISTEN_FDNAMES", "web:log").stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Report::parse(&String::from_utf8(output.stdout).unwrap())
}

fn descriptors(report: &Report) -> Vec<u64> {
    report["fds"].as_array().unwrap().iter().map(|fd| fd["fd"].as_u64().unwrap()).collect()
}

/// The descriptors are handed on, and the program is told that they are for it; `--preserve-fds` counts those behind.
#[test]
fn descriptors_are_handed_on() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "names a process 1 that is another") {
            return;
        }
        let bundle = Bundle::new().deeds(&["report"]);
        let path = bundle.path().to_str().unwrap();
        let report = activated(host, 2, &["run", "--bundle", path, "jar"]);
        assert_eq!(descriptors(&report), [0, 1, 2, 3, 4]);
        assert_eq!((report.env("LISTEN_FDS"), report.env("LISTEN_PID")), (Some("2"), Some("1")));
        assert_eq!(report.env("LISTEN_FDNAMES"), Some("web:log"));
        let report = activated(host, 1, &["run", "--preserve-fds", "1", "--bundle", path, "jar"]);
        assert_eq!((descriptors(&report), report.env("LISTEN_FDS")), (vec![0, 1, 2, 3, 4], Some("1")));
        let report = activated(host, 1, &["run", "--bundle", path, "jar"]);
        assert_eq!(descriptors(&report), [0, 1, 2, 3]);
    });
}

/// The process is named as it counts itself, whatever its pid namespace.
#[test]
fn the_process_is_named() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "names a process 1 that is another") {
            return;
        }
        let bundle = Bundle::new().deeds(&["report"]).without_namespace("pid");
        let report = activated(host, 1, &["run", "--bundle", bundle.path().to_str().unwrap(), "jar"]);
        assert_eq!(report.env("LISTEN_PID"), Some(&*report["process"]["pid"].to_string()));
        let container = host.start(&Bundle::new().deeds(&["say", "ready", "sleep"]));
        let report = activated(host, 1, &["exec", "jar", "/payload", "report"]);
        container.force_delete();
        assert_eq!(report.env("LISTEN_PID"), Some(&*report["process"]["pid"].to_string()));
        assert_ne!(report["process"]["pid"], 1);
    });
}

/// What speaks to another process is not for us: nothing is handed on.
#[test]
fn another_process_is_meant() {
    guarded(|host| {
        let bundle = Bundle::new().deeds(&["report"]);
        let run = host.runtime().run(&bundle, "jar").with(|command| {
            command.env("LISTEN_FDS", "1").env("LISTEN_PID", "1");
        });
        let report = Report::parse(&run.run().ok().stdout);
        assert_eq!((report.env("LISTEN_FDS"), descriptors(&report)), (None, vec![0, 1, 2]));
    });
}

/// The manager's end.
fn manager(host: &Host) -> UnixDatagram {
    let socket = UnixDatagram::bind(host.folder().join("manager")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket
}

fn heard(manager: &UnixDatagram) -> String {
    let mut text = [0; 4096];
    let length = manager.recv(&mut text).unwrap();
    String::from_utf8_lossy(&text[..length]).into_owned()
}

fn notified(host: &Host, words: &[&str], bundle: &Path) -> i32 {
    let invocation = host.runtime().invoke(words.iter().copied()).with(|command| {
        command.env("NOTIFY_SOCKET", host.folder().join("manager")).current_dir(bundle);
        command.stdout(File::create("/dev/null").unwrap());
    });
    invocation.run().status
}

/// `start` returns when the container's program, here an ordinary user's, has said that it is ready; the manager is told
/// so with the process's id, and nothing that only the runtime may say.
#[test]
fn ready() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "passes on other words") {
            return;
        }
        let manager = manager(host);
        let deeds = ["notify", "STATUS=warming up", "notify", "MAINPID=1\nFDSTORE=1\nREADY=1", "sleep"];
        let bundle = Bundle::new().deeds(&deeds).edit(|config| config["process"]["user"] = json!({"uid": 7, "gid": 7}));
        for words in [[["create", "jar"].as_slice(), &["start", "jar"]].as_slice(), &[&["run", "--detach", "jar"]]] {
            for words in words {
                assert_eq!(notified(host, words, bundle.path()), 0, "{words:?}");
            }
            let pid = host.runtime().state("jar")["pid"].to_string();
            assert_eq!(heard(&manager), "STATUS=warming up\n");
            assert_eq!(heard(&manager), format!("READY=1\nMAINPID={pid}\n"));
            host.runtime().call(["delete", "--force", "jar"]).ok();
        }
    });
}

/// `run` in the foreground passes on what is said as long as it lasts; the container can't write where its socket lies.
#[test]
fn in_the_foreground() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "passes on other words") {
            return;
        }
        let manager = manager(host);
        let bundle = Bundle::new().deeds(&["notify", "READY=1", "notify", "STATUS=done", "touch", "/run/notify/new"]);
        assert_eq!(notified(host, &["run", "jar"], bundle.path()), 70, "the payload's status for what it can't do");
        assert_eq!((heard(&manager).as_str(), heard(&manager).as_str()), ("READY=1\n", "STATUS=done\n"));
    });
}

/// A container that ends before it was ready is an error, and of a `run --detach` nothing is left.
#[test]
fn never_ready() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "waits in another way") {
            return;
        }
        let manager = manager(host);
        let bundle = Bundle::new().deeds(&["notify", "STATUS=trying", "exit", "0"]);
        assert_eq!(notified(host, &["run", "--detach", "jar"], bundle.path()), 1);
        assert_eq!(heard(&manager), "STATUS=trying\n");
        assert_eq!(host.runtime().ids(), [""; 0]);
    });
}
