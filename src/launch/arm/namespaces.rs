//! Arming the namespaces: which are made by the first clone, which are joined, and when the container is born into one.

use super::Room;
use crate::error::Result;
use crate::script::{self, List, Step};
use crate::sys::{Fd, abi, file, mount};

/// What is made and joined.
pub struct Namespaces {
    /// `CLONE_NEW*` of what is made by a clone.
    pub new: u64,
    /// Of what is joined.
    pub joined: u64,
    /// What is joined at the beginning.
    pub joins: List<script::Join>,
    /// The pid namespace, if it is joined at the end.
    pub born_last: Vec<script::Join>,
    /// Whether a second clone follows at the beginning.
    pub reborn: bool,
}

impl Namespaces {
    /// Opens what is joined.
    pub fn of(room: &mut Room<'_>) -> Result<Self> {
        // A time namespace is not born into: the child makes it, see `child::time`.
        let new = room.plan.namespaces.new & !abi::CLONE_NEWTIME;
        let joins = joins(room)?;
        let joined = joins.iter().fold(0, |all, join| all | join.kinds);
        let last = |join: &script::Join| join.kinds == abi::CLONE_NEWPID && can_be_last(room, new | joined, join.file);
        let (born_last, joins): (Vec<_>, Vec<_>) = joins.into_iter().partition(last);
        room.born_last = born_last.first().map_or(Fd::NONE, |join| join.file);
        let first = joins.iter().fold(0, |all, join| all | join.kinds);
        Ok(Self { new, joined, joins: room.layout.list(&joins), born_last, reborn: needs_rebirth(new, first) })
    }
}

fn joins(room: &mut Room<'_>) -> Result<Vec<script::Join>> {
    let plan = room.plan;
    let mut joins = Vec::with_capacity(plan.namespaces.join.len());
    for (index, join) in (0..).zip(&plan.namespaces.join) {
        let opened = room.files.add_opened(file::openat(Fd::CWD, &join.path, abi::O_RDONLY));
        let file = opened.map_err(|errno| room.fault(Step::Join, index as usize, errno))?;
        if join.kind == abi::CLONE_NEWUSER {
            room.mappings.joined = Some(file);
        }
        joins.push(script::Join { file, index, kinds: join.kind });
    }
    Ok(joins)
}

/// Whether the container can be made outside of the pid namespace that it joins, and be born into it when it has no more
/// capabilities than its program will, and the host is out of reach. In there may be others who look into whom they like
/// (CAP_SYS_PTRACE).
///
/// Not with a user namespace, which must have been entered before; not with createContainer hooks, which are to run in there;
/// and not where a procfs shows only the pid namespace of who makes it (before Linux 6.17).
fn can_be_last(room: &Room<'_>, kinds: u64, namespace: Fd) -> bool {
    room.privileged
        && kinds & abi::CLONE_NEWUSER == 0
        && room.plan.hooks.create_container.is_empty()
        && mount::fsopen(c"proc").is_ok_and(|context| {
            let shown = mount::fsconfig_file(context, c"pidns", namespace).is_ok();
            file::close(context);
            shown
        })
}

/// Whether a second clone is needed: for what a process must be born into; for what is joined before a user namespace is
/// made that does not own it; and for what is made in a user namespace that is joined, which is to own it.
fn needs_rebirth(new: u64, joined: u64) -> bool {
    joined & abi::CLONE_NEWPID != 0
        || (joined != 0 && new & abi::CLONE_NEWUSER != 0)
        || (joined & abi::CLONE_NEWUSER != 0 && new != 0)
}
