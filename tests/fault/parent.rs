//! What real hosts do wrong: missing sources, full disks, nobody listening, hooks that fail.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use serde_json::{Value, json};

use crate::bundles;
use crate::support::{Bundle, ConsoleSocket, Host, Invocation, Output, Runtime, Snapshot, guarded, skipped};
use crate::sweep::{as_before, one_sentence};

/// `create WORDS... jar` of a bundle fails with one line that has all of `says`; nothing is left, and the id is free.
#[track_caller]
fn fails(host: &Host, bundle: &Bundle, words: &[&str], says: &[&str]) {
    let before = Snapshot::take(host);
    for verb in ["create", "run"] {
        let path = bundle.path().to_str().unwrap();
        let line = [verb, "--bundle", path].into_iter().chain(words.iter().copied()).chain(["jar"]);
        said(&host.runtime().call(line), says);
        as_before(host, &before, &format!("{verb} that failed with {says:?}"));
        host.run(&Bundle::new().deeds(&["exit", "0"])).ok();
    }
}

#[track_caller]
fn said(output: &Output, says: &[&str]) {
    assert_ne!(output.status, 0, "{output:?}");
    one_sentence(output, "");
    for words in says {
        assert!(output.stderr.contains(words), "no {words:?} in {output:?}");
    }
}

fn config(change: impl FnOnce(&mut Value)) -> Bundle {
    Bundle::new().deeds(&["exit", "0"]).edit(change)
}

/// What the config names and the host has not.
#[test]
fn missing_things() {
    guarded(|host| {
        let mounted = |mount: Value| Bundle::new().deeds(&["exit", "0"]).mount(mount);
        let none = "no such file or directory";
        let bind = json!({"destination": "/x", "type": "bind", "source": "/none", "options": ["bind"]});
        fails(host, &mounted(bind), &[], &["mounts[7] /x", "/none", none]);
        let unknown = json!({"destination": "/x", "type": "nonefs", "source": "none"});
        fails(host, &mounted(unknown), &[], &["mounts[7] /x", "nonefs", "no such device"]);
        fails(host, &config(|config| config["root"]["path"] = json!("none")), &[], &["root.path", "none"]);
        let network = Bundle::new().namespace("network", Some("/run/netns/none"));
        fails(host, &network, &[], &["linux.namespaces[", "/run/netns/none", none]);
        let program = config(|config| config["process"]["args"] = json!(["/none"]));
        fails(host, &program, &[], &["process.args[0]", "/none", none]);
    });
}

/// What the kernel refuses.
#[test]
fn refused_things() {
    guarded(|host| {
        let sysctl = |name: &str, value: &str| {
            let sysctl = json!({name: value});
            config(move |config| config["linux"]["sysctl"] = sysctl)
        };
        fails(host, &sysctl("net.ipv4.ip_forward", "many"), &[], &["linux.sysctl", "ip_forward", "many"]);
        fails(host, &sysctl("net.none", "1"), &[], &["linux.sysctl", "net.none"]);
        // Beyond what this process itself may have, without CAP_SYS_RESOURCE; with it more than there can be.
        let map = |size: u64| json!([{"containerID": 0, "hostID": 0, "size": size}, {"containerID": 1, "hostID": 0, "size": 5}]);
        let overlapping = Bundle::new().namespace("user", None).edit(|config| {
            config["linux"]["uidMappings"] = map(1);
            config["linux"]["gidMappings"] = map(1);
        });
        fails(host, &overlapping, &[], &["linux.uidMappings"]);
        let huge = config(|config| {
            config["linux"]["resources"]["unified"] = json!({"none.max": "1"});
        });
        fails(host, &huge, &[], &["none.max"]);
    });
}

/// Somebody else's processes are in the way of the container's cgroup.
#[test]
fn cgroup_in_use() {
    guarded(|host| {
        let bundle = config(|config| config["linux"]["cgroupsPath"] = json!("/test/below"));
        let before = Snapshot::take(host);
        let output = host.run(&bundle);
        if output.status != 0 {
            one_sentence(&output, "a cgroup below one with processes");
        }
        as_before(host, &before, "a cgroup below one with processes");
        // A file, as it were: this name can't be a directory.
        let bundle = config(|config| config["linux"]["cgroupsPath"] = json!("/cgroup.procs/below"));
        fails(host, &bundle, &[], &["cgroup.procs"]);
    });
}

/// However few files may be open, all is undone: cgroups above the container's among it, which were made for it.
#[test]
fn few_files() {
    guarded(|host| {
        let bundle = config(|config| config["linux"]["cgroupsPath"] = json!("/outer/inner/jar"));
        let path = bundle.path().to_str().unwrap();
        let before = Snapshot::take(host);
        let enough = (3..64).find(|few| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", &format!("ulimit -S -n {few} && exec \"$@\""), "sh"]).arg(host.runtime().program());
            command.arg("--root").arg(host.runtime().root()).args(["run", "--bundle", path, "jar"]);
            let output = Invocation::new(command).run();
            if output.status != 0 {
                said(&output, &["too many open files"]);
            }
            as_before(host, &before, &format!("{few} files: {output:?}"));
            output.status == 0
        });
        assert!(enough.is_some_and(|enough| enough > 8), "{enough:?}");
    });
}

