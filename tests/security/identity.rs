//! Who a process is, and what it has from its caller.

use std::fs;

use serde_json::json;

use crate::support::{Bundle, Container, Report, guarded};

/// CVE-2016-3697, CVE-2026-30892: a number is a number, never a name of the image's and never 0 by accident.
#[test]
fn cve_2016_3697_user() {
    guarded(|host| {
        let bundle = Bundle::new().file("etc/passwd", "31337:x:0:0::/:/bin/sh\n").deeds(&["sleep"]);
        let container = Container::launch(host.runtime(), &["run", "--detach"], &bundle, "jar");
        let report = Report::parse(&container.exec(&["--user", "31337"], &["report"]).ok().stdout);
        assert_eq!(report["process"]["uid"]["effective"], 31337, "{}", report["process"]);
        for user in ["1:", ":2", "01", "+1", " 1", "1 ", "0x1", "-1", "4294967295", "4294967296", "1:2:3", "root"] {
            let words = format!("--user={user}");
            container.exec(&[&words], &["report"]).fails_with("--user");
        }
        container.exec(&["--user="], &["report"]).fails_with("--user");
        container.force_delete();
    });
}

/// CVE-2022-29162, CVE-2022-27650: inheritable is empty where nobody asked for it; what `--cap` adds is not inheritable.
#[test]
fn cve_2022_29162_inheritable() {
    guarded(|host| {
        const NONE: [&str; 0] = [];
        let bundle = Bundle::new().deeds(&["report", "sleep"]);
        let mut container = Container::launch(host.runtime(), &["run", "--detach"], &bundle, "jar");
        assert_eq!(container.report().caps("inheritable"), NONE);
        let report = Report::parse(&container.exec(&["--cap", "CAP_SYS_PTRACE"], &["report"]).ok().stdout);
        assert_eq!(report.caps("inheritable"), NONE);
        assert_eq!(report.caps("ambient"), NONE);
        container.force_delete();
    });
}

/// Keys are parted by no namespace: the session keyring is the container's own.
#[test]
fn keyring_of_the_caller() {
    guarded(|host| {
        let keyring = |words: &[&str]| {
            let bundle = Bundle::new();
            let path = bundle.path().to_str().unwrap().to_owned();
            let line: Vec<&str> = [&["run"], words, &["--bundle", &path, "jar"]].concat();
            Report::parse(&host.runtime().call(line).ok().stdout)["process"]["session_keyring"].clone()
        };
        let callers = keyring(&["--no-new-keyring"]);
        if callers.is_null() {
            return;
        }
        assert_eq!(keyring(&["--no-new-keyring"]), callers);
        assert_ne!(keyring(&[]), callers);
    });
}

/// The caller's processors are not the container's.
#[test]
fn affinity_of_the_caller() {
    guarded(|host| {
        let bundle = Bundle::new().deeds(&["report", "--read", "/proc/self/status"]);
        let allowed = || {
            let report = host.report(&bundle);
            let status = report["reads"]["/proc/self/status"].to_string();
            let line = status.split("\\n").find(|line| line.starts_with("Cpus_allowed:")).map(str::to_owned);
            line.unwrap_or_else(|| panic!("no processors in {status}"))
        };
        let all = allowed();
        let mut one = nix::sched::CpuSet::new();
        one.set(nix::sched::sched_getcpu().unwrap()).unwrap();
        nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &one).unwrap();
        assert_eq!(allowed(), all);
    });
}

/// CVE-2016-8867, CVE-2016-9962: a container with CAP_SYS_PTRACE may attach to all that it sees. So it never sees a process
/// that can do more than it can itself, not for the moment in which `exec` puts one in.
#[test]
fn cve_2016_9962_capabilities() {
    guarded(|host| {
        let container =
            Container::launch(host.runtime(), &["run", "--detach"], &Bundle::new().deeds(&["sleep"]), "jar");
        let init = container.pid();
        let of = |pid: &str, file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let effective = |status: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
            line.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0)
        };
        let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let (inside, own) = (namespace(&init.to_string()), effective(&of(&init.to_string(), "status")));
        let cgroup = of(&init.to_string(), "cgroup");
        let place = cgroup.lines().find_map(|line| line.strip_prefix("0::")).unwrap();
        let procs = format!("/sys/fs/cgroup{place}/cgroup.procs");
        for _ in 0..30 {
            let mut exec = host.runtime().invoke(["exec", "jar", "/payload", "exit", "0"]);
            let mut child = exec.spawn();
            let status = loop {
                if let Some(status) = child.try_wait().unwrap() {
                    break status;
                }
                for pid in fs::read_to_string(&procs).unwrap().lines() {
                    // Asked for before the namespace: what is inside later was not inside then.
                    let status = of(pid, "status");
                    if namespace(pid) == inside {
                        assert_eq!(effective(&status) & !own, 0, "process {pid} can do more:\n{status}");
                    }
                }
            };
            assert!(status.success(), "{status}");
        }
        container.force_delete();
    });
}

/// CVE-2016-9962: a created container waits for its start, maybe in a pid namespace with others who may attach to it. It can do
/// no more than its program will, though loading its filter takes CAP_SYS_ADMIN. Where the filter forbids what it waits with,
/// the container begins all the same.
#[test]
fn cve_2016_9962_waiting() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        for (forbidden, early) in [("getsid", true), ("accept4", false), ("read", false)] {
            let bundle = Bundle::new().deeds(&["say", "ready", "sleep"]).edit(|config| {
                config["process"]["noNewPrivileges"] = json!(false);
                let mut rule = json!({"names": [forbidden], "action": "SCMP_ACT_ERRNO"});
                if forbidden == "read" {
                    // Of arguments nobody knows anything beforehand.
                    rule["args"] = json!([{"index": 0, "value": 1000, "op": "SCMP_CMP_EQ"}]);
                }
                config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]});
            });
            let mut container = host.create(&bundle);
            let status = |pid: i32| fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let value = |status: &str, name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
                line.trim().to_owned()
            };
            let waiting = status(container.pid());
            container.start();
            assert_eq!(container.line(), "ready", "{forbidden}");
            let status = status(container.pid());
            for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "Seccomp:"] {
                let same = value(&waiting, set) == value(&status, set);
                assert!(
                    same || !early,
                    "{forbidden}: {set} is {} while it waits, {} then",
                    value(&waiting, set),
                    value(&status, set)
                );
            }
            assert_eq!(value(&waiting, "Seccomp:"), if early { "2" } else { "0" }, "{forbidden}");
            assert_eq!(value(&status, "Seccomp:"), "2", "{forbidden}");
            container.force_delete();
        }
    });
}
