//! The ready bundles of bundles/: each runs, and says what its line in bundles/README.md promises.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Host, Invocation, Pty, attach, copy_hello, guarded, guarded_rootless, skipped};

/// The applets that the bundles' scripts call.
const APPLETS: [&str; 7] = ["sh", "cat", "chmod", "grep", "hostname", "touch", "unshare"];

/// A copy of the bundle `name` with an empty root file system.
fn copy(host: &Host, name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("bundles").join(name);
    let bundle = host.folder().join(name);
    for folder in ["bin", "dev", "proc", "root", "sys", "tmp"] {
        fs::create_dir_all(bundle.join("rootfs").join(folder)).unwrap();
    }
    fs::copy(source.join("config.json"), bundle.join("config.json")).unwrap();
    bundle
}

/// The same with `hello`.
fn with_hello(host: &Host, name: &str) -> PathBuf {
    let bundle = copy(host, name);
    copy_hello(&bundle.join("rootfs/hello"));
    bundle
}

/// The same with busybox; none, and said so, where there is no busybox.
fn with_busybox(host: &Host, name: &str) -> Option<PathBuf> {
    let bundle = copy(host, name);
    let bin = bundle.join("rootfs/bin");
    if fs::copy("/bin/busybox", bin.join("busybox")).is_err() {
        skipped("the bundles with a shell need /bin/busybox, a static one");
        return None;
    }
    for applet in APPLETS {
        symlink("busybox", bin.join(applet)).unwrap();
    }
    Some(bundle)
}

fn run(host: &Host, bundle: &Path) -> Invocation {
    host.runtime().invoke(["run", "--bundle", bundle.to_str().unwrap(), "jar"])
}

#[test]
fn hello() {
    guarded(|host| {
        let said = run(host, &with_hello(host, "hello")).run().ok().stdout;
        assert!(said.starts_with("Hello from inside a container!"), "{said}");
        for row in ["pid 1, the first of its own pid namespace", "host name   hello", "rootfs      is read-only"] {
            assert!(said.contains(row), "{row} in {said}");
        }
    });
}

#[test]
fn rootless() {
    guarded_rootless(|host| {
        let bundle = with_hello(host, "rootless");
        let (uid, gid) = host.user();
        let file = bundle.join("config.json");
        let mut config: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        config["linux"]["uidMappings"][0]["hostID"] = json!(uid);
        config["linux"]["gidMappings"][0]["hostID"] = json!(gid);
        fs::write(&file, config.to_string()).unwrap();
        let said = run(host, &bundle).run().ok().stdout;
        assert!(said.contains(&format!("uid 0, gid 0, which is uid {uid} outside")), "{said}");
    });
}

#[test]
fn shell() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "wants a terminal of the caller's for each of stdin, stdout and stderr") {
            return;
        }
        let Some(bundle) = with_busybox(host, "shell") else { return };
        let (mut pty, theirs) = Pty::open(24, 80);
        let mut run = run(host, &bundle).with(|command| attach(command, &theirs));
        let mut child = run.spawn();
        drop(theirs);
        pty.write("hostname; exit 7\n");
        run.finish(&mut child).status(7);
        drop(run);
        let shown = pty.rest();
        assert!(shown.lines().any(|line| line.trim() == "shell"), "{shown:?}");
    });
}

/// What the filter refuses fails with EPERM; what differs from that in one argument does not.
#[test]
fn seccomp() {
    guarded(|host| {
        let Some(bundle) = with_busybox(host, "seccomp") else { return };
        let output = run(host, &bundle).run().ok();
        assert!(output.stdout.contains("Seccomp:\t2"), "{output:?}");
        let refused: Vec<_> = output.stderr.lines().filter(|line| !line.starts_with('+')).collect();
        assert!(refused.iter().all(|line| line.contains("Operation not permitted")), "{output:?}");
        let who: Vec<_> = refused.iter().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(who, ["unshare", "chmod"]);
    });
}

#[test]
fn hooks() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "calls hooks in another directory") {
            return;
        }
        let Some(bundle) = with_busybox(host, "hooks") else { return };
        let seen = run(host, &bundle).run().ok().stdout;
        assert!(seen.starts_with("What the hooks were told:\ncreateRuntime: {"), "{seen}");
        let log = fs::read_to_string(bundle.join("rootfs/tmp/hooks.log")).unwrap();
        let told: Vec<(&str, Value)> = log
            .lines()
            .map(|line| line.split_once(": ").unwrap())
            .map(|(hook, state)| (hook, serde_json::from_str(state).unwrap()))
            .collect();
        let statuses: Vec<_> = told.iter().map(|(hook, state)| (*hook, state["status"].as_str().unwrap())).collect();
        let expected = [
            ("createRuntime", "creating"),
            ("createContainer", "creating"),
            ("startContainer", "created"),
            ("poststart", "running"),
            ("poststop", "stopped"),
        ];
        assert_eq!(statuses, expected);
    });
}
