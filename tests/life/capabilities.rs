//! config.md, "Linux Process", `capabilities`: the five sets, as root and as another user.

use serde_json::{Value, json};

use crate::support::{Bundle, Report, guarded};

const NONE: [&str; 0] = [];

fn bundle(uid: u32, capabilities: &Value) -> Bundle {
    Bundle::new().edit(|config| {
        config["process"]["user"] = json!({"uid": uid, "gid": uid});
        config["process"]["capabilities"] = capabilities.clone();
    })
}

fn sets(report: &Report) -> [Vec<&str>; 5] {
    [
        "bounding",
        "permitted",
        "effective",
        "inheritable",
        "ambient",
    ]
    .map(|set| report.caps(set))
}

/// Root gets at `execve` all of the bounding set, inheritable stays what it was told.
#[test]
fn root() {
    guarded(|host| {
        let caps = json!({
            "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_SYS_ADMIN"],
            "permitted": ["CAP_CHOWN", "CAP_KILL", "CAP_SYS_ADMIN"],
            "effective": ["CAP_CHOWN", "CAP_KILL", "CAP_SYS_ADMIN"],
        });
        let report = host.report(&bundle(0, &caps));
        let wanted = vec!["CAP_CHOWN", "CAP_KILL", "CAP_SYS_ADMIN"];
        assert_eq!(
            sets(&report),
            [wanted.clone(), wanted.clone(), wanted, vec![], vec![]]
        );
    });
}

/// Empty sets are empty.
#[test]
fn none() {
    guarded(|host| {
        let caps = json!({"bounding": [], "permitted": [], "effective": [], "inheritable": [], "ambient": []});
        for uid in [0, 1000] {
            assert_eq!(
                sets(&host.report(&bundle(uid, &caps))),
                [NONE; 5].map(Vec::from),
                "as {uid}"
            );
        }
    });
}

/// Another user keeps over `execve` what is ambient.
#[test]
fn ambient() {
    guarded(|host| {
        let caps = json!({
            "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_ADMIN"],
            "permitted": ["CAP_CHOWN", "CAP_KILL"],
            "effective": ["CAP_CHOWN", "CAP_KILL"],
            "inheritable": ["CAP_KILL"],
            "ambient": ["CAP_KILL"],
        });
        let report = host.report(&bundle(1000, &caps));
        let kill = vec!["CAP_KILL"];
        let bounding = vec!["CAP_CHOWN", "CAP_KILL", "CAP_NET_ADMIN"];
        assert_eq!(
            sets(&report),
            [bounding, kill.clone(), kill.clone(), kill.clone(), kill]
        );
    });
}

/// Another user without ambient capabilities has none after `execve`; the bounding set stays.
#[test]
fn another_user() {
    guarded(|host| {
        let caps = json!({
            "bounding": ["CAP_CHOWN", "CAP_KILL"],
            "permitted": ["CAP_CHOWN", "CAP_KILL"],
            "effective": ["CAP_CHOWN", "CAP_KILL"],
        });
        let report = host.report(&bundle(1000, &caps));
        assert_eq!(
            sets(&report),
            [
                vec!["CAP_CHOWN", "CAP_KILL"],
                vec![],
                vec![],
                vec![],
                vec![]
            ]
        );
    });
}

/// The highest capability the kernel has is granted like any other.
#[test]
fn newest() {
    guarded(|host| {
        let set = json!(["CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE"]);
        let caps = json!({"bounding": set, "permitted": set, "effective": set});
        assert_eq!(json!(host.report(&bundle(0, &caps)).caps("effective")), set);
    });
}
