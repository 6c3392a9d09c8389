//! config-linux.md, "Memory".

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::kit::{ROOT, has, has_swap, keyed, limited, of, read, sleeper, start_as, until, written};
use crate::support::guarded;

const MIB: u64 = 1 << 20;

/// `limit`, `swap` (both together in the config, apart in cgroup v2), `reservation`.
#[test]
fn every_field_is_written() {
    guarded(|host| {
        if !has(&["memory"]) {
            return;
        }
        let files = ["memory.max", "memory.swap.max", "memory.low"];
        let of = |memory: Value| written(host, &json!({"memory": memory}), files);
        let all = json!({"limit": 64 * MIB, "swap": 96 * MIB, "reservation": 32 * MIB});
        assert_eq!(of(all), ["67108864", "33554432", "33554432"]);
        assert_eq!(of(json!({"limit": 64 * MIB, "swap": -1})), ["67108864", "max", "0"]);
        assert_eq!(of(json!({"limit": -1, "reservation": -1})), ["max", "max", "max"]);
        // What engines send: nothing of it is a limit of cgroup v2.
        assert_eq!(of(json!({"kernel": 0, "swappiness": 60, "disableOOMKiller": false})), ["max", "max", "0"]);
    });
}

/// More than the limit, and nowhere to swap to: the kernel kills, and `run` says why, with the limit and the peak.
#[test]
fn beyond_the_limit() {
    guarded(|host| {
        if !has(&["memory"]) {
            return;
        }
        let memory = json!({"memory": {"limit": 16 * MIB, "swap": 16 * MIB}});
        host.run(&limited(&memory, &["eat", "4", "exit", "0"])).ok();
        let output = host.run(&limited(&memory, &["eat", "40", "exit", "0"])).status(137);
        if host.is_onggi() {
            assert!(output.stderr.contains("linux.resources.memory.limit"), "{output:?}");
            assert!(output.stderr.contains("limit 16384 KiB, peak 16384 KiB"), "{output:?}");
        }
    });
}

/// A limit in which not even the first process finds room: said, and nothing is left. (The kernel kills all who share
/// the memory of its victim: the runtime must not be among them.)
#[test]
fn too_little_to_begin() {
    guarded(|host| {
        if !has(&["memory"]) {
            return;
        }
        let memory = json!({"memory": {"limit": 4096, "swap": 4096}});
        let output = host.run(&limited(&memory, &["exit", "0"])).fails_with("linux.resources.memory.limit");
        assert_eq!(host.runtime().ids(), [""; 0]);
        if host.is_onggi() {
            assert!(
                output.stderr.contains("while it was set up, before its first step (limit 4 KiB, peak "),
                "{output:?}"
            );
        }
    });
}

/// A limit that is reached on the way, by what is copied into a tmpfs: the step is named, by its place in the config.
#[test]
fn too_little_to_finish() {
    guarded(|host| {
        if !has(&["memory"]) || !host.is_onggi() {
            return;
        }
        let memory = json!({"memory": {"limit": 8 * MIB, "swap": 8 * MIB}});
        let mount = json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]});
        let bundle = limited(&memory, &["exit", "0"]).mount(mount);
        bundle.directory("data");
        fs::write(bundle.rootfs().join("data/large"), vec![b'x'; 24 << 20]).unwrap();
        let output =
            host.run(&bundle).fails_with("linux.resources.memory.limit: the container was killed for lack of memory");
        let place = format!("mounts[{}] /data", bundle.config()["mounts"].as_array().unwrap().len() - 1);
        assert!(output.stderr.contains(&format!("of {place} (limit 8192 KiB, peak 8192 KiB)")), "{output:?}");
        assert_eq!(host.runtime().ids(), [""; 0]);
    });
}

/// What does not fit goes to the swap, as far as that is allowed.
#[test]
fn swap_is_felt() {
    guarded(|host| {
        if !has(&["memory"]) || !has_swap() {
            return;
        }
        let memory = json!({"memory": {"limit": 16 * MIB, "swap": 64 * MIB}});
        let mut container = start_as(host, &limited(&memory, &["eat", "40", "say", "ready", "sleep"]), "jar");
        assert_eq!(container.line(), "ready");
        let swapped: u64 = read(&of(container.pid()), "memory.swap.current").parse().unwrap();
        assert!(swapped > 16 * MIB, "{swapped} bytes in the swap");
        container.force_delete();
        host.run(&limited(&memory, &["eat", "90", "exit", "0"])).status(137);
    });
}

