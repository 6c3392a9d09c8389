//! Which namespaces the process is born into, which it joins, and whether that takes a second clone.

use std::os::fd::OwnedFd;

use super::Builder;
use crate::error::Result;
use crate::script::{Join, List, Step};
use crate::sys::{Fd, abi, file, mount};

/// How the process comes to its namespaces.
pub struct Birth {
    /// Whether it makes a container.
    pub creates: bool,
    /// What it joins.
    pub joins: List<Join>,
    /// Whether there is a second clone.
    pub reborn: bool,
    /// The pid namespace that a container is born into at the end only; at most one.
    pub born_last: List<Join>,
    /// Whether it is born into a pid namespace of others when it has no more capabilities than its program will.
    pub confined: bool,
    /// `CLONE_NEW*` of the first clone.
    pub first: u64,
    /// `CLONE_NEW*` of the second.
    pub second: u64,
    /// Whether it becomes root of a user namespace.
    pub becomes_root: bool,
}

impl Birth {
    /// That of a container's init: its namespaces are made, or joined by path.
    pub fn of_container(builder: &mut Builder<'_>) -> Result<Self> {
        let namespaces = &builder.plan.namespaces;
        // A time namespace is not born into: the child makes it, see `child::time`.
        let new = namespaces.new & !abi::CLONE_NEWTIME;
        let joins = joins(builder)?;
        let joined = joins.iter().fold(0, |all, join| all | join.kinds);
        let last = |join: &Join| join.kinds == abi::CLONE_NEWPID && can_be_last(builder, new | joined, join.file);
        let (born_last, joins): (Vec<_>, Vec<_>) = joins.into_iter().partition(last);
        builder.born_last = born_last.first().map_or(Fd::NONE, |join| join.file);
        let reborn = needs_rebirth(new, joins.iter().fold(0, |all, join| all | join.kinds));
        Ok(Self {
            creates: true,
            joins: builder.layout.list(&joins),
            reborn,
            born_last: builder.layout.list(&born_last),
            confined: !born_last.is_empty(),
            first: if reborn { 0 } else { new },
            second: if reborn { new } else { 0 },
            becomes_root: (new | joined) & abi::CLONE_NEWUSER != 0,
        })
    }

    /// That of a process that joins all namespaces of the container whose init is behind `init`, a pidfd.
    pub fn in_container(builder: &mut Builder<'_>, init: OwnedFd) -> Self {
        let namespaces = &builder.plan.namespaces;
        let kinds = namespaces.join.iter().fold(namespaces.new, |all, join| all | join.kind);
        let file = builder.files.add(init);
        // A pid namespace that the user namespace does not own is joined at once with it: then there can be no thread to hand
        // over the listener of a filter that is loaded already.
        let foreign = kinds & abi::CLONE_NEWUSER != 0 && namespaces.join.iter().any(|it| it.kind == abi::CLONE_NEWPID);
        let notifies = builder.plan.seccomp.as_ref().is_some_and(|filter| filter.notify);
        Self {
            creates: false,
            joins: if kinds == 0 { List::EMPTY } else { builder.layout.list(&[Join { file, index: 0, kinds }]) },
            reborn: kinds & abi::CLONE_NEWPID != 0,
            born_last: List::EMPTY,
            confined: kinds & abi::CLONE_NEWPID != 0 && !(notifies && foreign),
            first: 0,
            second: 0,
            becomes_root: kinds & abi::CLONE_NEWUSER != 0,
        }
    }
}

/// Whether a second clone is needed: for what a process must be born into; for what is joined before a user namespace is
/// made that does not own it; and for what is made in a user namespace that is joined, which is to own it.
fn needs_rebirth(new: u64, joined: u64) -> bool {
    joined & abi::CLONE_NEWPID != 0
        || (joined != 0 && new & abi::CLONE_NEWUSER != 0)
        || (joined & abi::CLONE_NEWUSER != 0 && new != 0)
}

/// Whether the container can be made outside of the pid namespace that it joins, and be born into it when it has no more
/// capabilities than its program will, and the host is out of reach. In there may be others who look into whom they like
/// (CAP_SYS_PTRACE).
///
/// Not with a user namespace, which must have been entered before; not with createContainer hooks, which are to run in there;
/// and not where a procfs shows only the pid namespace of who makes it (before Linux 6.17).
fn can_be_last(builder: &Builder<'_>, kinds: u64, namespace: Fd) -> bool {
    builder.privileged
        && kinds & abi::CLONE_NEWUSER == 0
        && builder.plan.hooks.create_container.is_empty()
        && mount::fsopen(c"proc").is_ok_and(|context| {
            let shown = mount::fsconfig_file(context, c"pidns", namespace).is_ok();
            file::close(context);
            shown
        })
}

fn joins(builder: &mut Builder<'_>) -> Result<Vec<Join>> {
    let plan = builder.plan;
    let mut joins = Vec::with_capacity(plan.namespaces.join.len());
    for (index, join) in (0..).zip(&plan.namespaces.join) {
        let opened = builder.files.add_opened(file::openat(Fd::CWD, &join.path, abi::O_RDONLY));
        let file = opened.map_err(|errno| builder.fault(Step::Join, index as usize, errno))?;
        if join.kind == abi::CLONE_NEWUSER {
            builder.mappings.joined = Some(file);
        }
        joins.push(Join { file, index, kinds: join.kind });
    }
    Ok(joins)
}
