//! The life of a container being born, step by step.

use super::{At, Never, Outcome, Wire};
use super::{
    console, cover, devices, home, hooks, identity, join, label, listen, mounts, program, rootfs, seal, sysctl, time,
};
use crate::script::{Event, Script, Step};
use crate::sys::{mount, process, socket};

/// Makes the container around this process and becomes the user's program.
pub fn run(script: &'static Script, wire: Wire) -> Outcome<Never> {
    let (container, process) = (&script.container, &script.process);

    // 1. Nobody looks into this process, and it has nothing that the parent did not mean to give.
    seal::first(script)?;

    // 2. Namespaces that already exist are joined; a process must be born into some of them.
    if !script.joins.get().is_empty() {
        seal::undumpable()?;
        join::namespaces(script, wire)?;
    }

    // 3. In a new user namespace: wait until ids mean something, then be its root. In between a new time namespace, while
    //    this process's files in /proc still belong to whom it was born as. Then nobody looks in any more.
    if script.await_maps.is() {
        wire.wait().at(Step::Maps)?;
    }
    if container.new_time.is() {
        time::enter(container)?;
    }
    if script.become_root.is() {
        identity::become_root(process)?;
    }
    seal::undumpable()?;
    process::setsid().at(Step::Session)?;
    label::of_keyrings(script)?;
    seal::keyring(process)?;

    // 4. What belongs to the namespaces themselves: a loopback, names, and (the host's /proc is still there) parameters.
    if container.loopback.is() {
        socket::loopback_up().at(Step::Loopback)?;
    }
    if let Some(name) = container.hostname.some() {
        process::set_hostname(name).at(Step::Hostname)?;
    }
    if let Some(name) = container.domainname.some() {
        process::set_domainname(name).at(Step::Domainname)?;
    }
    sysctl::set(container)?;

    // 5. The namespaces are complete: the parent's hooks may work on them.
    if container.await_hooks.is() {
        wire.say(Event::Namespaced, 0);
        wire.wait().at(Step::Hooks)?;
    }

    // 6. Away from the host. First, nothing that is mounted here shows there; then all that comes from there is
    //    opened; then the host's tree goes.
    if container.mounted.is() {
        mount::set_propagation(c"/", container.inherited_propagation).at(Step::Propagation)?;
        mounts::open_sources(container)?;
        let root = rootfs::attach(container)?;
        // createContainer hooks are programs of the host and want to see the mounts: for them alone it stays longer.
        let late = !container.hooks.get().is_empty();
        if !late {
            rootfs::pivot(container)?;
        }

        // 7. What the container sees: mounts in their order, devices, its terminal's name.
        for (index, mount) in container.mounts.numbered() {
            mounts::mount(root, index, mount)?;
        }
        devices::fill(root, container)?;
        if late {
            hooks::create_container(root, container)?;
            rootfs::pivot(container)?;
        }
        program::make_cwd(root, process)?;

        // 8. What it does not see, and what it can't change.
        console::open(root, process)?;
        cover::readonly(root, container)?;
        cover::masked(root, container)?;
        mounts::seal(container)?;
        rootfs::finish(root, container)?;
    } else {
        console::open_here(process)?;
    }

    // 9. The program's label, by the host's /proc; then nothing that leads out is open any more. Who the process is. Then
    //    all is checked that could still go wrong: the directory, the program.
    label::of_program(script)?;
    seal::last(script, wire.0)?;
    let there = program::approach_cwd(process);
    let waiting = identity::assume(script)?;
    program::enter_cwd(process, there)?;
    let mut path = [0; program::PATH_MAX];
    let program = program::find(process, &mut path)?;
    let mut home = [0; home::LENGTH];
    let envp = home::environment(process, &mut home);
    identity::schedule(process)?;
    listen::name(process, envp);

    // 10. A filter that had to wait for a capability goes first if it can: until the start there may be others in the pid
    //    namespace who can look into this process (CAP_SYS_PTRACE), and then it has no more capabilities than its program will.
    let early = waiting && process.filter_first.is();
    if early {
        program::inherit(script)?;
        identity::finish(process, waiting, wire)?;
    }

    // 11. The container is created. It waits, for a moment or a week, to be started.
    wire.say(Event::Ready, 0);
    let wire = program::wait_for_start(process, wire)?;

    // 12. Started: the last hooks, the filter, the last capabilities; then the user's program.
    let finish = || {
        hooks::start_container(process)?;
        program::inherit(script)?;
        identity::finish(process, waiting, wire)
    };
    let ready = if early { Ok(()) } else { finish() };
    let last = ready.and_then(|()| program::execute(process, program, envp));
    match last {
        Err(fault) => wire.fail(fault),
        Ok(never) => Ok(never),
    }
}
