//! The life of a container being born, step by step.

use super::listener::Handover;
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
    let born_last = !script.born_last.is_empty();
    if !born_last {
        process::setsid().at(Step::Session)?;
    }
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
            mounts::mount(root, index, mount, container.shared.is())?;
        }
        devices::fill(root, container)?;
        if late {
            hooks::create_container(root, container)?;
            rootfs::pivot(container)?;
        }
        program::make_cwd(root, process)?;

        // 8. What it does not see, and what it can't change.
        console::open(root, process, container.shared.is())?;
        cover::readonly(root, container)?;
        cover::masked(root, container)?;
        mounts::seal(container)?;
        rootfs::finish(root, container)?;
    } else {
        // No mounts of its own, so none of all this: but in the runtime's mount namespace the hooks and a root. One that is
        // joined has its own root, and nothing in it is the host's to be run.
        let root = container.rootfs.get().some();
        if let Some(root) = root.filter(|_| !container.hooks.get().is_empty()) {
            hooks::create_container_as_it_is(root, container)?;
        }
        console::open_here(process)?;
        if let Some(root) = root {
            rootfs::enter(container)?;
            program::make_cwd(root, process)?;
        }
    }
    if !born_last {
        console::control(process)?;
    }
    become_program(script, wire, born_last)
}

/// The second half: from the container that is made to the program that runs in it. It is `born_last` into a pid namespace
/// that others are in.
fn become_program(script: &'static Script, wire: Wire, born_last: bool) -> Outcome<Never> {
    let process = &script.process;
    let handover = Handover::new(wire);
    for join in script.born_last.get() {
        join::pid_namespace(join, process, &handover)?;
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

    let begin = || {
        identity::schedule(process)?;
        listen::name(process, envp);
        Ok(())
    };
    if !born_last {
        begin()?;
    }

    if process.start.some().is_some() {
        program::heed_signals()?;
    }

    // 10. A filter that had to wait for a capability goes first if it can: until the start there may be others in the pid
    //    namespace who can look into this process (CAP_SYS_PTRACE), and then it has no more capabilities than its program will.
    //    Where it notifies, the parent answers until the agent has its listener. Only then it is born into a pid namespace of
    //    others.
    let early = waiting && process.filter_first.is();
    if early {
        if process.hooks.get().is_empty() {
            program::inherit(script)?;
        }
        identity::finish(process, waiting, &handover)?;
    }
    if born_last {
        join::be_born(script, wire)?;
        process::setsid().at(Step::Session)?;
        console::control(process)?;
        begin()?;
    }

    // 11. The container is created. It waits, for a moment or a week, to be started.
    wire.say(Event::Ready, 0);
    let wire = program::wait_for_start(process, wire)?;

    // 12. Started: the last hooks, the filter, the last capabilities; then the user's program.
    let finish = || {
        hooks::start_container(process, wire, waiting && !early)?;
        if !early || !process.hooks.get().is_empty() {
            program::inherit(script)?;
        }
        if !early {
            if process.start.some().is_some() {
                program::is_there(program)?;
            }
            identity::finish(process, waiting, &Handover::new(wire))?;
        }
        program::execute(process, program, envp)
    };
    match finish() {
        Err(fault) => wire.fail(fault),
        Ok(never) => Ok(never),
    }
}
