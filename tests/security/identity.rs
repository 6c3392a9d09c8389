//! Who a process is, and what it has from its caller.

use std::fs;

use nix::libc;
use serde_json::json;

use crate::support::{Agent, Answer, Bundle, Container, Host, Report, guarded, kernel_before, reap};

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
        let inside = Inside::of(container.pid());
        for _ in 0..30 {
            let mut exec = host.runtime().invoke(["exec", "jar", "/payload", "exit", "0"]);
            let mut child = exec.spawn();
            let status = loop {
                if let Some(status) = child.try_wait().unwrap() {
                    break status;
                }
                inside.nobody_can_do_more();
            };
            assert!(status.success(), "{status}");
        }
        container.force_delete();
    });
}

/// CVE-2016-9962: a filter that notifies wants CAP_SYS_ADMIN to be loaded, and an agent that is told the process id. Even so
/// nobody in the pid namespace has more capabilities than the program: not while a created container waits, and not for the
/// moment in which `exec` puts a process in. The agent is asked about nothing before the program.
#[test]
fn cve_2016_9962_notifying() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let names = ["prctl", "capset", "setsid", "clone", "sendto", "exit_group", "execve"];
        let bundle = |agent: &Agent, names: &[&str]| {
            Bundle::new().deeds(&["say", "ready", "sleep"]).edit(|config| {
                config["process"]["noNewPrivileges"] = json!(false);
                config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": agent.path(),
                    "syscalls": [{"names": names, "action": "SCMP_ACT_NOTIFY"}]});
            })
        };
        let agent = Agent::listen(host);
        let config = bundle(&agent, &names);
        let seen = agent.serve(|_| Answer::Go);
        let mut container = host.create(&config);
        let waiting = Inside::of(container.pid());
        container.start();
        assert_eq!(container.line(), "ready");
        let inside = Inside::of(container.pid());
        assert_eq!((waiting.permitted, &*waiting.filtered), (inside.permitted, "2"), "while it waits");

        exec_asking(host, &container, inside);
        container.force_delete();
        reap(container.pid());
        let seen = seen.join().unwrap();
        assert_eq!((seen.calls[0], &seen.told["state"]["status"]), (libc::SYS_execve, &json!("creating")));

        // Here the runtime's last wait is asked about, too.
        let agent = Agent::listen(host);
        let seen = agent.serve(|_| Answer::Go);
        let agent_path = host.folder().join("agent");
        let config = config.edit(|config| {
            config["linux"]["seccomp"]["listenerPath"] = json!(agent_path);
            config["linux"]["seccomp"]["syscalls"][0]["names"] = json!(["read", "write", "close", "execve", "clone"]);
        });
        let mut container = host.create(&config);
        container.start();
        assert_eq!(container.line(), "ready");
        exec_asking(host, &container, Inside::of(container.pid()));
        container.force_delete();
        reap(container.pid());
        seen.join().unwrap();
    });
}

/// CVE-2016-9962: a container that joins the pid namespace of another one (a pod's) is made with all capabilities and a view of
/// the host. Nobody in there sees it before it has no more than its program will.
#[test]
fn cve_2016_9962_pod() {
    guarded(|host| {
        // Only from here on a procfs can be made for a pid namespace from outside.
        if host.lacks(&["runc", "crun"], "it is made inside") || kernel_before(6, 17) {
            return;
        }
        let pod = Container::launch(host.runtime(), &["run", "--detach"], &Bundle::new().deeds(&["sleep"]), "pod");
        let path = format!("/proc/{}/ns/pid", pod.pid());
        let mut inside = Inside::of(pod.pid());
        inside.procs = inside.procs.replace("/pod/", "/jar/");
        for seccomp in [false, true] {
            let bundle = Bundle::new().namespace("pid", Some(&path)).deeds(&["exit", "0"]).edit(|config| {
                config["process"]["noNewPrivileges"] = json!(false);
                if seccomp {
                    let rule = json!({"names": ["getsid"], "action": "SCMP_ACT_ERRNO"});
                    config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]});
                }
            });
            for _ in 0..10 {
                let mut run = host.runtime().run(&bundle, "jar");
                let mut child = run.spawn();
                let status = loop {
                    if let Some(status) = child.try_wait().unwrap() {
                        break status;
                    }
                    inside.nobody_can_do_more();
                };
                assert!(status.success(), "{status}");
            }
        }
        // Its own /proc shows the pid namespace that it is in.
        let report =
            host.report(&Bundle::new().namespace("pid", Some(&path)).deeds(&["report", "--read", "/proc/1/comm"]));
        assert_eq!(report["reads"]["/proc/1/comm"], "payload\n");
        pod.force_delete();
    });
}

/// `exec` with an agent that looks around at each call that it is asked about.
fn exec_asking(host: &Host, container: &Container<'_>, inside: Inside) {
    let seen = Agent::listen(host).serve(move |_| {
        inside.nobody_can_do_more();
        Answer::Go
    });
    container.exec(&[], &["exit", "7"]).status(7);
    assert_eq!(seen.join().unwrap().calls[0], libc::SYS_execve, "nothing of ours comes before the program");
}

/// The pid namespace and the cgroup of a container, and what its init can do.
struct Inside {
    namespace: std::path::PathBuf,
    procs: String,
    effective: u64,
    permitted: u64,
    filtered: String,
}

impl Inside {
    fn of(init: i32) -> Self {
        let file = |name: &str| fs::read_to_string(format!("/proc/{init}/{name}")).unwrap();
        let (status, cgroup) = (file("status"), file("cgroup"));
        let place = cgroup.lines().find_map(|line| line.strip_prefix("0::")).unwrap();
        Self {
            namespace: fs::read_link(format!("/proc/{init}/ns/pid")).unwrap(),
            procs: format!("/sys/fs/cgroup{place}/cgroup.procs"),
            effective: capabilities(&status, "CapEff:"),
            permitted: capabilities(&status, "CapPrm:"),
            filtered: status.lines().find_map(|line| line.strip_prefix("Seccomp:")).unwrap().trim().to_owned(),
        }
    }

    /// Nobody in the pid namespace can do more than init.
    fn nobody_can_do_more(&self) {
        for pid in fs::read_to_string(&self.procs).unwrap_or_default().lines() {
            // Asked for before the namespace: what is inside later was not inside then.
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            if fs::read_link(format!("/proc/{pid}/ns/pid")).is_ok_and(|namespace| namespace == self.namespace) {
                let (effective, permitted) = (capabilities(&status, "CapEff:"), capabilities(&status, "CapPrm:"));
                let more = effective & !self.effective | permitted & !self.permitted;
                assert_eq!(more, 0, "process {pid} can do more:\n{status}");
            }
        }
    }
}

fn capabilities(status: &str, set: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(set));
    line.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0)
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
