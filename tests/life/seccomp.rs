//! config-linux.md, "Seccomp": the filter as the container's process feels it.

use nix::libc;
use serde_json::{Value, json};

use crate::support::{Bundle, Report, guarded};

/// `close` of descriptors that aren't open fails with EBADF where it isn't filtered; nothing else does 77 (EBADFD).
const CLOSE: i64 = libc::SYS_close;
const FILTERED: &str = "EBADFD";

fn bundle(calls: &[String], seccomp: &Value) -> Bundle {
    let mut deeds = vec!["report"];
    deeds.extend(calls.iter().flat_map(|call| ["--call", call]));
    Bundle::new().deeds(&deeds).edit(|config| config["linux"]["seccomp"] = seccomp.clone())
}

fn close(number: u64) -> String {
    format!("{CLOSE},{number}")
}

/// A filter is there, and says so, with and without `noNewPrivileges`.
#[test]
fn loaded() {
    guarded(|host| {
        assert_eq!(host.report(&Bundle::new())["seccomp"]["mode"], 0);
        let seccomp = json!({"defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]});
        for no_new_privileges in [true, false] {
            let bundle =
                bundle(&[], &seccomp).edit(|config| config["process"]["noNewPrivileges"] = json!(no_new_privileges));
            let report = host.report(&bundle);
            assert_eq!((&report["seccomp"]["mode"], &report["seccomp"]["filters"]), (&json!(2), &json!(1)));
            assert_eq!(report["process"]["no_new_privs"], no_new_privileges);
        }
    });
}

/// `errnoRet`, and EPERM where it's left out.
#[test]
fn errno() {
    guarded(|host| {
        let seccomp = json!({
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [
                {"names": ["sched_yield"], "action": "SCMP_ACT_ERRNO"},
                {"names": ["getppid", "nosuchcall"], "action": "SCMP_ACT_ERRNO", "errnoRet": libc::ENOSYS},
            ],
        });
        let calls = [libc::SYS_sched_yield, libc::SYS_getppid, libc::SYS_getpid].map(|number| number.to_string());
        let report = host.report(&bundle(&calls, &seccomp));
        let outcome = |index: usize| report.probe(&format!("call {}", calls[index]));
        assert_eq!([outcome(0), outcome(1), outcome(2)], ["EPERM", "ENOSYS", "1"]);
    });
}

/// The operators on an argument.
#[test]
fn operators() {
    guarded(|host| {
        // `getsid` of a process that isn't there: ESRCH where it isn't filtered, and nobody needs it.
        let hit = |operator: &str, value: u64, second: u64, numbers: &[u64]| -> Vec<bool> {
            let rule = json!([{"index": 0, "value": value, "valueTwo": second, "op": operator}]);
            let seccomp = json!({
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [{"names": ["getsid"], "action": "SCMP_ACT_ERRNO", "errnoRet": libc::EBADFD, "args": rule}],
            });
            let calls: Vec<String> = numbers.iter().map(|number| format!("{},{number}", libc::SYS_getsid)).collect();
            let report = host.report(&bundle(&calls, &seccomp));
            calls.iter().map(|call| report.probe(&format!("call {call}")) == FILTERED).collect()
        };
        let around = [999, 1000, 1001];
        assert_eq!(hit("SCMP_CMP_EQ", 1000, 0, &around), [false, true, false]);
        assert_eq!(hit("SCMP_CMP_NE", 1000, 0, &around), [true, false, true]);
        assert_eq!(hit("SCMP_CMP_LT", 1000, 0, &around), [true, false, false]);
        assert_eq!(hit("SCMP_CMP_LE", 1000, 0, &around), [true, true, false]);
        assert_eq!(hit("SCMP_CMP_GT", 1000, 0, &around), [false, false, true]);
        assert_eq!(hit("SCMP_CMP_GE", 1000, 0, &around), [false, true, true]);
        let masked = [0x300, 0x3ff, 0x400, 0x1_0300];
        assert_eq!(hit("SCMP_CMP_MASKED_EQ", 0xff00, 0x0300, &masked), [true, true, false, true]);
    });
}

/// Values of 64 bits are compared whole.
#[test]
fn wide_values() {
    guarded(|host| {
        let call = |second: u64| format!("{CLOSE},1000,{second}");
        let seccomp = json!({
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["close"], "action": "SCMP_ACT_ERRNO", "errnoRet": libc::EBADFD,
                "args": [
                    {"index": 0, "value": 1000, "op": "SCMP_CMP_EQ"},
                    {"index": 1, "value": 0x1_0000_0002_u64, "op": "SCMP_CMP_GE"},
                ]}],
        });
        let seconds = [2, 0x1_0000_0001, 0x1_0000_0002, 0x2_0000_0000];
        let calls: Vec<String> = seconds.iter().copied().map(call).collect();
        let report = host.report(&bundle(&calls, &seccomp));
        let seen: Vec<bool> = calls.iter().map(|call| report.probe(&format!("call {call}")) == FILTERED).collect();
        assert_eq!(seen, [false, false, true, true]);
    });
}

