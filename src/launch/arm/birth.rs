//! Which namespaces the process is born into, which it joins, and whether that takes a second clone.

use std::os::fd::OwnedFd;

use super::Builder;
use crate::error::Result;
use crate::script::{Join, List, Step};
use crate::sys::{Fd, abi, file};

/// How the process comes to its namespaces.
pub struct Birth {
    /// Whether it makes a container.
    pub creates: bool,
    /// What it joins.
    pub joins: List<Join>,
    /// Whether there is a second clone.
    pub reborn: bool,
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
        let joined = namespaces.join.iter().fold(0, |all, join| all | join.kind);
        let reborn = needs_rebirth(new, joined);
        Ok(Self {
            creates: true,
            joins: joins(builder)?,
            reborn,
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
        Self {
            creates: false,
            joins: if kinds == 0 { List::EMPTY } else { builder.layout.list(&[Join { file, index: 0, kinds }]) },
            reborn: kinds & abi::CLONE_NEWPID != 0,
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

fn joins(builder: &mut Builder<'_>) -> Result<List<Join>> {
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
    Ok(builder.layout.list(&joins))
}
