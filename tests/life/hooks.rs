//! config.md, "POSIX-platform Hooks": the six kinds, their moments, what they get, and what their failure does.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Bundle, Host, copy_payload, guarded};

/// A bundle whose hooks write to a folder that the host and, at `/log`, the container see.
pub struct Hooked {
    pub bundle: Bundle,
    pub log: PathBuf,
    program: PathBuf,
}

impl Hooked {
    pub fn new(host: &Host) -> Self {
        let log = host.folder().join("log");
        fs::create_dir(&log).unwrap();
        fs::write(log.join("order"), "").unwrap();
        let program = host.folder().join("hook");
        copy_payload(&program);
        let mount = json!({"destination": "/log", "type": "bind", "source": log, "options": ["bind", "rw"]});
        Self { bundle: Bundle::new().mount(mount), log, program }
    }

    /// Adds a hook that does these deeds.
    pub fn hook(mut self, kind: &str, deeds: &[&str], more: &Value) -> Self {
        let program = if kind == "startContainer" { Path::new("/payload") } else { &self.program };
        let args: Vec<&str> = std::iter::once("hook").chain(deeds.iter().copied()).collect();
        let mut hook = json!({"path": program, "args": args});
        hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.bundle = self.bundle.edit(|config| {
            let hooks = config["hooks"].as_object_mut();
            if hooks.is_none_or(|hooks| !hooks.contains_key(kind)) {
                config["hooks"][kind] = json!([]);
            }
            config["hooks"][kind].as_array_mut().unwrap().push(hook);
        });
        self
    }

    /// Adds a hook that notes that it ran, what it read and what it saw.
    fn note(self, kind: &str, name: &str) -> Self {
        let log = if kind == "startContainer" { "/log".to_owned() } else { self.log.to_str().unwrap().to_owned() };
        let (order, state, report) =
            (format!("{log}/order"), format!("{log}/{name}.state"), format!("{log}/{name}.report"));
        let line = format!("{name}\n");
        let deeds = ["save-stdin", &state, "report", "--to", &report, "append", &order, &line];
        self.hook(kind, &deeds, &json!({"env": [format!("NAME={name}"), "B="]}))
    }

    fn order(&self) -> Vec<String> {
        fs::read_to_string(self.log.join("order")).unwrap().lines().map(str::to_owned).collect()
    }

    fn read(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.log.join(name)).unwrap()).unwrap()
    }
}

pub const KINDS: [&str; 6] =
    ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

/// The moments: three at create, two at start, one after delete; several of a kind in their order.
#[test]
fn moments() {
    guarded(|host| {
        if host.lacks(&["runc"], "1.1 has poststart at create")
            || host.lacks(&["crun"], "1.8 runs startContainer and poststart at the same time")
        {
            return;
        }
        let mut hooked = Hooked::new(host);
        for kind in KINDS {
            hooked = hooked.note(kind, kind).note(kind, &format!("{kind}-2"));
        }
        hooked.bundle = hooked.bundle.deeds(&["say", "ready", "sleep"]);
        let twice = |kinds: &[&str]| -> Vec<String> {
            kinds.iter().flat_map(|kind| [(*kind).to_owned(), format!("{kind}-2")]).collect()
        };
        let mut container = host.create(&hooked.bundle);
        assert_eq!(hooked.order(), twice(&KINDS[..3]));
        container.start();
        assert_eq!(container.line(), "ready");
        assert_eq!(hooked.order(), twice(&KINDS[..5]));
        container.kill("KILL");
        container.ended();
        assert_eq!(hooked.order(), twice(&KINDS[..5]));
        container.delete();
        assert_eq!(hooked.order(), twice(&KINDS));
    });
}

