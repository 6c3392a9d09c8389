//! Laying out the process: the part of the script that `create` and `exec` share.

use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

use super::builder::NO_STATE;
use super::{Builder, label};
use crate::launch::scheduling;
use crate::plan::{self, Capabilities, DEFAULT_HOOK_TIMEOUT};
use crate::script::{self, Flag, List};
use crate::seccomp::{Filter, Instruction};
use crate::sys::{Fd, abi, process};

/// What the process has to do with the world outside its plan.
pub struct Outside {
    /// The socket that gets the terminal.
    pub console: Option<OwnedFd>,
    /// Whether it leaves our session keyring.
    pub new_keyring: bool,
    /// The `tasks` files of its resctrl groups.
    pub resctrl: Vec<OwnedFd>,
}

/// What only a container's init has.
pub struct Init<'a> {
    /// The listening socket on which it waits for its start.
    pub start: Option<OwnedFd>,
    /// Its startContainer hooks.
    pub hooks: &'a [plan::Hook],
    /// What they are told.
    pub hook_state: script::HookState,
}

/// Files created by the user's program are writable for their owner only, as everywhere else.
const DEFAULT_UMASK: u32 = 0o022;

/// Lays out the plan's process. Without `init` it is one that joins a container. If it is `confined` it is born into a pid
/// namespace of others when all else is done.
pub fn lay_out(builder: &mut Builder<'_>, outside: Outside, init: Option<Init<'_>>, confined: bool) -> script::Process {
    let process = &builder.plan.process;
    let joins = init.is_none();
    let Init { start, hooks, hook_state } = init.unwrap_or(Init { start: None, hooks: &[], hook_state: NO_STATE });
    let variable = |name: &[u8]| process.env.iter().find_map(|it| it.to_bytes_with_nul().strip_prefix(name));
    let path = variable(b"PATH=").and_then(|value| CStr::from_bytes_with_nul(value).ok());
    let (rows, columns) = process.console_size.unwrap_or((0, 0));
    let Capabilities { bounding, effective, permitted, inheritable, ambient } = process.capabilities;
    let (filter, memory) = (builder.plan.seccomp.as_ref(), builder.plan.memory_policy.as_ref());
    let early = !process.no_new_privileges
        && filter.is_some_and(|filter| {
            if joins {
                confined && can_be_born(filter, outside.console.is_some())
            } else {
                goes_first(filter, confined, hooks)
            }
        });
    let answered = early && filter.is_some_and(|filter| filter.notify);
    // An ordinary user's process sets its own scheduling; where root is the caller the parent does it, see `launch::scheduling`.
    let own_scheduling = builder.rootless;
    // `process.execCPUAffinity` is for processes that join.
    let processors = process.exec_affinity.last.as_ref().filter(|_| joins);
    let scheduler = process.scheduler.iter().filter(|_| own_scheduling).map(scheduling::attributes);
    let scheduler = builder.layout.list(&scheduler.collect::<Vec<_>>());
    let mut add = |file: Option<OwnedFd>| file.map_or(Fd::NONE, |file| builder.files.add(file));
    let (console, start) = (add(outside.console), add(start));
    let resctrl: Vec<Fd> = outside.resctrl.into_iter().map(|file| builder.files.add(file)).collect();
    script::Process {
        argv: builder.layout.vector(&process.args, 0),
        program: builder.layout.optional(process.args.first().map(CString::as_c_str)),
        envp: builder.layout.vector(&process.env, 1),
        find_home: Flag::from(variable(b"HOME=").is_none()),
        listens: Flag::from(process.env.iter().any(|variable| variable.as_c_str() == script::LISTEN_PID)),
        path: builder.layout.optional(path),
        cwd: builder.layout.text(&process.cwd),
        make_cwd: Flag::from(!joins),
        new_keyring: Flag::from(outside.new_keyring),
        keep_processors: Flag::from(joins && process.exec_affinity.initial.is_some()),
        processors: processors.map_or(List::EMPTY, |set| builder.layout.list(set.words())),
        set_personality: Flag::from(builder.plan.personality.is_some()),
        personality: builder.plan.personality.unwrap_or(0),
        scheduler,
        io_priority: process.io_priority.filter(|_| own_scheduling).unwrap_or(0),
        await_last: Flag::from(joins && (answered || !own_scheduling && scheduling::is_asked(process))),
        key_label: label::of_keyrings(builder, process),
        labels: label::of_program(builder, process),
        resctrl: builder.layout.list(&resctrl),
        memory_policy: Flag::from(memory.is_some()),
        memory_mode: memory.map_or(0, |policy| policy.mode),
        memory_nodes: memory.map_or(List::EMPTY, |policy| builder.layout.list(&policy.nodes)),
        uid: process.uid,
        gid: process.gid,
        groups: builder.layout.list(&process.groups),
        umask: process.umask.unwrap_or(DEFAULT_UMASK),
        console,
        rows,
        columns,
        rlimits: rlimits(builder, process),
        lenient_memlock: Flag::from(builder.rootless),
        last_capability: last_capability(),
        bounding,
        effective,
        permitted,
        inheritable,
        ambient,
        no_new_privileges: Flag::from(process.no_new_privileges),
        seccomp: filter.map_or(List::EMPTY, |filter| builder.layout.list(&words(filter))),
        seccomp_flags: filter.map_or(0, |filter| filter.flags),
        filter_first: Flag::from(early),
        notifies: Flag::from(filter.is_some_and(|filter| filter.notify)),
        start,
        hooks: self::hooks(builder, hooks),
        hook_state,
    }
}

