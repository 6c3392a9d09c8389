//! What happens while a command waits: the caller is interrupted or killed, or asks for an end in peace.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::support::{Bundle, Container, Ending, Host, Invocation, copy_payload, guarded, reap, seize};

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
}

/// A `create` that hangs in a createRuntime hook, and the hook's pid.
fn hanging_create(host: &Host, bundle: &Bundle) -> (Invocation, Child, i32) {
    let line = ["create".as_ref(), "--bundle".as_ref(), bundle.path().as_os_str(), "jar".as_ref()];
    let mut create = host.runtime().invoke(line);
    let child = create.spawn();
    let mut pid = String::new();
    fs::File::open(fifo(host)).unwrap().read_to_string(&mut pid).unwrap();
    (create, child, pid.parse().unwrap())
}

fn fifo(host: &Host) -> PathBuf {
    host.folder().join("fifo")
}

fn hanging_bundle(host: &Host) -> Bundle {
    let program = host.folder().join("hook");
    copy_payload(&program);
    nix::unistd::mkfifo(&fifo(host), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let args = json!(["hook", "write-pid", fifo(host), "sleep"]);
    Bundle::new().edit(|config| config["hooks"] = json!({"createRuntime": [{"path": program, "args": args}]}))
}

/// A runtime that is killed in the middle of `create` leaves what `delete --force` clears away;
/// then the id can be used again.
#[test]
fn create_is_killed() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "leaves a process or a cgroup") {
            return;
        }
        let (create, mut child, hook) = hanging_create(host, &hanging_bundle(host));
        signal(&child, Signal::SIGKILL);
        create.finish(&mut child).status(128 + 9);
        // The hook is its own program; that it outlives its caller is none of the container's business.
        let _ = kill(Pid::from_raw(hook), Signal::SIGKILL);
        reap(hook);
        host.runtime().call(["delete", "--force", "jar"]).ok();
        host.run(&Bundle::new()).ok();
    });
}

/// A runtime that is asked to end in the middle of `create` rolls back and ends with 128 + n.
#[test]
fn create_is_interrupted() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let (create, mut child, _) = hanging_create(host, &hanging_bundle(host));
        signal(&child, Signal::SIGTERM);
        create.finish(&mut child).status(128 + 15);
        assert_ne!(host.runtime().call(["state", "jar"]).status, 0);
    });
}

/// `run` that is killed can't pass anything on; the container is there to be deleted.
#[test]
fn run_is_killed() {
    guarded(|host| {
        if host.lacks(&["crun"], "1.8 may then not know the container") {
            return;
        }
        let shared = host.folder().join("shared");
        fs::create_dir(&shared).unwrap();
        nix::unistd::mkfifo(&shared.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let bundle = Bundle::new()
            .deeds(&["write", "/shared/fifo", "ready", "sleep"])
            .mount(json!({"destination": "/shared", "type": "bind", "source": shared, "options": ["bind"]}));
        let mut run = host.runtime().run(&bundle, "jar");
        let mut child = run.spawn();
        let mut text = String::new();
        fs::File::open(shared.join("fifo")).unwrap().read_to_string(&mut text).unwrap();
        signal(&child, Signal::SIGKILL);
        run.finish(&mut child).status(128 + 9);
        assert_eq!(host.runtime().state("jar")["id"], "jar");
        host.runtime().call(["delete", "--force", "jar"]).ok();
    });
}

/// `stop` asks, and says that it was heard.
#[test]
fn stop() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let container = host.start(&Bundle::new().deeds(&["trap-term", "say", "ready", "sleep"]));
        let output = container.call("stop", &[]).ok();
        assert!(output.stdout.contains("SIGTERM") || output.stdout.contains("TERM"), "{output:?}");
        assert_eq!(container.ended(), Ending::Exit(0));
        container.delete();
    });
}

