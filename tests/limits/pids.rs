//! config-linux.md, "PIDs".

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::kit::{ROOT, has, keyed, limited, of, read, start_as, until, written};
use crate::support::{Bundle, guarded, patience, reaper};

/// A limit, and no limit, which before version 1.3 of the spec could also be written 0.
#[test]
fn every_value_is_written() {
    guarded(|host| {
        if !has(&["pids"]) {
            return;
        }
        for (limit, text) in [(17, "17"), (-1, "max"), (0, "max")] {
            assert_eq!(written(host, &json!({"pids": {"limit": limit}}), ["pids.max"]), [text]);
        }
    });
}

/// The kernel refuses the first process too many.
#[test]
fn limit_is_felt() {
    guarded(|host| {
        if !has(&["pids"]) {
            return;
        }
        let mut container = start_as(host, &limited(&json!({"pids": {"limit": 8}}), &["try-fork", "sleep"]), "jar");
        assert_eq!(container.line(), "7 EAGAIN");
        assert_eq!(keyed(&of(container.pid()), "pids.events", "max"), 1);
        container.force_delete();
        // Since 1.3 0 is a limit: no process but the first.
        let bundle =
            limited(&json!({"pids": {"limit": 0}}), &["try-fork"]).edit(|config| config["ociVersion"] = json!("1.3.0"));
        assert_eq!(host.run(&bundle).ok().stdout, "0 EAGAIN\n");
    });
}

/// A fork bomb stops at its limit, and ends in two seconds.
#[test]
fn a_fork_bomb_ends() {
    guarded(|host| {
        if !has(&["pids"]) {
            return;
        }
        let container = start_as(host, &limited(&json!({"pids": {"limit": 200}}), &["bomb"]), "jar");
        let folder = of(container.pid());
        until("the limit", || read(&folder, "pids.current") == "200" && keyed(&folder, "pids.events", "max") > 0);
        let ending = reaper(container.pid());
        let begun = Instant::now();
        container.force_delete();
        let took = begun.elapsed();
        assert!(took < patience(Duration::from_secs(2)), "{took:?}");
        ending.join().unwrap();
        assert!(!folder.exists());
    });
}

/// Where no process can be made, because a cgroup above is full or the container's own is: the runtime says so, and leaves
/// nothing.
#[test]
fn no_process_left_to_have() {
    guarded(|host| {
        if !has(&["pids"]) || !host.is_onggi() {
            return;
        }
        let full = Path::new(ROOT).join("full");
        fs::create_dir(&full).unwrap();
        fs::write(full.join("pids.max"), "0").unwrap();
        let bundle = Bundle::new().edit(|config| config["linux"]["cgroupsPath"] = json!("/full/jar"));
        let output = host.run(&bundle).fails_with("can't make the container's process");
        assert!(output.stderr.contains("/sys/fs/cgroup/full: pids.max is 0"), "{output:?}");
        assert!(!full.join("jar").exists());
        assert_eq!(host.runtime().ids(), [""; 0]);
        fs::remove_dir(full).unwrap();
        // `exec` into one that has all that it may have.
        let container = start_as(host, &limited(&json!({"pids": {"limit": 3}}), &["try-fork", "sleep"]), "jar");
        until("it is full", || read(&of(container.pid()), "pids.current") == "3");
        let output = container.exec(&[], &["exit", "0"]).fails_with("pids.max is 3");
        assert_eq!(output.status, 255, "{output:?}");
        assert_eq!(container.status(), "running");
        container.force_delete();
    });
}
