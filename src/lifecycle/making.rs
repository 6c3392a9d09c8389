//! A container in the making, which is undone unless it is done.

use std::cell::Cell;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tracing::{debug, warn};

use super::{CreateRequest, hooks, resctrl};
use crate::cgroup::systemd::{self, Keeper};
use crate::cgroup::{Cgroup, Hierarchy};
use crate::error::{Error, Result};
use crate::launch::{Child, Interrupts};
use crate::lifecycle::end::remove_cgroup;
use crate::plan::cgroup::systemd::{Reference, Unit};
use crate::plan::{Host, Plan};
use crate::state::{Entry, Record};

/// How long the processes of a container that is undone have to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was made so far. When it is dropped before [`Making::done`], all of it is undone: child, cgroup, state.
pub struct Making<'entry> {
    entry: &'entry Entry,
    cgroup: Option<Cgroup>,
    resctrl_made: Vec<PathBuf>,
    /// The unit that the cgroup belongs to, and what keeps it alive until the child is there.
    unit: Option<Reference>,
    keeper: Option<Keeper>,
    child: Option<Child>,
    /// Whether hooks have begun, so that those that undo what they did must run.
    hooked: &'entry Cell<bool>,
    done: bool,
}

impl<'entry> Making<'entry> {
    /// Nothing yet but the id that `entry` has taken.
    pub fn new(entry: &'entry Entry, hooked: &'entry Cell<bool>) -> Self {
        Self {
            entry,
            cgroup: None,
            resctrl_made: Vec::new(),
            unit: None,
            keeper: None,
            child: None,
            hooked,
            done: false,
        }
    }

    /// Makes the cgroup. The record of what is intended is written before: if we are killed, it can be found again.
    pub fn cgroup(
        &mut self,
        plan: &Plan,
        host: &Host,
        request: &CreateRequest,
        record: &mut Record,
        interrupts: &Interrupts,
    ) -> Result<Option<&Cgroup>> {
        let made = if request.no_cgroup { None } else { self.make_cgroup(plan, request, record, interrupts)? };
        let Some(made) = made else {
            debug!("the container has no cgroup of its own: this user may not make one, and no limit asks for it");
            record.cgroup = None;
            record.cgroups_made.clear();
            self.entry.write(record)?;
            return Ok(None);
        };
        let cgroup = self.cgroup.insert(made);
        if record.cgroup.as_deref() != Some(cgroup.path()) || record.cgroups_made != cgroup.made() {
            record.cgroup = Some(cgroup.path().to_owned());
            record.cgroups_made = cgroup.made().to_vec();
            self.entry.write(record)?;
        }
        // In a user namespace nobody can make device nodes, and the kernel lets nobody attach a program.
        if host.root() {
            cgroup.attach_devices(&plan.cgroup.devices)?;
            // A container that may write to its cgroup manages what is below it; an ordinary user's cgroup is theirs already.
            if let Some((uid, gid)) = plan.cgroup_owner().filter(|&owner| owner != (0, 0)) {
                cgroup.set_owner(uid, gid)?;
            }
        }
        Ok(Some(cgroup))
    }

    fn make_cgroup(
        &mut self,
        plan: &Plan,
        request: &CreateRequest,
        record: &mut Record,
        interrupts: &Interrupts,
    ) -> Result<Option<Cgroup>> {
        let hierarchy = Hierarchy::find()?;
        if let Some(unit) = plan.cgroup.place.unit() {
            let reference = unit.reference(request.id.as_str(), &record.created);
            return self.start_unit(&hierarchy, plan, unit, reference, record, interrupts).map(Some);
        }
        let (path, missing) = Cgroup::intended(&hierarchy, &plan.cgroup, request.id.as_str())?;
        // What is there already may be somebody else's: until it is known to be free, `delete --force` must not touch it.
        if missing.last() == Some(&path) {
            (record.cgroup, record.cgroups_made) = (Some(path), missing);
            self.entry.write(record)?;
        }
        Cgroup::create(&hierarchy, &plan.cgroup, request.id.as_str())
    }

    /// Has systemd make the cgroup. The name of the unit is written down before.
    fn start_unit(
        &mut self,
        hierarchy: &Hierarchy,
        plan: &Plan,
        unit: &Unit,
        reference: Reference,
        record: &mut Record,
        interrupts: &Interrupts,
    ) -> Result<Cgroup> {
        record.systemd = Some(reference.clone());
        self.entry.write(record)?;
        let interrupt = interrupts.as_fd().try_clone_to_owned();
        let interrupt = interrupt.map_err(|cause| Error::io(&*reference.name, "can't wait for systemd", cause))?;
        let started = systemd::start(hierarchy, &plan.cgroup, unit, &reference, interrupt);
        let (cgroup, keeper) = started.or_else(|error| interrupts.check().and(Err(error)))?;
        (self.unit, self.keeper) = (Some(reference), Some(keeper));
        Ok(cgroup)
    }

    /// Makes the resctrl groups. The record of what is intended is written before.
    pub fn resctrl(&mut self, groups: &resctrl::Groups<'_>, record: &mut Record) -> Result<()> {
        (record.resctrl, record.resctrl_made) = (groups.directories.clone(), groups.missing.clone());
        self.entry.write(record)?;
        self.resctrl_made.clone_from(&groups.missing);
        groups.make()
    }

    /// Takes over the child, which is in the cgroup by now.
    pub fn child(&mut self, child: Child) -> Result<&Child> {
        let child = self.child.insert(child);
        if let (Some(keeper), Some(cgroup)) = (self.keeper.take(), &self.cgroup) {
            keeper.leave(cgroup)?;
        }
        Ok(child)
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
            self.keeper = None;
            remove_cgroup(cgroup.path(), cgroup.made(), self.unit.as_ref(), deadline)
        });
        if let Some(child) = self.child.take() {
            child.end();
        }
        // A hook that fails at create leads to the end of the lifecycle, poststop hooks and all (spec: runtime, Lifecycle 3 to 5).
        if self.hooked.get() {
            for failed in self.entry.read().iter().flat_map(hooks::poststop) {
                warn!("{failed}");
            }
        }
        let resctrl = resctrl::remove(&self.resctrl_made);
        // The error that brought us here is the one to be told; what could not be undone is told beside it.
        for left in [cgroup, resctrl, self.entry.remove()].into_iter().filter_map(Result::err) {
            warn!("could not be undone: {left}");
        }
    }
}