/// `stop --time` kills, with all that it started, who doesn't listen.
#[test]
fn stop_by_force() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let mut container = host.start(&Bundle::new().deeds(&["ignore-term", "fork", "3", "say", "ready", "sleep"]));
        let output = host.runtime().call(["stop", "--time", "1", "jar"]).ok();
        assert!(output.stdout.contains("killed"), "{output:?}");
        assert_eq!(container.ended(), Ending::Signal(9));
        assert_eq!(container.rest(), "");
        container.delete();
    });
}

/// `wait` returns when the container has ended, and prints the exit status.
#[test]
fn wait() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let bundle = Bundle::new().deeds(&["await", "/fifo", "exit", "13"]);
        nix::unistd::mkfifo(&bundle.rootfs().join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let container = Container::launch(host.runtime(), &["run", "--detach"], &bundle, "jar");
        let mut wait = host.runtime().invoke(["wait", "jar"]);
        let mut child = wait.spawn();
        fs::write(bundle.rootfs().join("fifo"), "go").unwrap();
        assert_eq!(wait.finish(&mut child).ok().stdout.trim(), "13");
        container.ended();
        container.delete();
    });
}

/// `run --keep` leaves the stopped container for whoever wants to look at it.
#[test]
fn run_and_keep() {
    guarded(|host| {
        if host.lacks(&["runc"], "1.1 has no --keep") || host.lacks(&["crun"], "has no --keep") {
            return;
        }
        let bundle = Bundle::new().deeds(&["exit", "3"]);
        let line = ["run".as_ref(), "--keep".as_ref(), "--bundle".as_ref(), bundle.path().as_os_str(), "jar".as_ref()];
        host.runtime().call(line).status(3);
        assert_eq!(host.runtime().state("jar")["status"], "stopped");
        host.runtime().call(["delete", "jar"]).ok();
    });
}

/// What `run --keep` was told of the end, `wait` tells later.
#[test]
fn status_of_a_kept_one() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let bundle = Bundle::new().deeds(&["exit", "7"]);
        let path = bundle.path().to_str().unwrap().to_owned();
        host.runtime().call(["run", "--keep", "--bundle", &path, "jar"]).status(7);
        let waited = host.runtime().call(["wait", "jar"]);
        assert_eq!((waited.stdout.trim(), waited.status), ("7", 0), "{waited:?}");
        host.runtime().call(["delete", "jar"]).ok();
    });
}

/// A process that somebody traces is not reaped before its tracer lets it go: neither `exec` nor `run` waits for that.
#[test]
fn a_tracer_that_does_not_let_go() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "waits for the tracer") {
            return;
        }
        let shared = host.folder().join("shared");
        fs::create_dir(&shared).unwrap();
        let fifo = shared.join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mount = json!({"destination": "/shared", "type": "bind", "source": shared, "options": ["bind"]});
        let container = Container::launch(
            host.runtime(),
            &["run", "--detach"],
            &Bundle::new().mount(mount).deeds(&["sleep"]),
            "jar",
        );
        for (deeds, ending) in [(["exit", "7"], 7), (["kill-self", "KILL"], 128 + 9)] {
            let pid_file = host.folder().join("pid");
            let options =
                ["exec", "--pid-file", pid_file.to_str().unwrap(), "jar", "/payload", "await", "/shared/fifo"];
            let mut exec = host.runtime().invoke([&options[..], &deeds].concat());
            let mut child = exec.spawn();
            // Opened by its reader: by then it is there.
            let mut go = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
            let pid: i32 = loop {
                if let Ok(pid) = fs::read_to_string(&pid_file).unwrap_or_default().parse() {
                    break pid;
                }
                std::thread::yield_now();
            };
            seize(pid).unwrap();
            std::io::Write::write_all(&mut go, b"x").unwrap();
            exec.finish(&mut child).status(ending);
            // Its tracer is its only reaper left besides the test's own: both take it.
            while nix::sys::wait::waitpid(Pid::from_raw(pid), None).is_ok() {}
            fs::remove_file(&pid_file).unwrap();
        }
        container.force_delete();
    });
}
