//! The scheduler and the I/O priority of a process.
//!
//! What needs a privilege here needs it in the initial user namespace, which a container's process may have left long ago:
//! so root sets them from outside, on a process that is ready and waits. An ordinary user may set them only for itself: its
//! child does, see `child::identity`.

use super::fault;
use crate::error::Result;
use crate::plan::{self, Plan};
use crate::script::{Message, Step};
use crate::sys::Errno;
use crate::sys::process::{self, SchedulingAttributes};

/// Whether the process asks for either.
pub fn is_asked(process: &plan::Process) -> bool {
    process.scheduler.is_some() || process.io_priority.is_some()
}

/// Sets both for process `pid`.
pub fn apply(plan: &Plan, pid: i32) -> Result<()> {
    let fault = |step| move |errno: Errno| fault::explain(plan, &Message::fault(step, 0, errno, 0));
    if let Some(scheduler) = &plan.process.scheduler {
        process::set_scheduler(pid, &attributes(scheduler)).map_err(fault(Step::Scheduler))?;
    }
    if let Some(priority) = plan.process.io_priority {
        process::set_io_priority(pid, priority).map_err(fault(Step::IoPriority))?;
    }
    Ok(())
}

/// The plan's scheduler as the kernel takes it.
pub fn attributes(of: &plan::Scheduler) -> SchedulingAttributes {
    SchedulingAttributes {
        policy: of.policy,
        flags: of.flags,
        nice: of.nice,
        priority: of.priority,
        runtime: of.runtime,
        deadline: of.deadline,
        period: of.period,
        ..SchedulingAttributes::default()
    }
}
