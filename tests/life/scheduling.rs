//! config.md, "Linux Process": `scheduler`, `ioPriority`, `execCPUAffinity`; config-linux.md, "Personality".

use std::fs;
use std::process::Command;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::cgroup::has_controller;
use crate::support::{Bundle, Host, Output, Report, guarded, guarded_rootless, kernel_before};

const MS: u64 = 1_000_000;
const NEVER: &str = "older than the field";

fn old(host: &Host) -> bool {
    host.lacks(&["runc", "crun"], NEVER)
}

fn with(field: &str, value: &Value) -> Bundle {
    Bundle::new().edit(|config| {
        config["ociVersion"] = json!("1.3.0");
        config["process"][field] = value.clone();
    })
}

/// A process object of `exec --process` that reports.
fn exec_process(host: &Host, change: impl FnOnce(&mut Value)) -> String {
    let mut process = Bundle::new().config()["process"].clone();
    change(&mut process);
    let path = host.folder().join("process.json");
    fs::write(&path, process.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn exec_file(host: &Host, change: impl FnOnce(&mut Value)) -> Output {
    let file = exec_process(host, change);
    host.runtime().call(["exec", "--process", &file, "jar"])
}

fn scheduling(output: Output) -> Value {
    Report::parse(&output.ok().stdout)["scheduling"].clone()
}

/// Every policy, as `sched_getscheduler(2)` and `getpriority(2)` tell; of the process and of one that `exec` adds.
#[test]
fn policies() {
    guarded(|host| {
        if old(host) {
            return;
        }
        let reset = json!(["SCHED_FLAG_RESET_ON_FORK"]);
        for (scheduler, policy, priority, nice, resets) in [
            (json!({"policy": "SCHED_OTHER", "nice": -7}), 0, 0, -7, false),
            (json!({"policy": "SCHED_FIFO", "priority": 42}), 1, 42, 0, false),
            (json!({"policy": "SCHED_RR", "priority": 1, "flags": reset}), 2, 1, 0, true),
            (json!({"policy": "SCHED_BATCH", "nice": 19, "flags": reset}), 3, 0, 19, true),
            (json!({"policy": "SCHED_IDLE"}), 5, 0, 0, false),
            (
                json!({"policy": "SCHED_DEADLINE", "runtime": MS, "deadline": 10 * MS, "period": 20 * MS}),
                6,
                0,
                0,
                false,
            ),
            (json!({"policy": "SCHED_DEADLINE", "runtime": MS, "deadline": 10 * MS, "flags": reset}), 6, 0, 0, true),
        ] {
            let wanted = [json!(policy), json!(priority), json!(nice), json!(resets)];
            let seen = |of: &Value| ["policy", "priority", "nice", "reset_on_fork"].map(|name| of[name].clone());
            let bundle = with("scheduler", &scheduler);
            assert_eq!(seen(&host.report(&bundle)["scheduling"]), wanted, "{scheduler}");
            // The container's own is that of exec, too, with and without a process that must be born into its namespaces.
            for bundle in [bundle.deeds(&["say", "ready", "sleep"]), Bundle::new().deeds(&["say", "ready", "sleep"])] {
                let container = host.start(&bundle);
                let output = exec_file(host, |process| process["scheduler"] = scheduler.clone());
                container.force_delete();
                assert_eq!(seen(&scheduling(output)), wanted, "{scheduler} of exec");
            }
        }
    });
}

/// Without the field exec has what the container was given; not what its processes made of themselves.
#[test]
fn exec_takes_the_containers() {
    guarded(|host| {
        if old(host) {
            return;
        }
        let bundle = with("scheduler", &json!({"policy": "SCHED_BATCH", "nice": 3}))
            .edit(|config| config["process"]["ioPriority"] = json!({"class": "IOPRIO_CLASS_IDLE", "priority": 0}));
        let container = host.start(&bundle.deeds(&["say", "ready", "sleep"]));
        let seen = scheduling(container.exec(&[], &["report"]));
        let file = scheduling(exec_file(host, |_| {}));
        container.force_delete();
        for seen in [seen, file] {
            assert_eq!([&seen["policy"], &seen["nice"], &seen["io_class"]], [&json!(3), &json!(3), &json!(3)]);
        }
    });
}

/// In a user namespace nothing of it may be set from inside; onggi does it from outside.
#[test]
fn in_a_user_namespace() {
    guarded(|host| {
        if old(host) {
            return;
        }
        let change = |config: &mut Value| {
            config["process"]["scheduler"] = json!({"policy": "SCHED_FIFO", "priority": 3});
            config["process"]["ioPriority"] = json!({"class": "IOPRIO_CLASS_RT", "priority": 1});
            config["process"]["user"] = json!({"uid": 5, "gid": 5});
        };
        let bundle = super::namespaces::mapped(true).edit(change);
        let seen = host.report(&bundle)["scheduling"].clone();
        let wanted = [json!(1), json!(3), json!(1), json!(1)];
        let of = |seen: &Value| ["policy", "priority", "io_class", "io_level"].map(|name| seen[name].clone());
        assert_eq!(of(&seen), wanted);
        let container = host.start(&bundle.deeds(&["say", "ready", "sleep"]));
        let seen = scheduling(container.exec(&[], &["report"]));
        container.force_delete();
        assert_eq!(of(&seen), wanted);
    });
}

/// What the kernel refuses is a sentence, and nothing is left.
#[test]
fn refused() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        host.run(&with("scheduler", &json!({"policy": "SCHED_ISO"}))).fails_with("SCHED_ISO");
        let long = json!({"policy": "SCHED_DEADLINE", "runtime": MS, "deadline": 3_600_000 * MS});
        host.run(&with("scheduler", &long)).fails_with("kernel.sched_deadline_period");
        let container = host.start(&Bundle::new().deeds(&["say", "ready", "sleep"]));
        let output = exec_file(host, |process| process["scheduler"] = json!({"policy": "SCHED_ISO"}));
        output.fails_with("process.scheduler");
        assert_eq!(container.status(), "running");
        let affinity = json!({"policy": "SCHED_DEADLINE", "runtime": MS, "deadline": 10 * MS});
        let narrow = exec_file(host, |process| {
            process["scheduler"] = affinity;
            process["execCPUAffinity"] = json!({"final": "0"});
        });
        if processors() != "0" {
            narrow.fails_with("all processors");
        }
        container.force_delete();
    });
}