/// "The state of the container MUST be passed to hooks over stdin"; the environment is the hook's own, exactly.
#[test]
fn state_and_environment() {
    guarded(|host| {
        let mut hooked = Hooked::new(host);
        for kind in KINDS {
            hooked = hooked.note(kind, kind);
        }
        hooked.bundle = hooked.bundle.edit(|config| config["annotations"] = json!({"a": "b"})).deeds(&["exit", "0"]);
        host.run(&hooked.bundle).ok();
        for kind in KINDS {
            let state = hooked.read(&format!("{kind}.state"));
            assert_eq!(state["id"], "jar", "{kind}");
            let bundle = hooked.bundle.path().to_str().unwrap();
            if kind != "startContainer" || !host.lacks(&["crun"], "1.8 says / for the bundle after the pivot") {
                assert_eq!(state["bundle"], bundle, "{kind}");
            }
            assert_eq!(state["annotations"], json!({"a": "b"}), "{kind}");
            assert!(state["ociVersion"].is_string(), "{kind}");
            let report = hooked.read(&format!("{kind}.report"));
            let mut env: Vec<&str> =
                report["process"]["env"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            env.sort_unstable();
            assert_eq!(env, ["B=", &format!("NAME={kind}")], "{kind}");
            assert_eq!(report["process"]["args"][0], "hook", "{kind}");
        }
        for (kind, status) in [("prestart", "creating"), ("createRuntime", "creating"), ("poststop", "stopped")] {
            if kind == "poststop" || !host.lacks(&["crun"], "says created where the spec has creating") {
                assert_eq!(hooked.read(&format!("{kind}.state"))["status"], status, "{kind}");
            }
        }
    });
}

/// Where they run: in the runtime's namespaces, but for createContainer and startContainer.
#[test]
fn namespaces() {
    guarded(|host| {
        use std::os::unix::fs::MetadataExt;
        let mut hooked = Hooked::new(host);
        for kind in KINDS {
            hooked = hooked.note(kind, kind);
        }
        hooked.bundle = hooked.bundle.deeds(&["exit", "0"]);
        host.run(&hooked.bundle).ok();
        for kind in KINDS {
            let report = hooked.read(&format!("{kind}.report"));
            for name in ["mnt", "uts", "ipc", "net"] {
                let own = fs::metadata(format!("/proc/self/ns/{name}")).unwrap().ino();
                let inside = report["namespaces"][name] != own;
                assert_eq!(inside, kind == "createContainer" || kind == "startContainer", "{name} of {kind}");
            }
        }
        let root = |kind: &str| hooked.read(&format!("{kind}.report"))["process"]["exe"].clone();
        assert_eq!(root("startContainer"), "/payload", "it's found in the container");
        assert_eq!(root("poststart"), hooked.program.to_str().unwrap());
    });
}

/// A createContainer hook finds what the container will see at the rootfs' path, as those of CDI do.
#[test]
fn create_container_sees_the_mounts() {
    guarded(|host| {
        let mut hooked = Hooked::new(host);
        let note = hooked.log.join("note").to_str().unwrap().to_owned();
        let inside = hooked.bundle.rootfs().join("log/order").to_str().unwrap().to_owned();
        fs::create_dir(hooked.bundle.rootfs().join("log")).unwrap();
        hooked = hooked.hook("createContainer", &["append", &inside, "found\n", "touch", &note], &json!({}));
        hooked.bundle = hooked.bundle.deeds(&["exit", "0"]);
        host.run(&hooked.bundle).ok();
        assert_eq!(hooked.order(), ["found"]);
    });
}

/// A hook before the process fails: an error that names it, the hooks after it and the process never run, the poststop
/// hooks do (runtime.md, Lifecycle 3 to 7, 12 and 13), and nothing is left.
#[test]
fn failure_before_the_process() {
    guarded(|host| {
        if host.lacks(&["crun"], "1.8 runs no poststop hooks then") {
            return;
        }
        let before = if host.lacks(&["runc"], "1.1 runs poststart hooks at create") { 3 } else { 4 };
        for (index, kind) in KINDS[..before].iter().enumerate() {
            let mut hooked = Hooked::new(host);
            for kind in &KINDS[..index] {
                hooked = hooked.note(kind, kind);
            }
            hooked = hooked.hook(kind, &["complain", "what went wrong", "exit", "3"], &json!({})).note(kind, "next");
            for kind in &KINDS[index + 1..] {
                hooked = hooked.note(kind, kind);
            }
            hooked.bundle = hooked.bundle.deeds(&["append", "/log/order", "the process ran\n"]);
            let output = host.run(&hooked.bundle);
            assert_ne!(output.status, 0, "{kind}: {output:?}");
            if host.is_onggi() {
                assert!(output.stderr.contains(&format!("hooks.{kind}[0]")), "{output:?}");
            }
            assert_eq!(hooked.order(), [&KINDS[..index], &["poststop"]].concat(), "{kind}");
            assert_eq!(hooked.read("poststop.state")["status"], "stopped", "{kind}");
            gone(host);
            fs::remove_dir_all(&hooked.log).unwrap();
        }
    });
}

/// The same at `start`, which deletes the container; so does a poststart hook that fails.
#[test]
fn failure_at_start() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "the container is left to be deleted") {
            return;
        }
        for kind in ["startContainer", "poststart"] {
            let mut hooked = Hooked::new(host).hook(kind, &["exit", "3"], &json!({}));
            hooked = hooked.note(kind, "next").note("poststop", "poststop");
            hooked.bundle = hooked.bundle.deeds(&["sleep"]);
            let container = host.create(&hooked.bundle);
            container.call("start", &[]).fails_with(&format!("hooks.{kind}[0]"));
            container.ended();
            container.call("state", &[]).fails_with("does not exist");
            assert_eq!(hooked.order(), ["poststop"], "{kind}");
            container.force_delete();
            fs::remove_dir_all(&hooked.log).unwrap();
        }
    });
}

