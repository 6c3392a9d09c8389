//! `process` (spec: config, Process): what is run, as whom, with which limits. Also of `exec --process`.

use oci_spec::runtime::{PosixRlimit, Process};

use super::{Findings, capabilities, scheduling};
use crate::error::Problem;

/// Checks a process object; problems are placed at `process...`.
pub fn process(process: &Process, found: &mut Findings) {
    check_args(process, found);
    check_env(process, found);
    check_cwd(process, found);
    check_user(process, found);
    check_terminal(process, found);
    check_rlimits(process.rlimits().as_deref().unwrap_or_default(), found);
    check_oom_score(process, found);
    if let Some(of) = process.capabilities() {
        capabilities::check(of, found);
    }
    if let Some(of) = process.scheduler() {
        scheduling::scheduler(of, found);
    }
    if let Some(of) = process.io_priority() {
        scheduling::io_priority(*of, found);
    }
}

fn check_args(process: &Process, found: &mut Findings) {
    match process.args().as_deref().unwrap_or_default() {
        [] => {
            let what = if process.args().is_some() { "is empty" } else { "is missing" };
            found.error(Problem::new("process.args", what).hint("its first member names the program to run"));
        }
        // Engines tell "not found" from other failures by this phrase.
        [first, ..] if first.is_empty() => {
            found.error(
                Problem::new("process.args[0]", "is an empty name: executable file not found in $PATH")
                    .hint("name the program to run"),
            );
        }
        _ => {}
    }
    if process.command_line().as_ref().is_some_and(|line| !line.is_empty()) {
        found.warn(Problem::new("process.commandLine", "is for Windows and not looked at").hint("use process.args"));
    }
}

fn check_env(process: &Process, found: &mut Findings) {
    for (index, variable) in process.env().iter().flatten().enumerate() {
        let what = match variable.split_once('=') {
            Some(("", _)) => "has no name before the \"=\"",
            Some(_) => continue,
            None => "must read NAME=value",
        };
        found.error(Problem::new(format!("process.env[{index}]"), format!("\"{variable}\" {what}")));
    }
}

fn check_cwd(process: &Process, found: &mut Findings) {
    let cwd = process.cwd();
    if cwd.as_os_str().is_empty() {
        found.error(Problem::new("process.cwd", "is missing").hint("write \"/\" if it does not matter"));
    } else {
        found.absolute(cwd, || "process.cwd".to_owned());
    }
}

fn check_user(process: &Process, found: &mut Findings) {
    let user = process.user();
    if let Some(name) = user.username().as_deref().filter(|name| !name.is_empty()) {
        let hint = "use process.user.uid and process.user.gid";
        found
            .error(Problem::new("process.user.username", format!("\"{name}\": names are for Windows only")).hint(hint));
    }
    if let Some(mask) = user.umask().filter(|mask| *mask > 0o777) {
        let what = format!("{mask} (octal {mask:o}) has bits that the kernel does not look at");
        found.warn(Problem::new("process.user.umask", what).hint("a mask is within 0 and 511, octal 777"));
    }
    // NGROUPS_MAX of linux/limits.h.
    if let Some(count) = user.additional_gids().as_ref().map(Vec::len).filter(|count| *count > 65_536) {
        let what = format!("are {count}, and a process has at most 65536 groups");
        found.error(Problem::new("process.user.additionalGids", what));
    }
    // (uid_t) -1 means "leave as it is" to the kernel, so it never names a user.
    let groups = user.additional_gids().iter().flatten().enumerate();
    let groups = groups.map(|(index, gid)| (format!("process.user.additionalGids[{index}]"), *gid));
    let own = [("process.user.uid".to_owned(), user.uid()), ("process.user.gid".to_owned(), user.gid())];
    for (place, id) in own.into_iter().chain(groups) {
        if id == u32::MAX {
            found.error(Problem::new(place, format!("{id} is no valid id")).hint("ids go up to 4294967294"));
        }
    }
}

fn check_terminal(process: &Process, found: &mut Findings) {
    // Without a terminal it MUST be ignored.
    let Some(size) = process.console_size().filter(|_| process.terminal() == Some(true)) else {
        return;
    };
    for (name, value) in [("height", size.height()), ("width", size.width())] {
        if value > u64::from(u16::MAX) {
            found.error(Problem::new(
                format!("process.consoleSize.{name}"),
                format!("must be within 0 and 65535, not {value}"),
            ));
        }
    }
}

fn check_rlimits(rlimits: &[PosixRlimit], found: &mut Findings) {
    for (index, rlimit) in rlimits.iter().enumerate() {
        let (kind, soft, hard) = (rlimit.typ(), rlimit.soft(), rlimit.hard());
        let place = format!("process.rlimits[{index}]");
        if let Some(first) = rlimits[..index].iter().position(|other| other.typ() == kind) {
            found.error(Problem::new(&place, format!("{kind} is already given by rlimits[{first}]")));
        }
        if soft > hard {
            let what = format!("the soft limit of {kind} ({soft}) is above its hard limit ({hard})");
            found.error(Problem::new(place, what).hint("lower soft, or raise hard"));
        }
    }
}

fn check_oom_score(process: &Process, found: &mut Findings) {
    if let Some(score) = process.oom_score_adj().filter(|score| !(-1000..=1000).contains(score)) {
        found.error(Problem::new("process.oomScoreAdj", format!("must be within -1000 and 1000, not {score}")));
    }
}