/// Two rules for one system call: either hits.
#[test]
fn several_rules() {
    guarded(|host| {
        let rule = |value: u64| {
            json!({"names": ["close"], "action": "SCMP_ACT_ERRNO", "errnoRet": libc::EBADFD,
                "args": [{"index": 0, "value": value, "op": "SCMP_CMP_EQ"}]})
        };
        let seccomp = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule(1000), rule(2000)]});
        let calls = [1000, 1500, 2000].map(close);
        let report: Report = host.report(&bundle(&calls, &seccomp));
        let seen = calls.map(|call| report.probe(&format!("call {call}")) == FILTERED);
        assert_eq!(seen, [true, false, true]);
    });
}

/// `SCMP_ACT_KILL_PROCESS` ends the process with SIGSYS.
#[test]
fn kill() {
    guarded(|host| {
        let seccomp = json!({"defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["sched_yield"], "action": "SCMP_ACT_KILL_PROCESS"}]});
        let calls = [libc::SYS_sched_yield.to_string()];
        host.run(&bundle(&calls, &seccomp)).status(128 + libc::SIGSYS);
    });
}

/// `defaultErrnoRet` for what a list of the allowed doesn't name.
#[test]
fn default_errno() {
    guarded(|host| {
        // Every number but a few: the payload and the runtime need most of them.
        let names: Vec<&str> = include_str!("../support/syscalls.txt").split_whitespace().collect();
        let allowed: Vec<&str> = names.into_iter().filter(|name| *name != "sched_yield" && *name != "acct").collect();
        let seccomp = json!({
            "defaultAction": "SCMP_ACT_ERRNO",
            "defaultErrnoRet": libc::EBADFD,
            "syscalls": [{"names": allowed, "action": "SCMP_ACT_ALLOW"}],
        });
        let calls = [libc::SYS_sched_yield.to_string(), libc::SYS_getpid.to_string()];
        let report = host.report(&bundle(&calls, &seccomp));
        assert_eq!(report.probe(&format!("call {}", calls[0])), FILTERED);
        assert_eq!(report.probe(&format!("call {}", calls[1])), "1");
    });
}

/// A call newer than all that the profile names does not exist (ENOSYS), rather than being forbidden: a libc then takes
/// an older one.
#[test]
fn newer_calls() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "what the default says") {
            return;
        }
        let names: Vec<&str> = include_str!("../support/syscalls.txt").split_whitespace().collect();
        let allowed: Vec<&str> = names.into_iter().filter(|name| *name != "acct").collect();
        let seccomp = json!({
            "defaultAction": "SCMP_ACT_ERRNO",
            "syscalls": [{"names": allowed, "action": "SCMP_ACT_ALLOW"}],
        });
        let calls = [999, 9999, libc::SYS_acct].map(|number| number.to_string());
        let report = host.report(&bundle(&calls, &seccomp));
        let seen = [0, 1, 2].map(|index: usize| report.probe(&format!("call {}", calls[index])));
        assert_eq!(seen, ["ENOSYS", "ENOSYS", "EPERM"]);
    });
}

/// Names that no architecture has are no error; `--debug` tells them.
#[test]
fn unknown_names() {
    guarded(|host| {
        let seccomp = json!({"defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["acct", "nosuchcall", "nor_this"], "action": "SCMP_ACT_ERRNO"}]});
        let bundle = Bundle::new().edit(|config| config["linux"]["seccomp"] = seccomp);
        let path = bundle.path().to_str().unwrap();
        let output = host.runtime().call(["--debug", "run", "--bundle", path, "jar"]).ok();
        if !host.lacks(&["runc", "crun"], "in other words") {
            assert!(
                output.stderr.contains("no architecture here has the system calls nosuchcall, nor_this"),
                "{output:?}"
            );
        }
        assert!(!host.run(&bundle).ok().stderr.contains("nosuchcall"));
    });
}

/// The runtime needs calls of its own to put a process into a pid namespace. A filter that refuses them refuses them to the
/// program, and `exec` works all the same.
#[test]
fn exec_where_processes_are_refused() {
    guarded(|host| {
        for refused in ["clone", "setsid", "exit_group"] {
            let bundle = Bundle::new().deeds(&["say", "ready", "sleep"]).edit(|config| {
                config["process"]["noNewPrivileges"] = json!(false);
                config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW",
                    "syscalls": [{"names": [refused], "action": "SCMP_ACT_ERRNO"}]});
            });
            let container = host.start(&bundle);
            let report = Report::parse(&container.exec(&[], &["report"]).ok().stdout);
            container.force_delete();
            assert_eq!(report["seccomp"], json!({"mode": 2, "filters": 1}), "{refused}");
        }
    });
}