/// A poststart hook that fails under `run`: the process, which has begun, is ended, and nothing is left.
#[test]
fn failure_of_poststart() {
    guarded(|host| {
        if host.lacks(&["crun"], "1.8 does not look at it") {
            return;
        }
        let mut hooked = Hooked::new(host).hook("poststart", &["exit", "3"], &json!({})).note("poststop", "poststop");
        hooked.bundle = hooked.bundle.deeds(&["sleep"]);
        let output = host.run(&hooked.bundle);
        assert_ne!(output.status, 0, "{output:?}");
        assert_eq!(hooked.order(), ["poststop"]);
        gone(host);
    });
}

/// What a hook's descendants hold or do is not waited for: a hook has ended when its process has.
#[test]
fn one_that_leaves_a_child() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "waits for whoever holds the hook's pipes, or kills the hook alone") {
            return;
        }
        for kind in KINDS {
            let mut hooked = Hooked::new(host);
            // The grandchild holds stdin, stdout and stderr until the test lets it go.
            let fifo = hooked.log.join("fifo");
            nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
            let inside = if kind == "startContainer" { "/log/fifo" } else { fifo.to_str().unwrap() };
            hooked = hooked.hook(kind, &["child", "await", inside], &json!({"timeout": 20}));
            hooked.bundle = hooked.bundle.without_namespace("pid").deeds(&["exit", "0"]);
            let begin = Instant::now();
            host.run(&hooked.bundle).ok();
            assert!(begin.elapsed() < Duration::from_secs(15), "{kind} was waited for");
            // Within the container's cgroup it was ended with it.
            if !matches!(kind, "createContainer" | "startContainer") {
                fs::write(&fifo, "x").unwrap();
            }
            crate::support::settle();
            fs::remove_dir_all(&hooked.log).unwrap();
        }
    });
}

/// The status in the state is that of the moment; the pid is the container's, as whoever runs the hook counts.
#[test]
fn statuses() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "created where the spec has creating, and running where it has created") {
            return;
        }
        let mut hooked = Hooked::new(host);
        for kind in KINDS {
            hooked = hooked.note(kind, kind);
        }
        hooked.bundle = hooked.bundle.deeds(&["sleep"]);
        let container = host.create(&hooked.bundle);
        container.start();
        container.kill("KILL");
        container.ended();
        let pid = json!(container.pid());
        container.delete();
        let statuses = ["creating", "creating", "creating", "created", "running", "stopped"];
        for (kind, status) in KINDS.iter().zip(statuses) {
            let state = hooked.read(&format!("{kind}.state"));
            assert_eq!(state["status"], status, "{kind}");
            let expected = match *kind {
                "createContainer" | "startContainer" => json!(1),
                "poststop" => Value::Null,
                _ => pid.clone(),
            };
            assert_eq!(state["pid"], expected, "{kind}");
        }
    });
}

