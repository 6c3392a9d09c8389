//! Faults after `create` has succeeded, and of one more process in a container.

use serde_json::{Value, json};

use crate::support::{
    Bundle, ConsoleSocket, Container, Ending, Host, Invocation, Runtime, Snapshot, guarded, reap, settle,
};
use crate::sweep::{STEPS, as_before, one_sentence, sweep, with_fault};
use crate::{bundles, program};

/// `create` with a fault that strikes at `start`: that says it, and the container is stopped and can be deleted.
#[track_caller]
fn fails_at_start(host: &Host, runtime: &Runtime, bundle: &Bundle, coordinate: &str) {
    let before = Snapshot::take(host);
    let pid_file = bundle.path().join("pid");
    let path = bundle.path().to_str().unwrap();
    let words = ["create", "--bundle", path, "--pid-file", pid_file.to_str().unwrap(), "jar"];
    let created = with_fault(runtime.invoke(words), coordinate).run();
    assert_eq!(created.status, 0, "{coordinate}: {created:?}");
    let pid = std::fs::read_to_string(&pid_file).unwrap().parse().unwrap();
    let started = runtime.call(["start", "jar"]);
    assert_ne!(started.status, 0, "{coordinate}: {started:?}");
    one_sentence(&started, coordinate);
    // At once: it is not said before it is so.
    assert_eq!(runtime.state("jar")["status"], "stopped", "{coordinate}");
    runtime.call(["start", "jar"]).fails_with("stopped");
    runtime.call(["delete", "jar"]).ok();
    assert_eq!(reap(pid), Ending::Exit(1), "{coordinate}");
    as_before(host, &before, coordinate);
}

/// What only happens at `start`: the hooks, the filter, and what has to come after it.
#[test]
fn start() {
    program::build();
    guarded(|host| {
        let runtime = program::runtime(host);
        let bundle = bundles::rich(host).edit(|config| {
            config["process"]["noNewPrivileges"] = json!(false);
            config["hooks"].as_object_mut().unwrap().remove("poststop");
            // A hook takes on the program's capabilities, too, and its failure would be another one.
            config["hooks"].as_object_mut().unwrap().remove("startContainer");
            // It waits with this call, so the filter comes after that.
            config["linux"]["seccomp"]["syscalls"][0]["names"] = json!(["acct", "accept4"]);
        });
        for coordinate in ["Seccomp:0:22", "Seccomp:0:28", "Ambient:5:1", "Start:0:4"] {
            fails_at_start(host, &runtime, &bundle, coordinate);
        }
    });
}

/// The filter has a listener. Of the agent nothing but that it listens is asked before the filter is loaded.
#[test]
fn notify() {
    program::build();
    guarded(|host| {
        let runtime = program::runtime(host);
        let path = host.folder().join("agent");
        let _agent = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let bundle = Bundle::new().edit(|config| {
            config["linux"]["seccomp"] = json!({
                "defaultAction": "SCMP_ACT_ALLOW",
                "listenerPath": path,
                "syscalls": [{"names": ["getsid"], "action": "SCMP_ACT_NOTIFY"}],
            });
        });
        for coordinate in ["Listener:0:11", "Seccomp:0:22"] {
            fails_at_start(host, &runtime, &bundle, coordinate);
        }
    });
}

/// The program is there, but what its first line names is not: only execve itself can tell.
#[test]
fn execve() {
    program::build();
    guarded(|host| {
        let runtime = program::runtime(host);
        for (name, text, cause) in
            [("no-interpreter", "#!/none\n", "interpreter"), ("not-a-program", "?", "architecture")]
        {
            let bundle = Bundle::new().file(name, text).edit(|config| {
                config["process"]["args"] = json!([format!("/{name}")]);
            });
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(bundle.rootfs().join(name), mode).unwrap();
            fails_at_start(host, &runtime, &bundle, "");
            host.run(&bundle).fails_with(cause);
        }
    });
}

/// The process of `exec`, as a file.
fn process(container: &Bundle, terminal: bool) -> Value {
    let mut process = container.config()["process"].clone();
    process["args"] = json!(["/payload", "exit", "0"]);
    process["cwd"] = json!("/tmp");
    process["terminal"] = json!(terminal);
    process
}

fn exec<'a>(
    host: &'a Host,
    runtime: &'a Runtime,
    process: &'a str,
    terminal: bool,
) -> impl FnMut() -> Invocation + use<'a> {
    let mut console = None;
    move || {
        let mut words = vec!["exec".to_owned(), "--process".to_owned(), process.to_owned()];
        if terminal {
            let socket = console.insert(ConsoleSocket::listen(host));
            words.extend(["--console-socket".to_owned(), socket.path().to_owned()]);
        }
        words.push("jar".to_owned());
        runtime.invoke(words)
    }
}

fn exec_sweep(host: &Host, bundle: &Bundle, terminal: bool, reached: &[&str]) {
    let runtime = program::runtime(host);
    let mut container = Container::launch(&runtime, &["create"], bundle, "jar");
    container.start();
    assert_eq!(container.line(), "ready");
    let file = host.folder().join("process.json");
    std::fs::write(&file, process(bundle, terminal).to_string()).unwrap();
    let missed: Vec<&str> = STEPS.iter().map(|(step, _)| *step).filter(|step| !reached.contains(step)).collect();
    sweep(host, &missed, exec(host, &runtime, file.to_str().unwrap(), terminal));
    assert!(container.alive(), "the container does not care");
    assert_eq!(container.status(), "running");
    container.force_delete();
    settle();
}

const REACHED: &[&str] = &[
    "Keyring",
    "Undumpable",
    "Descriptors",
    "Affinity",
    "Signals",
    "Join",
    "Clone",
    "Session",
    "Cwd",
    "CwdOutside",
    "Personality",
    "MemoryPolicy",
    "Rlimit",
    "Groups",
    "Gid",
    "Uid",
    "Bounding",
    "Capabilities",
    "Ambient",
    "NoNewPrivileges",
    "Program",
    "Start",
    "Seccomp",
];

/// Every step of a process that joins a container; the container lives on.
#[test]
fn exec_in_a_container() {
    program::build();
    guarded(|host| {
        let bundle = bundles::rich(host).deeds(&["say", "ready", "sleep"]);
        exec_sweep(host, &bundle, false, REACHED);
    });
}

/// The same in a user namespace, with a terminal.
#[test]
fn exec_with_a_terminal() {
    program::build();
    guarded(|host| {
        let bundle = bundles::rich_user_namespace(host).deeds(&["say", "ready", "sleep"]);
        let terminal = ["Root", "Devpts", "Terminal", "TerminalSend", "TerminalUse"];
        exec_sweep(host, &bundle, true, &[REACHED, &terminal].concat());
    });
}
