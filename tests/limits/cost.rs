//! What limits cost: system calls and CPU time of a whole `run`, without limits and with all kinds of them, beside other
//! runtimes. Wall time means nothing in an emulated machine. The figures go to the log, as `COST` lines.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};

use crate::kit::{has, limited};
use crate::support::{Host, guarded, noted, skipped};

const RUNS: usize = 5;

/// A limit of every common kind, as an engine sets them.
fn all() -> Value {
    json!({
        "cpu": {"shares": 512, "quota": 50_000, "period": 100_000, "cpus": "0"},
        "memory": {"limit": 64 << 20, "reservation": 32 << 20, "swap": 96 << 20},
        "pids": {"limit": 64},
        "hugepageLimits": [{"pageSize": "2MB", "limit": 2 << 20}],
    })
}

fn line(host: &Host, program: &Path, bundle: &str) -> Command {
    let mut command = Command::new(program);
    command.args([Path::new("--root"), &host.folder().join("cost"), Path::new("run"), Path::new("--bundle")]);
    command.args([bundle, "cost"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// System calls of the runtime and of all that it starts, by strace.
fn calls(host: &Host, program: &Path, bundle: &str) -> usize {
    let trace = host.folder().join("trace");
    let run = line(host, program, bundle);
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "signal=none", "-o"]).arg(&trace).arg(run.get_program()).args(run.get_args());
    assert!(strace.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success(), "{strace:?}");
    let text = fs::read_to_string(trace).unwrap();
    text.lines().filter(|line| !line.contains("resumed>")).count()
}

/// The least CPU time of some runs, in microseconds: the runtime's and its children's.
fn cpu(host: &Host, program: &Path, bundle: &str) -> i64 {
    let used = || {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
        (usage.user_time() + usage.system_time()).num_microseconds()
    };
    let runs = (0..RUNS).map(|_| {
        let before = used();
        assert!(line(host, program, bundle).status().unwrap().success());
        used() - before
    });
    runs.min().unwrap()
}

#[test]
fn of_limits() {
    guarded(|host| {
        if !has(&["cpu", "cpuset", "memory", "pids", "hugetlb"]) {
            return;
        }
        if !Path::new("/usr/bin/strace").exists() {
            return skipped("strace is not here");
        }
        let mut totals = Vec::new();
        for program in [host.runtime().program(), Path::new("/usr/bin/crun"), Path::new("/usr/sbin/runc")] {
            if !program.exists() {
                continue;
            }
            for (what, resources) in [("none", json!({})), ("all", all())] {
                let bundle = limited(&resources, &["exit", "0"]).edit(|config| config["ociVersion"] = json!("1.0.2"));
                let path = bundle.path().to_str().unwrap();
                let (calls, cpu) = (calls(host, program, path), cpu(host, program, path));
                let name = program.file_name().unwrap().to_string_lossy();
                noted(&format!("COST {name}, limits: {what}: {calls} system calls, {cpu} microseconds of CPU"));
                totals.push(calls);
            }
        }
        let more = totals[1].saturating_sub(totals[0]);
        assert!(more < 120, "limits cost {more} system calls");
        for other in totals[2..].chunks(2) {
            assert!(totals[1] < other[1], "another runtime makes fewer calls: {totals:?}");
        }
        let _ = fs::remove_dir_all(host.folder().join("cost"));
    });
}
