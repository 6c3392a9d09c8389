//! A container in the making, which is undone unless it is done.

use std::time::{Duration, Instant};

use tracing::{debug, warn};

use super::CreateRequest;
use crate::cgroup::{Cgroup, Hierarchy};
use crate::error::Result;
use crate::launch::Child;
use crate::plan::{Host, Plan};
use crate::state::{Entry, Record};

/// How long the processes of a container that is undone have to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was made so far. When it is dropped before [`Making::done`], all of it is undone: child, cgroup, state.
pub struct Making<'entry> {
    entry: &'entry Entry,
    cgroup: Option<Cgroup>,
    child: Option<Child>,
    done: bool,
}

impl<'entry> Making<'entry> {
    /// Nothing yet but the id that `entry` has taken.
    pub fn new(entry: &'entry Entry) -> Self {
        Self { entry, cgroup: None, child: None, done: false }
    }

    /// Makes the cgroup, and writes its place into the record at once: from here on it can be found again.
    pub fn cgroup(
        &mut self,
        plan: &Plan,
        host: &Host,
        request: &CreateRequest,
        record: &mut Record,
    ) -> Result<Option<&Cgroup>> {
        if request.no_cgroup {
            return Ok(None);
        }
        let hierarchy = Hierarchy::find()?;
        // If we are killed while it is made, it can be found all the same.
        if let Some(path) = Cgroup::vacant(&hierarchy, &plan.cgroup, request.id.as_str())? {
            self.entry.remember_cgroup(&path)?;
        }
        let made = Cgroup::create(&hierarchy, &plan.cgroup, request.id.as_str())?;
        let Some(made) = made else {
            debug!("the container has no cgroup of its own: this user may not make one, and no limit asks for it");
            return Ok(None);
        };
        let cgroup = self.cgroup.insert(made);
        record.cgroup = Some(cgroup.path().to_owned());
        record.cgroups_made = cgroup.made().to_vec();
        self.entry.write(record)?;
        // In a user namespace nobody can make device nodes, and the kernel lets nobody attach a program.
        if host.root() {
            cgroup.attach_devices(&plan.cgroup.devices)?;
        }
        Ok(Some(cgroup))
    }

    /// Takes over the child.
    pub fn child(&mut self, child: Child) -> &Child {
        self.child.insert(child)
    }

    /// The container is complete.
    pub fn done(mut self) -> Child {
        self.done = true;
        match self.child.take() {
            Some(child) => child,
            None => unreachable!("a container is complete only when it has a child"),
        }
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let deadline = Instant::now() + PATIENCE;
        let cgroup = self.cgroup.take().map_or(Ok(()), |cgroup| {
            cgroup.kill()?;
            if let Some(child) = self.child.take() {
                child.end();
            }
            Cgroup::remove(cgroup.path(), cgroup.made(), deadline)
        });
        if let Some(child) = self.child.take() {
            child.end();
        }
        // The error that brought us here is the one to be told; what could not be undone is told beside it.
        for left in [cgroup, self.entry.remove()].into_iter().filter_map(Result::err) {
            warn!("could not be undone: {left}");
        }
    }
}
