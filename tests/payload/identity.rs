//! Who the process is and what it was given: ids, arguments, environment, limits, signals, scheduling.

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::Signal;
use nix::unistd;
use serde_json::{Map, Value, json};

use crate::kernel;
use crate::status::Status;

/// Ids, parents, groups, umask, working directory, arguments, environment.
pub fn process(status: &Status) -> Value {
    let text = |word: std::ffi::OsString| word.to_string_lossy().into_owned();
    let variable = |(name, value)| format!("{}={}", text(name), text(value));
    json!({
        "pid": unistd::getpid().as_raw(),
        "ppid": unistd::getppid().as_raw(),
        "pgid": unistd::getpgrp().as_raw(),
        "sid": unistd::getsid(None).map(unistd::Pid::as_raw).ok(),
        "uid": ids(status, "Uid").unwrap_or_else(user_ids),
        "gid": ids(status, "Gid").unwrap_or_else(group_ids),
        "groups": unistd::getgroups().map(|all| all.into_iter().map(unistd::Gid::as_raw).collect::<Vec<_>>()).ok(),
        "umask": status.text("Umask").and_then(|octal| u32::from_str_radix(octal, 8).ok()),
        "cwd": std::env::current_dir().map(|path| path.to_string_lossy().into_owned()).ok(),
        "args": std::env::args_os().map(text).collect::<Vec<_>>(),
        "env": std::env::vars_os().map(variable).collect::<Vec<_>>(),
        "exe": std::fs::read_link("/proc/self/exe").map(|path| path.to_string_lossy().into_owned()).ok(),
        "no_new_privs": prctl::get_no_new_privs().ok(),
        "dumpable": prctl::get_dumpable().ok(),
        "parent_death_signal": prctl::get_pdeathsig().ok().flatten().map(Signal::as_str),
        "oom_score_adj": number("/proc/self/oom_score_adj"),
        "coredump_filter": std::fs::read_to_string("/proc/self/coredump_filter").ok().map(|text| text.trim().to_owned()),
        "personality": kernel::personality(),
        "session_keyring": kernel::session_keyring().ok(),
    })
}

/// The soft and hard limits by their names, `RLIM_INFINITY` as 2^64 - 1.
pub fn rlimits() -> Value {
    let all = [
        Resource::RLIMIT_AS,
        Resource::RLIMIT_CORE,
        Resource::RLIMIT_CPU,
        Resource::RLIMIT_DATA,
        Resource::RLIMIT_FSIZE,
        Resource::RLIMIT_LOCKS,
        Resource::RLIMIT_MEMLOCK,
        Resource::RLIMIT_MSGQUEUE,
        Resource::RLIMIT_NICE,
        Resource::RLIMIT_NOFILE,
        Resource::RLIMIT_NPROC,
        Resource::RLIMIT_RSS,
        Resource::RLIMIT_RTPRIO,
        Resource::RLIMIT_RTTIME,
        Resource::RLIMIT_SIGPENDING,
        Resource::RLIMIT_STACK,
    ];
    let limit = |which| getrlimit(which).map(|(soft, hard)| json!({"soft": soft, "hard": hard})).ok();
    all.into_iter().map(|which| (format!("{which:?}"), json!(limit(which)))).collect::<Map<_, _>>().into()
}

/// The signals that are blocked, ignored, caught and pending, by name.
pub fn signals(status: &Status) -> Value {
    let set = |field| status.mask(field).map(signal_names);
    json!({
        "blocked": set("SigBlk"),
        "ignored": set("SigIgn"),
        "caught": set("SigCgt"),
        "pending": set("ShdPnd"),
    })
}

fn signal_names(mask: u64) -> Vec<String> {
    let name =
        |number: i32| Signal::try_from(number).map_or_else(|_| format!("SIG{number}"), |signal| signal.to_string());
    (1..=64).filter(|number| mask & (1 << (number - 1)) != 0).map(name).collect()
}

/// The clocks that a time namespace has, in seconds.
pub fn clocks() -> Value {
    json!({"monotonic": kernel::clock(libc::CLOCK_MONOTONIC), "boottime": kernel::clock(libc::CLOCK_BOOTTIME)})
}

/// Policy, priorities and processor affinity.
pub fn scheduling(status: &Status) -> Value {
    const RESET_ON_FORK: i32 = 0x4000_0000;
    let (policy, priority) = kernel::scheduler();
    let io = kernel::io_priority().ok();
    let memory = kernel::memory_policy().ok();
    json!({
        "policy": policy & !RESET_ON_FORK,
        "reset_on_fork": policy & RESET_ON_FORK != 0,
        "priority": priority,
        "nice": kernel::nice(),
        "io_class": io.map(|both| both >> 13),
        "io_level": io.map(|both| both & 0x1fff),
        "cpus": status.text("Cpus_allowed_list"),
        "mems": status.text("Mems_allowed_list"),
        "memory_policy": memory.map(|(mode, nodes)| json!({"mode": mode, "nodes": nodes})),
    })
}

fn ids(status: &Status, field: &str) -> Option<Value> {
    match status.numbers(field)[..] {
        [real, effective, saved, fs] => Some(json!({"real": real, "effective": effective, "saved": saved, "fs": fs})),
        _ => None,
    }
}

fn user_ids() -> Value {
    json!({"real": unistd::getuid().as_raw(), "effective": unistd::geteuid().as_raw()})
}

fn group_ids() -> Value {
    json!({"real": unistd::getgid().as_raw(), "effective": unistd::getegid().as_raw()})
}

fn number(path: &str) -> Option<i64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}
