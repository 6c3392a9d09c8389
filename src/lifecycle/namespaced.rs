//! The stage between a container's namespaces and its mounts: what is done from outside while the child waits.

use std::cell::Cell;

use super::{State, hooks};
use crate::error::Result;
use crate::launch::Interrupts;
use crate::launch::net::{self, Moved};
use crate::plan::Plan;
use crate::state::{Record, Status};

/// A container that will come to this stage, if its config needs it to.
pub struct Namespaced<'a> {
    /// Its plan.
    pub plan: &'a Plan,
    /// What is remembered of it; its pid is not known yet.
    pub record: &'a Record,
    /// What ends a hook.
    pub interrupts: &'a Interrupts,
    /// Whether hooks have begun.
    pub hooked: &'a Cell<bool>,
    /// The network devices that it was given.
    pub moved: Option<Moved>,
}

impl Namespaced<'_> {
    /// Gives the container, whose init is process `pid`, its network devices; then runs the hooks of the host.
    pub fn complete(&mut self, pid: i32) -> Result<()> {
        if !self.plan.net_devices.is_empty() {
            self.moved = Some(net::move_in(&self.plan.net_devices, pid)?);
        }
        self.hooked.set(true);
        let state = State::for_hooks(&Record { pid: Some(pid), ..self.record.clone() }, Status::Creating);
        hooks::run(&self.plan.hooks.prestart, "prestart", &state, Some(self.interrupts))?;
        hooks::run(&self.plan.hooks.create_runtime, "createRuntime", &state, Some(self.interrupts))
    }
}