/// What a created container waits for its start with.
const WAITS_WITH: [i64; 4] = [libc::SYS_read, libc::SYS_write, libc::SYS_close, libc::SYS_accept4];

/// What it runs startContainer hooks with.
const RUNS_HOOKS_WITH: [i64; 13] = [
    libc::SYS_memfd_create,
    libc::SYS_pwrite64,
    libc::SYS_clone,
    libc::SYS_getpid,
    libc::SYS_pidfd_open,
    libc::SYS_ppoll,
    libc::SYS_kill,
    libc::SYS_waitid,
    libc::SYS_setpgid,
    libc::SYS_dup3,
    libc::SYS_fcntl,
    libc::SYS_execve,
    libc::SYS_exit_group,
];

/// What it does when it is born into a pid namespace that others are in.
const IS_BORN_WITH: [i64; 7] = [
    libc::SYS_clone,
    libc::SYS_exit_group,
    libc::SYS_setsid,
    libc::SYS_ioctl,
    libc::SYS_getpid,
    libc::SYS_sched_setattr,
    libc::SYS_ioprio_set,
];

/// Whether a process that joins, with a `terminal` or without, can be born with the filter loaded: if that does not refuse
/// what it is born with. Where it looks at arguments it hardly means ours.
fn can_be_born(filter: &Filter, terminal: bool) -> bool {
    let mut calls = vec![libc::SYS_clone, libc::SYS_exit_group, libc::SYS_setsid, libc::SYS_read, libc::SYS_write];
    if terminal {
        calls.push(libc::SYS_ioctl);
    }
    !calls.iter().any(|call| u32::try_from(*call).is_ok_and(|call| filter.refuses(call)))
}

/// Whether a created container can wait for its start, run its hooks and be born with the filter loaded: if that allows what
/// it does so with.
fn goes_first(filter: &Filter, confined: bool, hooks: &[plan::Hook]) -> bool {
    let hooked: &[i64] = if hooks.is_empty() { &[] } else { &RUNS_HOOKS_WITH };
    let born: &[i64] = if confined { &IS_BORN_WITH } else { &[] };
    WAITS_WITH.iter().chain(hooked).chain(born).all(|call| u32::try_from(*call).is_ok_and(|call| filter.allows(call)))
}

/// Lays out hooks that the child runs.
pub fn hooks(builder: &mut Builder<'_>, hooks: &[plan::Hook]) -> List<script::Hook> {
    let hooks: Vec<_> = hooks
        .iter()
        .map(|hook| script::Hook {
            path: builder.layout.text(&hook.path),
            argv: builder.layout.vector(&hook.args, 0),
            envp: builder.layout.vector(&hook.env, 0),
            timeout: u32::try_from(hook.timeout.unwrap_or(DEFAULT_HOOK_TIMEOUT).as_secs()).unwrap_or(u32::MAX),
        })
        .collect();
    builder.layout.list(&hooks)
}

fn rlimits(builder: &mut Builder<'_>, process: &plan::Process) -> List<script::Rlimit> {
    let limits: Vec<_> = process
        .rlimits
        .iter()
        .map(|limit| script::Rlimit { resource: limit.resource, padding: 0, soft: limit.soft, hard: limit.hard })
        .collect();
    builder.layout.list(&limits)
}

/// The filter's instructions, each as the eight bytes that the kernel reads.
fn words(filter: &Filter) -> Vec<u64> {
    let word = |instruction: &Instruction| {
        let mut bytes = [0; 8];
        bytes[..2].copy_from_slice(&instruction.code.to_ne_bytes());
        bytes[2] = instruction.jt;
        bytes[3] = instruction.jf;
        bytes[4..].copy_from_slice(&instruction.k.to_ne_bytes());
        u64::from_ne_bytes(bytes)
    };
    filter.program.iter().map(word).collect()
}

/// The highest capability that this kernel knows. The search begins where it has been for years.
fn last_capability() -> u32 {
    let known = |capability: u32| process::prctl(abi::PR_CAPBSET_READ, capability as usize).is_ok();
    let mut last = 40;
    while known(last + 1) {
        last += 1;
    }
    while last > 0 && !known(last) {
        last -= 1;
    }
    last
}
