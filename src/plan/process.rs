//! `process`: the user's program, as the child will start it. Also of `exec`.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

use oci_spec::runtime as oci;

use super::{Host, Process, Rlimit, caps, label, scheduling};
use crate::bundle::{Findings, check};
use crate::error::{Problem, Result};

impl Process {
    /// A process to be started in a container that is there already (`exec`): checked, with its warnings.
    ///
    /// `user_namespace`: whether the container has one of its own.
    pub fn new(process: &oci::Process, user_namespace: bool, host: &Host) -> Result<(Self, Vec<Problem>)> {
        let mut found = Findings::default();
        check::process(process, &mut found);
        let plan = new(process, user_namespace, host, &mut found);
        found.into_result(Some(plan))
    }
}

/// The plan of a process that the check has seen.
pub fn new(process: &oci::Process, user_namespace: bool, host: &Host, found: &mut Findings) -> Process {
    let user = process.user();
    // Who makes a user namespace, or enters one, has all capabilities in it.
    let grantable = if user_namespace { caps::ALL } else { host.permitted };
    let terminal = process.terminal() == Some(true);
    Process {
        args: texts("process.args", process.args().as_deref(), found),
        env: env(process.env().as_deref().unwrap_or_default(), found),
        cwd: found.text(process.cwd().as_os_str().as_bytes(), || "process.cwd".to_owned()),
        uid: user.uid(),
        gid: user.gid(),
        groups: user.additional_gids().clone().unwrap_or_default(),
        umask: user.umask().map(|mask| mask & 0o777),
        terminal,
        console_size: process.console_size().filter(|_| terminal).and_then(size),
        capabilities: caps::new(process.capabilities().as_ref(), grantable, found),
        no_new_privileges: process.no_new_privileges() == Some(true),
        rlimits: process.rlimits().iter().flatten().map(rlimit).collect(),
        oom_score_adj: process.oom_score_adj(),
        scheduler: process.scheduler().as_ref().map(scheduling::scheduler),
        io_priority: process.io_priority().map(scheduling::io_priority),
        exec_affinity: scheduling::affinity(process.exec_cpu_affinity().as_ref(), found),
        apparmor: label::apparmor(process, host, found),
        selinux: label::selinux(process, host, found),
    }
}

/// A list of strings, each as the kernel takes it.
pub fn texts(place: &str, list: Option<&[String]>, found: &mut Findings) -> Vec<CString> {
    let texts = list.unwrap_or_default().iter().enumerate();
    texts.map(|(index, text)| found.text(text.as_str(), || format!("{place}[{index}]"))).collect()
}

/// Of a name that is given twice, the last one counts, as in a shell; programs would see the first.
fn env(variables: &[String], found: &mut Findings) -> Vec<CString> {
    let name = |variable: &String| variable.split('=').next().map(str::to_owned);
    let mut plan = Vec::with_capacity(variables.len());
    for (index, variable) in variables.iter().enumerate() {
        if !variables[index + 1..].iter().any(|later| name(later) == name(variable)) {
            plan.push(found.text(variable.as_str(), || format!("process.env[{index}]")));
        }
    }
    plan
}

/// Rows and columns; a size of 0 by 0 counts as not given.
fn size(size: oci::Box) -> Option<(u16, u16)> {
    let (rows, columns) = (u16::try_from(size.height()).ok()?, u16::try_from(size.width()).ok()?);
    (rows > 0 && columns > 0).then_some((rows, columns))
}

/// The resource limits by the kernel's numbers, which start at 0 (asm-generic/resource.h).
pub const RLIMITS: [&str; 16] = [
    "RLIMIT_CPU",
    "RLIMIT_FSIZE",
    "RLIMIT_DATA",
    "RLIMIT_STACK",
    "RLIMIT_CORE",
    "RLIMIT_RSS",
    "RLIMIT_NPROC",
    "RLIMIT_NOFILE",
    "RLIMIT_MEMLOCK",
    "RLIMIT_AS",
    "RLIMIT_LOCKS",
    "RLIMIT_SIGPENDING",
    "RLIMIT_MSGQUEUE",
    "RLIMIT_NICE",
    "RLIMIT_RTPRIO",
    "RLIMIT_RTTIME",
];

fn rlimit(limit: &oci::PosixRlimit) -> Rlimit {
    let name = limit.typ().to_string();
    // All that config.json can name are in the table; the kernel has no limit of the number that stands for none.
    let resource = (0..).zip(RLIMITS).find(|(_, known)| *known == name).map_or(u32::MAX, |(number, _)| number);
    Rlimit { resource, soft: limit.soft(), hard: limit.hard() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(json: serde_json::Value) -> Result<(Process, Vec<Problem>)> {
        Process::new(&serde_json::from_value(json).unwrap(), false, &Host::example())
    }

    #[test]
    fn the_last_of_equal_variables_counts() {
        let json = serde_json::json!({"user": {}, "cwd": "/", "args": ["a"], "env": ["A=1", "B=2", "A=3"]});
        assert_eq!(process(json).unwrap().0.env, [c"B=2".to_owned(), c"A=3".to_owned()]);
    }

    #[test]
    fn a_console_size_needs_a_terminal() {
        let mut json =
            serde_json::json!({"user": {}, "cwd": "/", "args": ["a"], "consoleSize": {"height": 25, "width": 80}});
        assert_eq!(process(json.clone()).unwrap().0.console_size, None);
        json["terminal"] = true.into();
        assert_eq!(process(json).unwrap().0.console_size, Some((25, 80)));
    }

    #[test]
    fn limits_have_the_numbers_of_the_c_library() {
        let numbers = [
            ("RLIMIT_CPU", libc::RLIMIT_CPU),
            ("RLIMIT_NPROC", libc::RLIMIT_NPROC),
            ("RLIMIT_NOFILE", libc::RLIMIT_NOFILE),
            ("RLIMIT_AS", libc::RLIMIT_AS),
            ("RLIMIT_RTTIME", libc::RLIMIT_RTTIME),
        ];
        for (name, number) in numbers {
            assert_eq!(RLIMITS.iter().position(|known| *known == name), usize::try_from(number).ok(), "{name}");
        }
    }

    #[test]
    fn a_nul_byte_has_a_place() {
        let json = serde_json::json!({"user": {}, "cwd": "/\u{0}", "args": ["a", "b\u{0}c"], "env": ["A=\u{0}"]});
        let error = process(json).unwrap_err();
        let said: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "process.args[1]: contains a NUL byte (at offset 1)",
                "process.env[0]: contains a NUL byte (at offset 2)",
                "process.cwd: contains a NUL byte (at offset 1)"
            ]
        );
    }
}
