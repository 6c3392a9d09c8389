//! runtime.md: state, "Lifecycle", "Operations"; and the exit statuses that callers rely on.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Bundle, Container, Ending, Host, guarded};

fn sleeper() -> Bundle {
    Bundle::new().deeds(&["say", "ready", "sleep"])
}

fn is_gone(host: &Host) -> bool {
    host.runtime().call(["state", "jar"]).status != 0
}

/// created → running → stopped → gone.
#[test]
fn phases() {
    guarded(|host| {
        let mut container =
            host.create(&Bundle::new().deeds(&["say", "ready", "trap-term", "say", "trapped", "sleep"]));
        assert_eq!(container.status(), "created");
        container.start();
        assert_eq!(container.line(), "ready");
        assert_eq!(container.line(), "trapped");
        assert_eq!(container.status(), "running");
        container.kill("TERM");
        assert_eq!(container.ended(), Ending::Exit(0));
        assert_eq!(container.status(), "stopped");
        assert_eq!(container.rest(), "");
        container.delete();
        assert!(is_gone(host));
    });
}

/// `create`: the program does not run before `start`.
#[test]
fn create_does_not_start() {
    guarded(|host| {
        let bundle =
            Bundle::new().deeds(&["touch", "/tmp/ran"]).edit(|config| config["root"]["readonly"] = json!(false));
        let container = host.create(&bundle);
        assert!(container.alive());
        assert!(!bundle.rootfs().join("tmp/ran").exists());
        container.start();
        assert_eq!(container.ended(), Ending::Exit(0));
        assert!(bundle.rootfs().join("tmp/ran").exists());
        container.delete();
    });
}

/// "Any updates to config.json after this step MUST NOT affect the container."
#[test]
fn config_is_read_once() {
    guarded(|host| {
        let bundle = Bundle::new().deeds(&["say", "first"]);
        let mut container = host.create(&bundle);
        fs::write(bundle.path().join("config.json"), "{}").unwrap();
        container.start();
        assert_eq!(container.line(), "first");
        container.ended();
        container.delete();
    });
}

/// "State": the fields, with the pid as the host sees it and the bundle's absolute path.
#[test]
fn state() {
    guarded(|host| {
        let bundle = sleeper().edit(|config| config["annotations"] = json!({"org.example.key": "a value"}));
        let container = host.start(&bundle);
        let state = container.state();
        container.force_delete();
        assert_eq!((&state["id"], &state["status"]), (&json!("jar"), &json!("running")));
        assert!(state["pid"].as_i64().unwrap() > 1);
        assert_eq!(state["bundle"], bundle.path().to_str().unwrap());
        assert_eq!(state["annotations"], json!({"org.example.key": "a value"}));
        assert!(state["ociVersion"].as_str().unwrap().starts_with("1."));
    });
}

/// A stopped container is stopped whether or not somebody has reaped its process.
#[test]
fn stopped_as_a_zombie() {
    guarded(|host| {
        let container = host.create(&Bundle::new().deeds(&["exit", "3"]));
        container.start();
        container.died();
        assert_eq!(container.status(), "stopped");
        assert_eq!(container.ended(), Ending::Exit(3));
        assert_eq!(container.status(), "stopped");
        container.delete();
    });
}

/// "Attempting to start a container that is not created MUST have no effect on the container and MUST generate an error."
#[test]
fn start_only_once() {
    guarded(|host| {
        let container = host.start(&sleeper());
        assert_ne!(container.call("start", &[]).status, 0);
        assert_eq!(container.status(), "running");
        container.kill("KILL");
        assert_eq!(container.ended(), Ending::Signal(9));
        assert_ne!(container.call("start", &[]).status, 0);
        container.delete();
    });
}

/// "If the container does not exist, the runtime MUST generate an error": in the words that engines look for.
#[test]
fn unknown_id() {
    guarded(|host| {
        if host.lacks(&["crun"], "1.8 tells of a file that is missing") {
            return;
        }
        for verb in ["state", "start", "kill", "delete", "pause", "resume"] {
            host.runtime().call([verb, "nobody"]).fails_with("does not exist");
        }
        host.runtime().call(["exec", "nobody", "/payload"]).fails_with("does not exist");
        host.runtime().call(["delete", "--force", "nobody"]).ok();
    });
}

