//! Failing at one coordinate after the other.

use std::collections::BTreeSet;

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::support::{ConsoleSocket, Host, Invocation, Output, Runtime, Snapshot, lasting_differences};

/// Every step and how many coordinates of it are tried.
pub const STEPS: &[(&str, usize)] = &[
    ("Undumpable", 1),
    ("Descriptors", 1),
    ("Affinity", 2),
    ("Signals", 1),
    ("Join", 6),
    ("Clone", 1),
    ("Maps", 1),
    ("Time", 1),
    ("TimeOffsets", 1),
    ("Root", 1),
    ("Session", 1),
    ("Keyring", 1),
    ("Loopback", 1),
    ("Hostname", 1),
    ("Domainname", 1),
    ("Hooks", 1),
    ("Propagation", 1),
    ("RootfsSource", 1),
    ("MountSource", MOUNTS),
    ("DeviceSource", DEVICES),
    ("Null", 1),
    ("Sysctl", 2),
    ("RootfsAttach", 1),
    ("RootfsPropagation", 1),
    ("Pivot", 1),
    ("Unmount", 1),
    ("MountTarget", MOUNTS),
    ("MountPlain", MOUNTS),
    ("MountOpen", MOUNTS),
    ("MountParameter", MOUNTS),
    ("MountCreate", MOUNTS),
    ("MountAttributes", MOUNTS),
    ("MountPropagation", MOUNTS),
    ("MountAttach", MOUNTS),
    ("DeviceParent", DEVICES),
    ("Device", DEVICES),
    ("DevLink", 5),
    ("Devpts", 1),
    ("Terminal", 1),
    ("TerminalSend", 1),
    ("TerminalUse", 1),
    ("Console", 1),
    ("CreateContainerHook", 2),
    ("Readonly", 5),
    ("Masked", 10),
    ("RootfsReadonly", 1),
    ("Cwd", 1),
    ("CwdOutside", 1),
    ("Personality", 1),
    ("MemoryPolicy", 1),
    ("Rlimit", 2),
    ("Groups", 1),
    ("Gid", 1),
    ("Uid", 1),
    ("Bounding", CAPABILITIES),
    ("Capabilities", 1),
    ("Ambient", CAPABILITIES),
    ("NoNewPrivileges", 1),
    ("Program", 1),
    ("Scheduler", 1),
    ("IoPriority", 1),
    ("Start", 1),
    ("StartContainerHook", 1),
    ("Listener", 1),
    ("Seccomp", 1),
];

/// The steps that no fault can be asked for at: before the script is mapped there is no way to ask, and of these two
/// only a failure is looked at (handing over stdio; an execve that comes back). Copying up fails in the life tests, for real; ids are
/// mapped by the parent. Labels are set only where the machine has a security module for them, and groups entered only where it
/// has resctrl.
const BY_NATURE: [&str; 9] =
    ["Become", "Script", "Resctrl", "KeyLabel", "MountIdmap", "MountCopyUp", "Label", "Stdio", "Execve"];

const MOUNTS: usize = 11;
const DEVICES: usize = 7;
const CAPABILITIES: usize = 41;

/// ENOSPC, EPERM, EINTR, ENOMEM, EACCES: which one it is must make no difference to what is left.
const ERRORS: [i32; 5] = [28, 1, 4, 12, 13];

/// The coordinates that are tried, each with the errors that it is tried with: one, or with `ONGGI_FAULT_ALL` all.
fn coordinates() -> impl Iterator<Item = (&'static str, String)> {
    let all = std::env::var_os("ONGGI_FAULT_ALL").is_some();
    STEPS.iter().enumerate().flat_map(move |(number, (step, count))| {
        (0..*count).flat_map(move |index| {
            let one = (number + index) % ERRORS.len();
            let errors = if all { 0..ERRORS.len() } else { one..one + 1 };
            errors.map(move |which| (*step, format!("{step}:{index}:{}", ERRORS[which])))
        })
    })
}