/// An ordinary user may be nicer, not more important.
#[test]
fn rootless() {
    guarded_rootless(|host| {
        if old(host) {
            return;
        }
        let (uid, gid) = host.user();
        let bundle = |scheduler: &Value| {
            Bundle::rootless(uid, gid).edit(|config| {
                config["process"]["scheduler"] = scheduler.clone();
                config["process"]["ioPriority"] = json!({"class": "IOPRIO_CLASS_BE", "priority": 7});
            })
        };
        let nice = bundle(&json!({"policy": "SCHED_BATCH", "nice": 5}));
        let seen = host.report(&nice)["scheduling"].clone();
        assert_eq!([&seen["policy"], &seen["nice"], &seen["io_level"]], [&json!(3), &json!(5), &json!(7)]);
        let container = host.start(&nice.deeds(&["say", "ready", "sleep"]));
        let seen = scheduling(container.exec(&[], &["report"]));
        container.force_delete();
        assert_eq!([&seen["policy"], &seen["nice"], &seen["io_level"]], [&json!(3), &json!(5), &json!(7)]);
        if let Some(_ids) = host.subordinate_ids(500_000, 1000) {
            // Another user's process, of whom the one who made it can't set anything.
            let other = super::time::subordinate(uid, gid).edit(|config| {
                config["process"]["user"] = json!({"uid": 7, "gid": 7});
                config["process"]["scheduler"] = json!({"policy": "SCHED_OTHER", "nice": 6});
            });
            assert_eq!(host.report(&other)["scheduling"]["nice"], 6);
        }
        let output = host.run(&bundle(&json!({"policy": "SCHED_RR", "priority": 1})));
        output.fails_with("process.scheduler").fails_with("CAP_SYS_NICE");
        host.run(&bundle(&json!({"policy": "SCHED_OTHER", "nice": -1}))).fails_with("RLIMIT_NICE");
    });
}

/// The three classes; of exec by its own process object.
#[test]
fn io_priority() {
    guarded(|host| {
        if old(host) {
            return;
        }
        let container = host.start(&Bundle::new().deeds(&["say", "ready", "sleep"]));
        for (class, number, level) in [("RT", 1, 0), ("BE", 2, 6), ("IDLE", 3, 0)] {
            let priority = json!({"class": format!("IOPRIO_CLASS_{class}"), "priority": level});
            let own = Report::parse(&host.runtime().run(&with("ioPriority", &priority), "other").run().ok().stdout);
            let exec = scheduling(exec_file(host, |process| process["ioPriority"] = priority));
            for seen in [&own["scheduling"], &exec] {
                assert_eq!([&seen["io_class"], &seen["io_level"]], [&json!(number), &json!(level)], "{class}");
            }
        }
        container.force_delete();
    });
}

