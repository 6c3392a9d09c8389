//! Pausing all processes of the cgroup.

use std::path::Path;
use std::time::Instant;

use nix::errno::Errno;

use super::events::Events;
use super::{Cgroup, file};
use crate::error::{Error, Result};

const FILE: &str = "cgroup.freeze";

impl Cgroup {
    /// Freezes all processes and waits until they are.
    ///
    /// # Errors
    /// If they aren't by the deadline: then they are thawed again, and the error names those that can't be frozen.
    pub fn freeze(&self, deadline: Instant) -> Result<()> {
        self.write_freeze("1", "cannot freeze the processes")?;
        match self.wait_frozen(deadline) {
            Ok(true) => Ok(()),
            result => {
                // Asked before they are thawed: that wakes all of them, those that hang as well.
                let hanging = self.described();
                self.write_freeze("0", "cannot thaw the processes")?;
                Err(match result {
                    Err(cause) => self.error("cgroup.events", "cannot wait for the processes to freeze", cause),
                    _ => Error::new(
                        self.path().display().to_string(),
                        format!("not all processes could be frozen in time: {hanging}"),
                    ),
                })
            }
        }
    }

    /// Waits until all processes are frozen: whether they were by the deadline.
    ///
    /// Each cgroup of the tree is asked: one that has both processes and cgroups below it says that it is frozen when only
    /// its own are.
    fn wait_frozen(&self, deadline: Instant) -> Result<bool, Errno> {
        let mut frozen = true;
        file::walk(self, |directory| {
            // One that is empty, or was removed meanwhile, keeps nobody waiting.
            frozen = frozen && Events::open(directory)?.wait(deadline, |state| state.frozen || !state.populated)?;
            Ok(())
        })?;
        Ok(frozen)
    }

    /// Thaws the processes and waits until they are.
    pub fn thaw(&self, deadline: Instant) -> Result<()> {
        let events = Events::open(self).map_err(|cause| self.error("cgroup.events", "cannot open", cause))?;
        self.write_freeze("0", "cannot thaw the processes")?;
        // There is nothing to wait for then.
        if events.state().is_ok_and(|state| state.frozen)
            && let Some(above) = self.frozen_above()
        {
            let what = format!("the cgroup stays frozen: {} above it is frozen, too", above.display());
            return Err(Error::new(self.path().display().to_string(), what)
                .hint(format!("write 0 to {}", above.join(FILE).display())));
        }
        match events.wait(deadline, |state| !state.frozen) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::new(
                self.path().display().to_string(),
                format!("the cgroup stays frozen: {}", self.described()),
            )),
            Err(cause) => Err(self.error("cgroup.events", "cannot wait for the processes to thaw", cause)),
        }
    }

    /// Whether all processes are frozen.
    pub fn frozen(&self) -> Result<bool> {
        match Events::open(self).and_then(|events| events.state()) {
            Ok(state) => Ok(state.frozen),
            Err(Errno::ENOENT | Errno::ENODEV) => Ok(false),
            Err(cause) => Err(self.error("cgroup.events", "cannot read", cause)),
        }
    }

    /// The nearest cgroup above this one that is frozen by itself.
    fn frozen_above(&self) -> Option<&Path> {
        let frozen = |path: &Path| {
            let directory = file::open_cgroup(path).ok()?;
            file::read(&directory, FILE).ok().filter(|text| text.trim() == "1")
        };
        self.path().ancestors().skip(1).find(|path| frozen(path).is_some())
    }

    fn write_freeze(&self, value: &str, what: &str) -> Result<()> {
        file::write(self, FILE, value).map_err(|cause| self.error(FILE, what, cause))
    }
}