/// "The ID MUST be unique across all containers": the second is refused, the first lives on.
#[test]
fn id_taken() {
    guarded(|host| {
        let container = host.start(&sleeper());
        host.run(&Bundle::new()).fails_with("exist");
        assert_eq!(container.status(), "running");
        assert!(container.alive());
        container.force_delete();
    });
}

/// Ids that would lead out of the state root, or can't be file names.
#[test]
fn bad_ids() {
    guarded(|host| {
        let mut ids = vec!["", ".", "..", "a/b", "../jar"];
        if !host.lacks(&["crun"], "takes any file name for an id") {
            ids.extend(["a b", "a\nb", "ü"]);
        }
        for id in ids {
            let output = host.runtime().run(&Bundle::new(), id).run();
            assert_ne!(output.status, 0, "{id:?} is taken");
        }
    });
}

/// "Attempting to delete a container that is not stopped MUST have no effect on the container and MUST generate an error."
#[test]
fn delete_of_a_running_one() {
    guarded(|host| {
        let container = host.start(&sleeper());
        assert_ne!(container.call("delete", &[]).status, 0);
        assert_eq!(container.status(), "running");
        assert!(container.alive());
        container.force_delete();
    });
}

/// `delete --force` ends what runs, also what was only created, with all its processes.
#[test]
fn delete_by_force() {
    guarded(|host| {
        let container = host.create(&sleeper());
        container.force_delete();
        let mut container = host.start(&Bundle::new().deeds(&["ignore-term", "fork", "5", "say", "ready", "sleep"]));
        container.force_delete();
        assert_eq!(container.rest(), "", "everybody who held stdout is gone");
    });
}

/// "Delete" removes everything: the id can be used again.
#[test]
fn id_used_again() {
    guarded(|host| {
        for _ in 0..3 {
            host.run(&Bundle::new().deeds(&["exit", "0"])).ok();
        }
    });
}

/// `run` ends with the exit status of the process, 128 + n if signal n ended it, and removes the container.
#[test]
fn run_status() {
    guarded(|host| {
        for (deeds, status) in [(vec!["exit", "0"], 0), (vec!["exit", "7"], 7), (vec!["exit", "255"], 255)] {
            host.run(&Bundle::new().deeds(&deeds)).status(status);
        }
        let killed = Bundle::new().without_namespace("pid").deeds(&["kill-self", "USR1", "sleep"]);
        host.run(&killed).status(128 + 10);
        assert!(is_gone(host));
    });
}

/// `run --detach` returns when the process runs.
#[test]
fn run_detached() {
    guarded(|host| {
        let bundle = Bundle::new().deeds(&["say", "ready", "sleep"]);
        let mut container = Container::launch(host.runtime(), &["run", "--detach"], &bundle, "jar");
        assert_eq!(container.line(), "ready");
        assert_eq!(container.status(), "running");
        assert_eq!(container.state()["pid"], container.pid());
        container.force_delete();
    });
}

/// `--bundle` is the working directory where it's left out.
#[test]
fn bundle_is_here() {
    guarded(|host| {
        let bundle = Bundle::new();
        let run = host.runtime().invoke(["run", "jar"]).with(|command| {
            command.current_dir(bundle.path());
        });
        run.run().ok();
    });
}

/// A bundle's path may have blanks and more in it.
#[test]
fn bundle_with_an_odd_path() {
    guarded(|host| {
        let bundle = Bundle::new();
        let odd = host.folder().join("odd \"name\" ü");
        std::os::unix::fs::symlink(bundle.path(), &odd).unwrap();
        host.runtime().call(["run", "--bundle", odd.to_str().unwrap(), "jar"]).ok();
    });
}

/// A bundle without a config, and one whose config isn't JSON, are errors that say so.
#[test]
fn broken_bundles() {
    guarded(|host| {
        let path = host.folder().to_str().unwrap();
        host.runtime().call(["run", "--bundle", path, "jar"]).fails_with("config.json");
        fs::write(host.folder().join("config.json"), "{\"ociVersion\": ").unwrap();
        assert_ne!(host.runtime().call(["run", "--bundle", path, "jar"]).status, 0);
        fs::write(host.folder().join("config.json"), "[]").unwrap();
        assert_ne!(host.runtime().call(["run", "--bundle", path, "jar"]).status, 0);
        fs::remove_file(host.folder().join("config.json")).unwrap();
    });
}