/// `memory.high`, by its own name: beyond it memory is taken back, and nobody is killed.
#[test]
fn high_is_felt() {
    guarded(|host| {
        if !has(&["memory"]) {
            return;
        }
        let resources = json!({"unified": {"memory.high": "8388608", "memory.low": "4194304"}});
        let mut container = start_as(host, &limited(&resources, &["eat", "12", "say", "ready", "sleep"]), "jar");
        assert_eq!(container.line(), "ready");
        let folder = of(container.pid());
        assert_eq!((read(&folder, "memory.high"), read(&folder, "memory.low")), ("8388608".into(), "4194304".into()));
        assert!(keyed(&folder, "memory.events", "high") > 0, "{}", read(&folder, "memory.events"));
        assert_eq!(keyed(&folder, "memory.events", "oom_kill"), 0);
        container.force_delete();
    });
}

/// What is reserved for one container is not taken by another beside it.
#[test]
fn reservation_is_felt() {
    guarded(|host| {
        if !has(&["memory"]) || !has_swap() {
            return;
        }
        let parent = Path::new(ROOT).join("shared");
        fs::create_dir(&parent).unwrap();
        // A protection reaches as far as those above have one.
        for (folder, file, value) in [
            (Path::new(ROOT), "memory.low", "64M"),
            (&parent, "memory.low", "64M"),
            (&parent, "memory.max", "64M"),
            (&parent, "cgroup.subtree_control", "+memory"),
        ] {
            fs::write(folder.join(file), value).unwrap();
        }
        let start = |id: &str, memory: Value, mebibytes: &str| {
            let bundle = limited(&json!({"memory": memory}), &["eat", mebibytes, "say", "ready", "sleep"]);
            let place = format!("/shared/{id}");
            let mut container =
                start_as(host, &bundle.edit(|config| config["linux"]["cgroupsPath"] = json!(place)), id);
            assert_eq!(container.line(), "ready");
            container
        };
        let kept = start("kept", json!({"reservation": 32 * MIB}), "24");
        let other = start("other", json!({}), "80");
        let swapped = |pid| read(&of(pid), "memory.swap.current").parse::<u64>().unwrap();
        let (kept_swap, other_swap) = (swapped(kept.pid()), swapped(other.pid()));
        assert!(kept_swap < 4 * MIB && other_swap > 24 * MIB, "{kept_swap} and {other_swap} bytes in the swap");
        kept.force_delete();
        other.force_delete();
        fs::write(Path::new(ROOT).join("memory.low"), "0").unwrap();
        fs::remove_dir(&parent).unwrap();
    });
}

/// `checkBeforeUpdate`: a new limit below what is in use is refused, and the old one holds.
#[test]
fn a_limit_below_what_is_in_use() {
    guarded(|host| {
        if !has(&["memory"]) || !host.is_onggi() {
            return;
        }
        let resources = json!({"memory": {"limit": 64 * MIB, "swap": 64 * MIB}});
        let mut container = start_as(host, &limited(&resources, &["eat", "24", "say", "ready", "sleep"]), "jar");
        assert_eq!(container.line(), "ready");
        let folder = of(container.pid());
        let update = |memory: Value| {
            let resources = json!({"memory": memory}).to_string();
            host.runtime().invoke(["update", "--resources", "-", "jar"]).stdin(&resources).run()
        };
        update(json!({"limit": 8 * MIB, "checkBeforeUpdate": true}))
            .fails_with("resources.memory.limit: the new limit of 8388608 bytes");
        assert_eq!(read(&folder, "memory.max"), "67108864");
        update(json!({"limit": 48 * MIB, "checkBeforeUpdate": true})).ok();
        assert_eq!(read(&folder, "memory.max"), "50331648");
        container.force_delete();
    });
}

/// An OOM kill of a process beside the first is counted, and the container lives on.
#[test]
fn a_kill_beside_the_first() {
    guarded(|host| {
        if !has(&["memory"]) {
            return;
        }
        let container = host.start(&sleeper(&json!({"memory": {"limit": 16 * MIB, "swap": 16 * MIB}})));
        container.exec(&[], &["eat", "40"]).status(137);
        let folder = of(container.pid());
        until("the kill is counted", || keyed(&folder, "memory.events", "oom_kill") > 0);
        assert_eq!(container.status(), "running");
        container.force_delete();
    });
}
