//! Joining a container: its namespaces, and one more process in it.

use super::listener::Handover;
use super::{At, Never, Outcome, Wire};
use super::{console, home, identity, label, listen, program, rootfs, seal};
use crate::script::{Event, Join, Process, Script, Step};
use crate::sys::abi;
use crate::sys::{clone, process};

/// Joins the container and becomes one more program in it.
pub fn run(script: &'static Script, wire: Wire) -> Outcome<Never> {
    let process = &script.process;

    // 1. Nobody looks into this process, now or in the container.
    seal::first(script)?;
    seal::undumpable()?;

    // 2. Into the container's namespaces; but into its pid namespace only a child will be born, so that nothing in there
    //    can see this process, however many capabilities it has to look (CAP_SYS_PTRACE).
    let handover = Handover::new(wire);
    enter(script, Some(&handover))?;
    if script.become_root.is() {
        identity::become_root(&script.process)?;
    }
    seal::undumpable()?;
    label::of_keyrings(script)?;
    seal::keyring(process)?;

    // 3. A terminal from the container's own devpts; its root, where that does not come with its mount namespace.
    console::open_here(process)?;
    rootfs::enter(&script.container)?;

    // 4. The program's label, by the host's /proc; then nothing that leads out is open any more. Who the process is, where
    //    it stands, what it becomes.
    label::of_program(script)?;
    seal::last(script, wire.0)?;
    let there = program::approach_cwd(process);
    let waiting = identity::assume(script)?;
    program::enter_cwd(process, there)?;
    let mut path = [0; program::PATH_MAX];
    let program = program::find(process, &mut path)?;
    let mut home = [0; home::LENGTH];
    let envp = home::environment(process, &mut home);

    // 5. It can do no more than its program will. A filter that had to wait for a capability goes first, too. Where it
    //    notifies, the parent answers from here on, until it knows the process id that the agent is to be told.
    program::inherit(script)?;
    let early = waiting && process.filter_first.is();
    if early {
        identity::finish(process, waiting, &handover)?;
    }

    // 6. Born into the pid namespace: from here on the container can see it. A session, with the terminal; when it runs.
    if script.reborn.is() {
        be_born(script, wire)?;
    }
    listen::name(process, envp);
    process::setsid().at(Step::Session)?;
    console::control(process)?;
    identity::schedule(process)?;

    // 7. Ready. What only the parent may set it sets now, and the agent gets its listener; then the filter, and the user's
    //    program.
    wire.say(Event::Ready, 0);
    if process.await_last.is() {
        wire.wait().at(Step::Start)?;
    }
    if !early {
        identity::finish(process, waiting, &handover)?;
    }
    program::execute(process, program, envp)
}

/// Joins namespaces that exist, and is born again where a process must be born into them (a pid namespace), or where
/// what is new must belong to a new user namespace while what is joined does not.
pub fn namespaces(script: &Script, wire: Wire) -> Outcome {
    enter(script, None)?;
    if script.reborn.is() { be_born(script, wire) } else { Ok(()) }
}

/// Joins; of a pid namespace that holds for children only. The thread that hands a listener over is made before it, because
/// then none can be, and after the others, which a process with several threads can't join.
fn enter(script: &Script, handover: Option<&Handover>) -> Outcome {
    for join in script.joins.get() {
        let first = join.kinds & !abi::CLONE_NEWPID;
        match handover {
            Some(handover)
                if first != join.kinds && script.process.notifies.is() && script.process.filter_first.is() =>
            {
                if first != 0 {
                    process::setns(join.file, first).nth(Step::Join, join.index)?;
                }
                pid_namespace(join, &script.process, handover)?;
            }
            _ => process::setns(join.file, join.kinds).nth(Step::Join, join.index)?,
        }
    }
    Ok(())
}

/// Children will be born into the pid namespace `join`.
pub fn pid_namespace(join: &Join, process: &Process, handover: &Handover) -> Outcome {
    if process.notifies.is() && process.filter_first.is() {
        handover.prepare()?;
    }
    process::setns(join.file, abi::CLONE_NEWPID).nth(Step::Join, join.index)
}

/// The second clone. The new process is a child of our parent, too (`CLONE_PARENT`), and from here on it alone goes on.
pub fn be_born(script: &Script, wire: Wire) -> Outcome {
    match clone::fork(script.clone | abi::CLONE_PARENT).at(Step::Clone)? {
        Some(pid) => {
            wire.say(Event::Reborn, pid.cast_unsigned());
            process::exit(0)
        }
        None => Ok(()),
    }
}