/// A /proc that numbers processes as another pid namespace does: what is written there by number would be a stranger's.
#[test]
fn foreign_proc() {
    guarded(|host| {
        let unshare = "/usr/bin/unshare";
        if !Path::new(unshare).exists() {
            skipped("unshare is not here");
            return;
        }
        let bundle = config(|_| {});
        let before = Snapshot::take(host);
        let mut command = Command::new(unshare);
        command.args(["--pid", "--fork"]).arg(host.runtime().program()).arg("--root").arg(host.runtime().root());
        command.args(["run", "--bundle", bundle.path().to_str().unwrap(), "jar"]);
        said(&Invocation::new(command).run(), &["/proc: is that of another pid namespace", "mount -t proc"]);
        as_before(host, &before, "a foreign /proc");
    });
}

/// Files and sockets that the command line names.
#[test]
fn callers_mistakes() {
    guarded(|host| {
        let plain = || config(|_| {});
        fails(host, &plain(), &["--pid-file", "/none/pid"], &["--pid-file", "/none/pid", "no such file"]);
        fails(host, &plain(), &["--pidfd-socket", "/none/socket"], &["--pidfd-socket", "/none/socket"]);
        fails(host, &plain(), &["--preserve-fds", "99"], &["--preserve-fds", "not open"]);
        let terminal = || config(|config| config["process"]["terminal"] = json!(true));
        fails(host, &terminal(), &["--console-socket", "/none/socket"], &["--console-socket", "/none/socket"]);
        let socket = ConsoleSocket::listen(host);
        let path = socket.path().to_owned();
        drop(socket);
        fails(host, &terminal(), &["--console-socket", &path], &["--console-socket", "connection refused"]);
        let file = host.folder().join("a-file");
        fs::write(&file, "").unwrap();
        fails(host, &plain(), &["--pid-file", file.join("pid").to_str().unwrap()], &["--pid-file", "not a directory"]);
    });
}

/// Each kind of hook, failing and missing.
#[test]
fn hooks() {
    guarded(|host| {
        for kind in ["prestart", "createRuntime", "createContainer"] {
            for (path, says) in [("/bin/false", "status 1"), ("/none", "no such file")] {
                let bundle = config(|config| config["hooks"] = json!({kind: [{"path": "/bin/true"}, {"path": path}]}));
                fails(host, &bundle, &[], &[&format!("hooks.{kind}[1]"), path, says]);
            }
        }
        for (kind, path) in [("startContainer", "/none"), ("poststart", "/bin/false")] {
            let before = Snapshot::take(host);
            let bundle =
                Bundle::new().deeds(&["sleep"]).edit(|config| config["hooks"] = json!({kind: [{"path": path}]}));
            said(&host.run(&bundle), &[&format!("hooks.{kind}[0]"), path]);
            as_before(host, &before, kind);
        }
    });
}

/// Everything of the richest bundle is undone when the last thing fails.
#[test]
fn the_last_thing() {
    guarded(|host| fails(host, &bundles::rich(host), &["--pid-file", "/none/pid"], &["--pid-file"]));
}

/// A state root on a file system with room for nothing, or for almost nothing, or that is read-only.
#[test]
fn state_root() {
    guarded(|host| {
        let root = host.folder().join("small");
        fs::create_dir(&root).unwrap();
        let before = Snapshot::take(host);
        let (mut failed, mut done) = (0, 0);
        for options in ["size=4k", "size=8k", "nr_inodes=1", "nr_inodes=2", "nr_inodes=3", "nr_inodes=5", "size=64k"] {
            mount(Some("tmpfs"), &root, Some("tmpfs"), MsFlags::empty(), Some(format!("{options},mode=700").as_str()))
                .unwrap();
            let runtime = Runtime::for_user(0, 0, host.runtime().program().to_owned(), root.clone());
            let output = runtime.run(&config(|_| {}), "jar").run();
            if output.status == 0 {
                done += 1;
            } else {
                failed += 1;
                said(&output, &["no space left on device"]);
            }
            assert_eq!(runtime.ids(), Vec::<String>::new(), "{options}: {output:?}");
            umount2(&root, MntFlags::empty()).unwrap();
            as_before(host, &before, options);
        }
        assert!(failed > 2 && done > 0, "{failed} failed, {done} did not");
        mount(Some("tmpfs"), &root, Some("tmpfs"), MsFlags::MS_RDONLY, Some("mode=700")).unwrap();
        let runtime = Runtime::for_user(0, 0, host.runtime().program().to_owned(), root.clone());
        said(&runtime.run(&config(|_| {}), "jar").run(), &["read-only file system"]);
        umount2(&root, MntFlags::empty()).unwrap();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
    });
}
