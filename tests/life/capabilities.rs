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
    ["bounding", "permitted", "effective", "inheritable", "ambient"].map(|set| report.caps(set))
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
        assert_eq!(sets(&report), [wanted.clone(), wanted.clone(), wanted, vec![], vec![]]);
    });
}

/// Empty sets are empty.
#[test]
fn none() {
    guarded(|host| {
        let caps = json!({"bounding": [], "permitted": [], "effective": [], "inheritable": [], "ambient": []});
        for uid in [0, 1000] {
            assert_eq!(sets(&host.report(&bundle(uid, &caps))), [NONE; 5].map(Vec::from), "as {uid}");
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
        assert_eq!(sets(&report), [bounding, kill.clone(), kill.clone(), kill.clone(), kill]);
    });
}

/// What can't be ambient is in the log in any case. Where somebody wrote one list into all sets but the inheritable, as `runc spec`
/// and buildah do, it isn't said on standard error: that would be noise at every RUN of a build.
#[test]
fn ambient_that_can_not_be() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let set = json!(["CAP_CHOWN", "CAP_KILL"]);
        let copied = json!({"bounding": set, "permitted": set, "effective": set, "ambient": set});
        let meant =
            json!({"bounding": set, "permitted": set, "effective": set, "inheritable": [], "ambient": ["CAP_KILL"]});
        for (capabilities, names, heard) in [(copied, "CAP_CHOWN, CAP_KILL are", false), (meant, "CAP_KILL is", true)] {
            let bundle = bundle(1000, &capabilities);
            let said = format!("process.capabilities.ambient: {names} not in both");
            let output = host.run(&bundle).ok();
            assert_eq!(output.stderr.contains(&said), heard, "{output:?}");
            let log = host.folder().join(names);
            let (bundle, log) = (bundle.path(), log.to_str().unwrap());
            host.runtime().call(["--log", log, "run", "--bundle", bundle.to_str().unwrap(), "jar"]).ok();
            let log = std::fs::read_to_string(log).unwrap();
            assert!(log.contains("level=warning") && log.contains(&said), "{log}");
        }
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
        assert_eq!(sets(&report), [vec!["CAP_CHOWN", "CAP_KILL"], vec![], vec![], vec![], vec![]]);
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

/// What comes out is the same with a filter, which without `noNewPrivileges` is loaded while there still is `CAP_SYS_ADMIN`;
/// of the first process and of one that `exec` adds. Nothing of the way there is left: no securebits, no filter twice.
#[test]
fn under_a_filter() {
    guarded(|host| {
        if host.lacks(&["crun"], "1.8 forgets noNewPrivileges in exec") {
            return;
        }
        let set = json!(["CAP_CHOWN", "CAP_KILL"]);
        let plain = json!({"bounding": set, "permitted": set, "effective": set});
        let ambient = json!({"bounding": set, "permitted": set, "effective": set, "inheritable": set, "ambient": set});
        let none = json!({"bounding": [], "permitted": [], "effective": [], "inheritable": [], "ambient": []});
        let only_bounding = json!({"bounding": set});
        let mut different = Vec::new();
        for caps in [plain, ambient, none, only_bounding] {
            for (uid, no_new_privileges) in [(0, false), (0, true), (1000, false), (1000, true)] {
                let bundle = bundle(uid, &caps).deeds(&["say", "ready", "sleep"]).edit(|config| {
                    config["process"]["noNewPrivileges"] = json!(no_new_privileges);
                });
                let filtered = bundle.clone().edit(|config| {
                    config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW",
                        "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]});
                });
                let seen = |bundle: &Bundle| {
                    let first = host.report(&bundle.clone().deeds(&["report", "--call", SECUREBITS]));
                    let container = host.start(bundle);
                    let exec = container.exec(&[], &["report", "--call", SECUREBITS]).ok();
                    container.force_delete();
                    [first, Report::parse(&exec.stdout)]
                };
                let (bare, filtered) = (seen(&bundle), seen(&filtered));
                for (bare, filtered) in bare.iter().zip(&filtered) {
                    if sets(bare) != sets(filtered) {
                        different.push(format!("{:?} and {:?} as {uid}", sets(bare), sets(filtered)));
                    }
                    assert_eq!(bare.probe(&format!("call {SECUREBITS}")), "0");
                    assert_eq!(filtered.probe(&format!("call {SECUREBITS}")), "0");
                    assert_eq!(filtered["seccomp"], json!({"mode": 2, "filters": 1}));
                    assert_eq!(filtered["process"]["no_new_privs"], no_new_privileges);
                    let everyone = filtered["process"]["uid"].as_object().unwrap();
                    assert!(everyone.values().all(|id| *id == uid), "{everyone:?}");
                }
            }
        }
        assert_eq!(different, Vec::<String>::new());
    });
}

/// prctl(2) `PR_GET_SECUREBITS`.
const SECUREBITS: &str = if cfg!(target_arch = "x86_64") { "157,27" } else { "167,27" };
