//! config-linux.md, "Memory Policy".

use serde_json::{Value, json};

use crate::support::{Bundle, Host, Report, guarded};

const BIND: i64 = 2;
const STATIC_NODES: i64 = 1 << 15;

fn bundle(policy: &Value) -> Bundle {
    Bundle::new().edit(|config| {
        config["ociVersion"] = json!("1.3.0");
        config["linux"]["memoryPolicy"] = policy.clone();
    })
}

/// Runtimes that are older than the field pass over it; so do kernels without NUMA, which have none.
fn skipped(host: &Host) -> bool {
    let kernel = std::path::Path::new("/sys/devices/system/node/node0").exists();
    if !kernel {
        eprintln!("skipped: this kernel has no NUMA nodes");
    }
    !kernel || host.lacks(&["crun", "runc"], "older than memoryPolicy")
}

/// Mode, nodes and flags arrive; without the field the policy is the default one, whatever the caller's is.
#[test]
fn is_set() {
    guarded(|host| {
        if skipped(host) {
            return;
        }
        let policies = [
            (json!({"mode": "MPOL_BIND", "nodes": "0"}), BIND, 1),
            (json!({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}), BIND | STATIC_NODES, 1),
            (json!({"mode": "MPOL_INTERLEAVE", "nodes": "0"}), 3, 1),
            (json!({"mode": "MPOL_PREFERRED", "nodes": "0"}), 1, 1),
            (json!({"mode": "MPOL_PREFERRED_MANY", "nodes": "0"}), 5, 1),
            (json!({"mode": "MPOL_LOCAL"}), 4, 0),
            (json!({"mode": "MPOL_DEFAULT"}), 0, 0),
        ];
        for (policy, mode, nodes) in policies {
            let report = host.report(&bundle(&policy));
            assert_eq!(report["scheduling"]["memory_policy"], json!({"mode": mode, "nodes": nodes}), "{policy}");
        }
        assert_eq!(host.report(&Bundle::new())["scheduling"]["memory_policy"], json!({"mode": 0, "nodes": 0}));
    });
}

/// It holds for the container: also for a process that is added.
#[test]
fn exec_has_it_too() {
    guarded(|host| {
        if skipped(host) {
            return;
        }
        let policy = json!({"mode": "MPOL_BIND", "nodes": "0"});
        let container = host.start(&bundle(&policy).deeds(&["say", "ready", "sleep"]));
        let report = Report::parse(&container.exec(&[], &["report"]).ok().stdout);
        container.force_delete();
        assert_eq!(report["scheduling"]["memory_policy"], json!({"mode": BIND, "nodes": 1}));
    });
}

/// A node that is not there: the sentence names the field.
#[test]
fn missing_node() {
    guarded(|host| {
        if skipped(host) {
            return;
        }
        host.run(&bundle(&json!({"mode": "MPOL_BIND", "nodes": "1023"})))
            .fails_with("linux.memoryPolicy: can't be set: invalid argument (its nodes must have memory");
    });
}