/// Who is ended while its startContainer hooks run was not started: neither `start` nor `run` says so, and no poststart hook
/// runs.
#[test]
fn ended_meanwhile() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "call it started") {
            return;
        }
        for (verb, signal) in [("start", "TERM"), ("start", "KILL"), ("run", "KILL")] {
            let hooked = Hooked::new(host);
            nix::unistd::mkfifo(&hooked.log.join("begun"), nix::sys::stat::Mode::S_IRWXU).unwrap();
            let words = ["append", "/log/begun", "x", "sleep"];
            let hooked = hooked.hook("startContainer", &words, &json!({})).note("poststart", "late");
            let bundle = ["--bundle", hooked.bundle.path().to_str().unwrap(), "jar"];
            let mut command = if verb == "start" {
                host.runtime().call([&["create"], &bundle[..]].concat()).ok();
                host.runtime().invoke(["start", "jar"])
            } else {
                host.runtime().invoke([&["run"], &bundle[..]].concat())
            };
            let mut child = command.spawn();
            assert_eq!(fs::read_to_string(hooked.log.join("begun")).unwrap(), "x");
            host.runtime().call(["kill", "jar", signal]).ok();
            let said = if verb == "start" { "ended before it could be started" } else { "killed (signal 9)" };
            command.finish(&mut child).fails_with(said);
            assert!(!hooked.order().contains(&"late".to_owned()), "{verb} {signal}");
            host.runtime().call(["delete", "--force", "jar"]).ok();
            crate::support::settle();
            fs::remove_dir_all(&hooked.log).unwrap();
        }
    });
}

/// Where a hook stands: the runtime's in the bundle, createContainer in the rootfs, startContainer where the process will be.
/// (The spec does not say; it is what they have with runc.)
#[test]
fn working_directory() {
    guarded(|host| {
        if host.lacks(&["crun"], "1.8 has createContainer hooks in the bundle, too") {
            return;
        }
        let mut hooked = Hooked::new(host);
        for kind in KINDS {
            hooked = hooked.note(kind, kind);
        }
        hooked.bundle = hooked.bundle.deeds(&["exit", "0"]).edit(|config| config["process"]["cwd"] = json!("/tmp"));
        host.run(&hooked.bundle).ok();
        let bundle = hooked.bundle.path().to_str().unwrap().to_owned();
        let rootfs = format!("{bundle}/rootfs");
        for (kind, expected) in KINDS.iter().zip([&bundle, &bundle, &rootfs, "/tmp", &bundle, &bundle]) {
            let process = hooked.read(&format!("{kind}.report"))["process"].take();
            assert_eq!(process["cwd"], expected, "{kind}");
            // Those that the child runs have no mode mask of a caller's to inherit.
            if kind.ends_with("Container") {
                assert_eq!(process["umask"], 0o022, "{kind}");
            }
        }
    });
}

/// A poststop hook fails: delete goes on, and the next hook runs.
#[test]
fn failure_of_poststop() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "a failed poststop hook ends delete") {
            return;
        }
        let mut hooked = Hooked::new(host).hook("poststop", &["exit", "3"], &json!({})).note("poststop", "second");
        hooked.bundle = hooked.bundle.deeds(&["exit", "0"]);
        let container = host.create(&hooked.bundle);
        container.start();
        container.ended();
        container.call("delete", &[]);
        assert_ne!(container.call("state", &[]).status, 0, "it's deleted");
        assert_eq!(hooked.order(), ["second"]);
    });
}

/// `timeout`: a hook that takes longer is an error, and it and its children are not left running (the guard looks).
#[test]
fn timeout() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "waits for whoever holds the hook's pipes, or kills the hook alone") {
            return;
        }
        for kind in KINDS {
            let mut hooked = Hooked::new(host).hook(kind, &["fork", "3", "sleep"], &json!({"timeout": 1}));
            hooked.bundle = hooked.bundle.deeds(&["exit", "0"]);
            let begin = Instant::now();
            let output = host.run(&hooked.bundle);
            assert_eq!(output.status == 0, kind == "poststop", "{kind}: {output:?}");
            let took = begin.elapsed();
            assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(15), "{kind}: {took:?}");
            fs::remove_dir_all(&hooked.log).unwrap();
        }
    });
}

/// A hook's program that isn't there is an error that names it.
#[test]
fn missing_program() {
    guarded(|host| {
        let bundle = Bundle::new().edit(|config| {
            config["hooks"] = json!({"createRuntime": [{"path": "/none/hook"}]});
        });
        host.run(&bundle).fails_with("/none/hook");
    });
}

/// "path ... MUST be an absolute path" (valid configs have no other).
#[test]
fn relative_path() {
    guarded(|host| {
        let bundle = Bundle::new().edit(|config| {
            config["hooks"] = json!({"createRuntime": [{"path": "hook"}]});
        });
        assert_ne!(host.run(&bundle).status, 0);
    });
}

#[track_caller]
fn gone(host: &Host) {
    assert_ne!(host.runtime().call(["state", "jar"]).status, 0, "it is still there");
}
