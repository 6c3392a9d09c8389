//! Hooks that run in the container's namespaces: the one occasion on which the child makes processes.

use super::{At, Fault, Outcome, Wire, identity, text};
use crate::script::{Container, Event, Hook, HookState, Process, Step};
use crate::sys::{Errno, Fd, abi, clone, file, mount, process, socket};

/// What programs of the host begin with, while this process has none (see `seal::first`).
const MASK: u32 = 0o022;

/// createContainer hooks: programs of the host, in the container's namespaces, before the pivot.
///
/// They know the rootfs by its path, and look there for what is mounted in it: so for them it is mounted there, too. That
/// is also where they stand.
///
/// What is mounted there leaves all peer groups: or else, when it is taken away again, what is mounted on a shared mount
/// of the container would go with it, in the container and on the host.
pub fn create_container(root: Fd, container: &Container) -> Outcome {
    let path = container.rootfs_path.get();
    let copy = mount::clone_tree(root, c"", true).at(Step::CreateContainerHook)?;
    mount::set_attributes(copy, 0, 0, abi::MS_PRIVATE, true).at(Step::CreateContainerHook)?;
    mount::attach_at(copy, path).at(Step::CreateContainerHook)?;
    file::close(copy);
    file::chdir(path).at(Step::CreateContainerHook)?;
    before_the_root(container)?;
    file::fchdir(root).at(Step::CreateContainerHook)?;
    mount::detach(path).at(Step::CreateContainerHook)
}

/// The same in the runtime's mount namespace, where nothing is mounted for the container. They stand in the rootfs.
pub fn create_container_as_it_is(root: Fd, container: &Container) -> Outcome {
    file::fchdir(root).at(Step::CreateContainerHook)?;
    before_the_root(container)
}

fn before_the_root(container: &Container) -> Outcome {
    file::umask(MASK);
    for (index, hook) in container.hooks.numbered() {
        run(hook, &container.hook_state, (Step::CreateContainerHook, index), None)?;
    }
    file::umask(0);
    Ok(())
}

/// startContainer hooks: programs of the container, before the user's, and with no more capabilities. If this process is
/// still `waiting` for a filter it has more. If it ends in between, what was said tells that no program has begun.
pub fn start_container(process: &Process, wire: Wire, waiting: bool) -> Outcome {
    if process.hooks.get().is_empty() {
        return Ok(());
    }
    wire.say(Event::Hooks, 1);
    for (index, hook) in process.hooks.numbered() {
        run(hook, &process.hook_state, (Step::StartContainerHook, index), waiting.then_some(process))?;
    }
    // Who gave the word may have been killed since. Then this would be our end, too (SIGPIPE).
    if process::readable(wire.0, 0) == Ok(false) {
        wire.say(Event::Hooks, 0);
    }
    Ok(())
}

/// Runs one, with the state on stdin, in a process group of its own that is killed as a whole when the time is up. `limits`
/// is whose capabilities it gets, if they are not ours.
fn run(hook: &Hook, state: &HookState, (step, index): (Step, u32), limits: Option<&Process>) -> Outcome {
    let stdin = stdin(state).nth(step, index)?;
    let Some(pid) = clone::fork(0).nth(step, index)? else { become_hook(hook, stdin, limits) };
    file::close(stdin);
    let in_time = process::pidfd(pid).and_then(|pidfd| {
        let ended = process::readable(pidfd, i64::from(hook.timeout));
        file::close(pidfd);
        ended
    });
    if !matches!(in_time, Ok(true)) {
        process::kill_group(pid);
        // It makes the group itself, and may not have come to it.
        process::kill_one(pid);
    }
    let (code, status) = process::wait(pid).nth(step, index)?;
    match (in_time.nth(step, index)?, code, status) {
        (false, ..) => Err(Fault { errno: Errno(abi::ETIMEDOUT), ..Fault::new(step, index) }),
        (true, 1, 0) => Ok(()),
        // As wait(2) encodes it: an exit status in the second byte, a signal in the first.
        (true, 1, status) => Err(Fault::new(step, index).extra(status.cast_unsigned() << 8)),
        (true, _, signal) => Err(Fault::new(step, index).extra(signal.cast_unsigned())),
    }
}

/// The state, in a file of memory: a pipe has room for 64 KiB only, and who does not read would have us wait.
fn stdin(state: &HookState) -> Result<Fd, Errno> {
    let memory = socket::memfd(c"onggi:state", abi::MFD_CLOEXEC)?;
    let (mut digits, mut at) = ([0; 10], 0);
    let pid = text::decimal(process::pid(), &mut digits);
    for part in [state.before.get().to_bytes(), pid, state.after.get().to_bytes()] {
        file::write_at(memory, part, at)?;
        at += part.len();
    }
    Ok(memory)
}

fn become_hook(hook: &Hook, stdin: Fd, limits: Option<&Process>) -> ! {
    if limits.is_some_and(|process| identity::capabilities(process).is_err()) {
        process::exit(126);
    }
    let errno = match process::own_group().and_then(|()| file::dup(stdin, Fd(0))) {
        // SAFETY: the script's vectors are null-terminated arrays of NUL-terminated strings.
        Ok(()) => unsafe { process::execve(hook.path.get(), hook.argv, hook.envp) },
        Err(errno) => errno,
    };
    // As shells say it.
    process::exit(if errno == Errno(abi::ENOENT) { 127 } else { 126 })
}
