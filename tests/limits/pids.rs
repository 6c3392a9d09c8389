//! config-linux.md, "PIDs".

use std::time::{Duration, Instant};

use serde_json::json;

use crate::kit::{has, keyed, limited, of, read, start_as, until, written};
use crate::support::{guarded, patience, reaper};

/// A number, and none; under a version before 1.3 also 0 is none.
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
