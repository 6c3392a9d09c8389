//! config.md, "POSIX-platform Hooks": the six kinds, their moments, what they get, and what their failure does.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Bundle, Host, copy_payload, guarded};

/// A bundle whose hooks write to a folder that the host and, at `/log`, the container see.
struct Hooked {
    bundle: Bundle,
    log: PathBuf,
    program: PathBuf,
}

impl Hooked {
    fn new(host: &Host) -> Self {
        let log = host.folder().join("log");
        fs::create_dir(&log).unwrap();
        fs::write(log.join("order"), "").unwrap();
        let program = host.folder().join("hook");
        copy_payload(&program);
        let mount = json!({"destination": "/log", "type": "bind", "source": log, "options": ["bind", "rw"]});
        Self { bundle: Bundle::new().mount(mount), log, program }
    }

    /// Adds a hook that does these deeds.
    fn hook(mut self, kind: &str, deeds: &[&str], more: &Value) -> Self {
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

const KINDS: [&str; 6] = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

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

/// A hook before the process fails: an error, the process never runs, nothing is left.
#[test]
fn failure_before_the_process() {
    guarded(|host| {
        for kind in ["prestart", "createRuntime", "createContainer", "startContainer"] {
            let mut hooked = Hooked::new(host);
            hooked = hooked.hook(kind, &["complain", "what went wrong", "exit", "3"], &json!({}));
            hooked.bundle = hooked.bundle.deeds(&["append", "/log/order", "the process ran\n"]);
            let output = host.run(&hooked.bundle);
            assert_ne!(output.status, 0, "{kind}: {output:?}");
            assert_eq!(hooked.order(), [""; 0], "{kind}");
            fs::remove_dir_all(&hooked.log).unwrap();
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

/// `timeout`: a hook that takes longer is an error, and is not left running (the guard looks).
#[test]
fn timeout() {
    guarded(|host| {
        let mut hooked = Hooked::new(host).hook("createRuntime", &["sleep"], &json!({"timeout": 1}));
        hooked.bundle = hooked.bundle.deeds(&["exit", "0"]);
        let begin = Instant::now();
        assert_ne!(host.run(&hooked.bundle).status, 0);
        let took = begin.elapsed();
        assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(15), "{took:?}");
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
