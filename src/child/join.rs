//! Joining a container: its namespaces, and one more process in it.

use super::{At, Never, Outcome, Wire};
use super::{console, identity, program, seal};
use crate::script::{Event, Script, Step};
use crate::sys::abi;
use crate::sys::{clone, process};

/// Joins the container and becomes one more program in it.
pub fn run(script: &'static Script, wire: Wire) -> Outcome<Never> {
    let process = &script.process;

    // 1. Nobody looks into this process, now or in the container.
    seal::first(script)?;
    seal::undumpable()?;

    // 2. Into the container's namespaces.
    namespaces(script, wire)?;
    if script.become_root.is() {
        identity::become_root()?;
    }
    seal::undumpable()?;
    process::setsid().at(Step::Session)?;
    seal::keyring(process)?;

    // 3. A terminal from the container's own devpts.
    console::open_here(process)?;

    // 4. Nothing that leads out is open any more. Who the process is, where it stands, what it becomes.
    seal::last(script, wire.0)?;
    let waiting = identity::assume(script)?;
    program::enter_cwd(process)?;
    let mut path = [0; program::PATH_MAX];
    let program = program::find(process, &mut path)?;
    wire.say(Event::Ready, 0);
    identity::finish(process, waiting)?;
    program::execute(script, program)
}

/// Joins namespaces that exist, and is born again where a process must be born into them (a pid namespace), or where
/// what is new must belong to a new user namespace while what is joined does not.
///
/// Until it is born again the process is outside the container's pid namespace: nothing in there can see it. The
/// new one is a child of our parent, too (`CLONE_PARENT`), and from here on it alone goes on.
pub fn namespaces(script: &Script, wire: Wire) -> Outcome {
    for join in script.joins.get() {
        process::setns(join.file, join.kinds).nth(Step::Join, join.index)?;
    }
    if !script.reborn.is() {
        return Ok(());
    }
    match clone::fork(script.clone | abi::CLONE_PARENT).at(Step::Clone)? {
        Some(pid) => {
            wire.say(Event::Reborn, pid.cast_unsigned());
            process::exit(0)
        }
        None => Ok(()),
    }
}