/// `list` shows the containers with their statuses, as a table, as JSON, and as ids alone.
#[test]
fn list() {
    guarded(|host| {
        let one = Container::launch(host.runtime(), &["create"], &sleeper(), "one");
        let two = Container::launch(host.runtime(), &["run", "--detach"], &sleeper(), "two");
        let all: Value = serde_json::from_str(&host.runtime().call(["list", "--format=json"]).ok().stdout).unwrap();
        let mut seen: Vec<(&str, &str)> = all
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["id"].as_str().unwrap(), one["status"].as_str().unwrap()))
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, [("one", "created"), ("two", "running")]);
        let table = host.runtime().call(["list"]).ok().stdout;
        assert!(table.contains("one") && table.contains(&two.pid().to_string()), "{table}");
        let mut ids: Vec<String> =
            host.runtime().call(["list", "--quiet"]).ok().stdout.lines().map(|line| line.trim().to_owned()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["one", "two"]);
        one.force_delete();
        two.force_delete();
        let none = host.runtime().call(["list", "--format=json"]).ok().stdout;
        let none: String = none.split_whitespace().collect();
        assert!(["null", "[]"].contains(&none.as_str()), "{none}");
    });
}

/// A container without a pid namespace is one of the host's processes, and ends like any other container.
#[test]
fn without_a_pid_namespace() {
    guarded(|host| {
        if host.lacks(&["runc"], "1.1 leaves the cgroup") {
            return;
        }
        let bundle = Bundle::new().without_namespace("pid").deeds(&["fork", "3", "say", "ready", "report", "sleep"]);
        let mut container = host.start(&bundle);
        let report = container.report();
        assert_eq!(report["process"]["pid"], container.pid());
        container.force_delete();
        assert_eq!(container.rest(), "", "the children too are gone");
    });
}

/// When the first process of a pid namespace ends, so do the others.
#[test]
fn init_takes_all_along() {
    guarded(|host| {
        let mut container = host.start(&Bundle::new().deeds(&["fork", "3", "orphan", "say", "ready", "exit", "0"]));
        assert_eq!(container.rest(), "");
        assert_eq!(container.ended(), Ending::Exit(0));
        container.delete();
    });
}

/// A create that fails leaves nothing, and its id is free.
#[test]
fn failed_create_leaves_nothing() {
    guarded(|host| {
        let bad = Bundle::new().edit(|config| config["process"]["cwd"] = json!("/payload"));
        assert_ne!(host.run(&bad).status, 0);
        assert!(is_gone(host));
        host.run(&Bundle::new()).ok();
    });
}

/// Between create and start the root file system may go: `start` says that it did, and does not look for the cause in the
/// program's interpreter.
#[test]
fn program_removed_before_its_start() {
    guarded(|host| {
        if host.lacks(&["runc"], "1.1 starts it even so") {
            return;
        }
        let bundle = Bundle::new();
        let container = host.create(&bundle);
        fs::remove_dir_all(bundle.rootfs()).unwrap();
        let output = container.call("start", &[]);
        assert_ne!(output.status, 0, "{output:?}");
        if host.is_onggi() {
            assert_eq!(output.status, 127, "{output:?}");
            output
                .fails_with("/payload\": was there when the container was created, and is not any more: no such file");
        }
        container.ended();
        assert_eq!(container.status(), "stopped");
        container.delete();
    });
}

/// A pid file is made, or replaced: never what is no file. After an error nothing of it is left.
#[test]
fn pid_file_in_the_place_of_something() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "replaces whatever is there") {
            return;
        }
        let folder = host.folder().join("pids");
        fs::create_dir_all(folder.join("directory")).unwrap();
        nix::unistd::mkfifo(&folder.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let bundle = Bundle::new().deeds(&["sleep"]);
        for name in ["directory", "fifo"] {
            let (path, file) = (bundle.path().to_str().unwrap().to_owned(), folder.join(name));
            let line = ["create", "--bundle", &path, "--pid-file", file.to_str().unwrap(), "jar"];
            host.runtime().call(line).fails_with("--pid-file");
        }
        let mut left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["directory", "fifo"]);
    });
}
