//! A container in a resctrl group. Few machines have resctrl, so that of these tests is a directory that looks like it; what the
//! kernel does there is not tested.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::program;
use crate::support::{Bundle, Host, Invocation, Snapshot, guarded};
use crate::sweep::{as_before, one_sentence};

/// A resctrl with the group `gold`, which has a monitoring group for container `jar`.
fn fake(host: &Host) -> PathBuf {
    let root = host.folder().join("resctrl");
    for group in ["gold", "gold/mon_groups/jar"] {
        fs::create_dir_all(root.join(group)).unwrap();
        fs::write(root.join(group).join("schemata"), "    L3:0=ff\n").unwrap();
        fs::write(root.join(group).join("tasks"), "").unwrap();
    }
    root
}

fn bundle(rdt: Value) -> Bundle {
    Bundle::new().deeds(&["exit", "0"]).edit(|config| {
        config["ociVersion"] = json!("1.3.0");
        config["linux"]["intelRdt"] = rdt;
    })
}

fn with_fake(invocation: Invocation, root: &PathBuf) -> Invocation {
    invocation.with(|command| {
        command.env("ONGGI_FAULT_RESCTRL", root);
    })
}

/// Both groups are entered, by the process itself (0), before anything else; by `exec` too. What was there stays.
#[test]
fn entered_by_every_process() {
    program::build();
    guarded(|host| {
        let (runtime, root) = (program::runtime(host), fake(host));
        let bundle =
            bundle(json!({"closID": "gold", "l3CacheSchema": "L3:0=FF", "enableMonitoring": true})).deeds(&["sleep"]);
        let tasks = |group: &str| fs::read_to_string(root.join(group).join("tasks")).unwrap();
        let path = bundle.path().to_str().unwrap().to_owned();
        with_fake(runtime.invoke(["create", "--bundle", &path, "jar"]), &root).run().ok();
        assert_eq!((tasks("gold"), tasks("gold/mon_groups/jar")), ("0".to_owned(), "0".to_owned()));
        runtime.call(["start", "jar"]).ok();
        runtime.call(["exec", "jar", "/payload", "exit", "0"]).ok();
        assert_eq!((tasks("gold"), tasks("gold/mon_groups/jar")), ("00".to_owned(), "00".to_owned()));
        runtime.call(["delete", "--force", "jar"]).ok();
        assert!(root.join("gold/mon_groups/jar/tasks").exists());
        crate::support::settle();
    });
}

/// A group that can't be entered, or is missing, or says something else: a sentence, and nothing is left.
#[test]
fn refused() {
    program::build();
    guarded(|host| {
        let (runtime, root) = (program::runtime(host), fake(host));
        let before = Snapshot::take(host);
        let run = |rdt: Value| {
            let bundle = bundle(rdt);
            let path = bundle.path().to_str().unwrap().to_owned();
            with_fake(runtime.invoke(["run", "--bundle", &path, "jar"]), &root)
                .with(|command| {
                    command.env("ONGGI_FAULT", "Resctrl:0:1");
                })
                .run()
        };
        for (rdt, says) in [
            (json!({"closID": "gold"}), "linux.intelRdt: group gold can't be entered: operation not permitted"),
            (json!({"closID": "tin"}), "linux.intelRdt.closID: \"tin\" does not exist"),
            (json!({"closID": "gold", "schemata": ["L3:0=f"]}), "does not say \"L3:0=f\""),
        ] {
            let output = run(rdt);
            one_sentence(&output, says);
            output.fails_with(says);
            as_before(host, &before, says);
        }
    });
}

/// Without any: what this machine says.
#[test]
fn none_here() {
    guarded(|host| {
        if fs::read_to_string("/proc/filesystems").unwrap().contains("resctrl") {
            return eprintln!("skipped: this machine has resctrl");
        }
        let output = host.run(&bundle(json!({})));
        output.fails_with("linux.intelRdt: can't be put into force: this host has no resctrl");
    });
}