/// Fails a command at every coordinate. What `command` makes must succeed where nothing was failed, that is where the
/// coordinate was not reached, and else say one sentence; either way the host must be as before.
///
/// All steps must be reached but these, and the one that needs an agent (see `later::notify`).
pub fn sweep(host: &Host, missed: &[&str], mut command: impl FnMut() -> Invocation) {
    let before = Snapshot::take(host);
    command().run().ok();
    let mut failed = BTreeSet::new();
    let mut before_this = "";
    for (step, coordinate) in coordinates() {
        let output = with_fault(command(), &coordinate).run();
        if output.status != 0 {
            failed.insert(step);
            one_sentence(&output, &coordinate);
        }
        // Failing after a clone that was made leaves two who think that they are the one; the other may end late.
        let orphans = orphans();
        let cloned = std::mem::replace(&mut before_this, step) == "Clone" || step == "Clone";
        assert!(orphans == 0 || cloned, "{orphans} processes not waited for after {coordinate}: {output:?}");
        as_before(host, &before, &format!("{coordinate}: {output:?}"));
    }
    command().run().ok();
    let not_reached: Vec<&str> = STEPS.iter().map(|(step, _)| *step).filter(|step| !failed.contains(step)).collect();
    let missed: Vec<&str> =
        STEPS.iter().map(|(step, _)| *step).filter(|step| missed.contains(step) || *step == "Listener").collect();
    assert_eq!(not_reached, missed, "the steps that were not reached");
}

/// Takes the status of those that have ended and that nobody waited for; how many there were.
pub fn orphans() -> usize {
    let ended = || waitpid(None, Some(WaitPidFlag::WNOHANG)).is_ok_and(|status| status != WaitStatus::StillAlive);
    std::iter::from_fn(|| ended().then_some(())).count()
}

/// Fails the test unless the host is as before. What is dying may take a moment.
#[track_caller]
pub fn as_before(host: &Host, before: &Snapshot, after: &str) {
    if !before.differences(&Snapshot::take(host)).is_empty() {
        let differences = lasting_differences(host, before);
        assert!(differences.is_empty(), "left after {after}\n{}", differences.join("\n"));
    }
}

/// The command, with the fault that its onggi is to make.
pub fn with_fault(invocation: Invocation, coordinate: &str) -> Invocation {
    let coordinate = coordinate.to_owned();
    invocation.with(|command| {
        command.env("ONGGI_FAULT", coordinate);
    })
}

/// What onggi says is one line, and it is not what is said where nothing better is known.
#[track_caller]
pub fn one_sentence(output: &Output, coordinate: &str) {
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "not one line for {coordinate}: {output:?}");
    let vague = ["panicked", "failed at its step", "something unknown"];
    assert!(!vague.iter().any(|words| lines[0].contains(words)), "a vague sentence for {coordinate}: {output:?}");
}

/// `run` of the bundle at `path` as container `jar`, with a console socket of its own if it has a terminal.
pub fn run<'a>(
    host: &'a Host,
    runtime: &'a Runtime,
    path: &'a str,
    terminal: bool,
) -> impl FnMut() -> Invocation + use<'a> {
    let mut console = None;
    move || {
        let mut words = vec!["run".to_owned(), "--bundle".to_owned(), path.to_owned()];
        if terminal {
            // Whatever the last one was sent goes with it.
            let socket = console.insert(ConsoleSocket::listen(host));
            words.extend(["--console-socket".to_owned(), socket.path().to_owned()]);
        }
        words.push("jar".to_owned());
        runtime.invoke(words)
    }
}

/// A step that is new in the child must come here as well.
#[test]
fn every_step_is_tried() {
    let source = include_str!("../../src/script/step.rs");
    let list = source.split("\nsteps! {\n").nth(1).and_then(|rest| rest.split("\n}\n").next()).unwrap();
    let names = list.lines().map(str::trim).filter(|line| !line.starts_with("///") && !BY_NATURE.contains(line));
    let names: Vec<&str> = names.collect();
    let ours: Vec<&str> = STEPS.iter().map(|(step, _)| *step).collect();
    assert_eq!(names, ours);
}