/// The processors that there are, as a list: those that a thread has which asks for all, whatever the tests' caller was given.
fn processors() -> String {
    let status = std::thread::spawn(|| {
        let mut all = CpuSet::new();
        (0..CpuSet::count()).for_each(|cpu| all.set(cpu).unwrap());
        sched_setaffinity(Pid::from_raw(0), &all).unwrap();
        fs::read_to_string("/proc/thread-self/status").unwrap()
    });
    let status = status.join().unwrap();
    status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim().to_owned()
}

/// `final` is where exec runs; of the first process the field says nothing.
#[test]
fn exec_affinity() {
    guarded(|host| {
        if old(host) {
            return;
        }
        let all = processors();
        let affinity = json!({"initial": "0", "final": "0"});
        let bundle = with("execCPUAffinity", &affinity);
        assert_eq!(host.report(&bundle)["scheduling"]["cpus"], all.as_str());
        let container = host.start(&bundle.deeds(&["say", "ready", "sleep"]));
        assert_eq!(scheduling(container.exec(&[], &["report"]))["cpus"], "0", "config.json's is the default");
        let with = |affinity: Value| exec_file(host, |process| process["execCPUAffinity"] = affinity);
        assert_eq!(scheduling(with(json!({"initial": "0", "final": format!("{all}")})))["cpus"], all.as_str());
        // Left as the kernel has it: before Linux 6.2 whoever comes into a cgroup with a cpuset has all of its processors.
        let left = scheduling(with(json!({"initial": "0"})))["cpus"].clone();
        let reset = has_controller("cpuset") && kernel_before(6, 2);
        assert_eq!(left, if reset { all.as_str() } else { "0" });
        for field in ["initial", "final"] {
            with(json!({field: "4095,8000-8010"})).fails_with(&format!("execCPUAffinity.{field} \"4095,8000-8010\""));
        }
        container.force_delete();
    });
}

/// A container, and a process that joins it, run where they may, not where their caller does.
#[test]
fn callers_affinity_is_its_own() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "inherits it") {
            return;
        }
        let all = processors();
        let narrow = |invocation: crate::support::Invocation| {
            invocation.with(|command| {
                let words: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
                let program = command.get_program().to_owned();
                let (out, err) = (host.folder().join("out"), host.folder().join("err"));
                *command = Command::new("taskset");
                command.args(["-c", "0"]).arg(program).args(words);
                command.stdout(fs::File::create(out).unwrap()).stderr(fs::File::create(err).unwrap());
            })
        };
        let said = || Report::parse(&fs::read_to_string(host.folder().join("out")).unwrap());
        let output = narrow(host.runtime().run(&Bundle::new(), "other")).run();
        output.ok();
        assert_eq!(said()["scheduling"]["cpus"], all.as_str());
        let container = host.start(&Bundle::new().deeds(&["say", "ready", "sleep"]));
        narrow(host.runtime().invoke(["exec", "jar", "/payload", "report"])).run().ok();
        container.force_delete();
        assert_eq!(said()["scheduling"]["cpus"], all.as_str());
    });
}

/// `LINUX32`: a 64-bit machine that says it is a 32-bit one; also to who joins, and under a filter.
#[test]
fn personality() {
    guarded(|host| {
        if host.lacks(&["runc"], NEVER) {
            return;
        }
        let machine = host.report(&Bundle::new())["names"]["machine"].clone();
        for (domain, number) in [("LINUX", 0), ("LINUX32", 8)] {
            let bundle = Bundle::new().edit(|config| {
                config["linux"]["personality"] = json!({"domain": domain});
                config["linux"]["seccomp"] = json!({
                    "defaultAction": "SCMP_ACT_ALLOW",
                    "syscalls": [{"names": ["personality"], "action": "SCMP_ACT_ERRNO",
                        "args": [{"index": 0, "op": "SCMP_CMP_NE", "value": 0xffff_ffff_u32}]}],
                });
            });
            let report = host.report(&bundle);
            assert_eq!(report["process"]["personality"], number, "{domain}");
            assert_eq!(report["names"]["machine"] == machine, number == 0, "{domain}");
            if host.lacks(&["crun"], "1.8 leaves exec in the caller's") {
                continue;
            }
            let container = host.start(&bundle.deeds(&["say", "ready", "sleep"]));
            let report = Report::parse(&container.exec(&[], &["report"]).ok().stdout);
            container.force_delete();
            assert_eq!(report["process"]["personality"], number, "{domain} of exec");
        }
    });
}
