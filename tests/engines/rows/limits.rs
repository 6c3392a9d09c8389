//! Limits: those of the process, those of the kernel's namespaces, and those of the cgroup.

use std::fs;

use crate::command::{Trouble, Verdict, failed};
use crate::engine::Engine;
use crate::world::controllers;

const SLEEPING: &str = "busybox sh -c 'echo ready; exec sleep 1000'";

/// Skips where the world has not got a cgroup controller.
fn needs(controller: &str) -> Verdict {
    let all = controllers();
    if all.split_whitespace().any(|name| name == controller) {
        return Ok(());
    }
    Err(Trouble::Skipped(format!("cgroup v2 has no {controller} controller here, only: {}", all.trim())))
}

/// A file of a container's cgroup says this.
fn says(e: &Engine, file: &str, text: &str) -> Verdict {
    let path = e.cgroup("one")?.join(file);
    let is = fs::read_to_string(&path)?;
    if is.trim() == text { Ok(()) } else { Err(failed(format!("{}: {is}expected {text}", path.display()))) }
}

pub fn ulimit(e: &Engine) -> Verdict {
    // With any limit given, Podman asks for its own nproc, higher than may be set without privilege.
    let line = "run --rm --ulimit nofile=123:456 --ulimit core=0 --ulimit nproc=1000:2000 busybox \
                sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c; grep processes /proc/self/limits'";
    e.call(line)?.succeeds()?.says("123\n456\n0\nMax processes")?.says(" 2000 ").map(drop)
}

pub fn sysctl(e: &Engine) -> Verdict {
    let line = "run --rm --sysctl kernel.msgmax=12345 --sysctl net.ipv4.ip_default_ttl=77 busybox \
                cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_default_ttl";
    e.call(line)?.succeeds()?.prints("12345\n77").map(drop)
}

pub fn oom_score(e: &Engine) -> Verdict {
    // Raising it needs no privilege.
    e.call("run --rm --oom-score-adj 500 busybox cat /proc/self/oom_score_adj")?.succeeds()?.prints("500").map(drop)
}

pub fn cgroup_parent(e: &Engine) -> Verdict {
    e.detached("one", &format!("--cgroup-parent /parent {SLEEPING}"))?;
    let cgroup = e.cgroup("one")?;
    if cgroup.starts_with("/sys/fs/cgroup/parent") { Ok(()) } else { Err(failed(cgroup.display().to_string())) }
}

pub fn memory(e: &Engine) -> Verdict {
    needs("memory")?;
    e.detached("one", &format!("-m 32m {SLEEPING}"))?;
    says(e, "memory.max", "33554432")?;
    e.call("run --name two -m 32m --memory-swap 32m busybox sh -c 'tail /dev/zero; exit $?'")?.ends_with(137).map(drop)
}

pub fn cpus(e: &Engine) -> Verdict {
    needs("cpu")?;
    e.detached("one", &format!("--cpus 0.5 --cpu-shares 512 {SLEEPING}"))?;
    says(e, "cpu.max", "50000 100000")?;
    says(e, "cpu.weight", "20")
}

pub fn pids(e: &Engine) -> Verdict {
    needs("pids")?;
    e.detached("one", &format!("--pids-limit 77 {SLEEPING}"))?;
    says(e, "pids.max", "77")
}

pub fn update(e: &Engine) -> Verdict {
    needs("memory")?;
    e.detached("one", &format!("-m 32m {SLEEPING}"))?;
    e.call("update -m 48m --memory-swap 96m one")?.works()?;
    says(e, "memory.max", "50331648")
}
