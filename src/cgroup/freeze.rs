//! Pausing all processes of the cgroup.

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
        let events = Events::open(self).map_err(|cause| self.error("cgroup.events", "cannot open", cause))?;
        self.write_freeze("1", "cannot freeze the processes")?;
        match events.wait(deadline, |state| state.frozen) {
            Ok(true) => Ok(()),
            result => {
                self.write_freeze("0", "cannot thaw the processes")?;
                Err(match result {
                    Err(cause) => self.error("cgroup.events", "cannot wait for the processes to freeze", cause),
                    _ => Error::new(
                        self.path().display().to_string(),
                        format!("not all processes could be frozen in time: {}", self.described()),
                    ),
                })
            }
        }
    }

    /// Thaws the processes and waits until they are.
    pub fn thaw(&self, deadline: Instant) -> Result<()> {
        let events = Events::open(self).map_err(|cause| self.error("cgroup.events", "cannot open", cause))?;
        self.write_freeze("0", "cannot thaw the processes")?;
        match events.wait(deadline, |state| !state.frozen) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::new(
                self.path().display().to_string(),
                "the cgroup stays frozen: one above it is frozen, too",
            )
            .hint("write 0 to cgroup.freeze there")),
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

    fn write_freeze(&self, value: &str, what: &str) -> Result<()> {
        file::write(self, FILE, value).map_err(|cause| self.error(FILE, what, cause))
    }
}
