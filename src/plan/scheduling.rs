//! When a process runs: `process.scheduler`, `process.ioPriority`, `process.execCPUAffinity`; and as what, `linux.personality`.

use oci_spec::runtime as oci;
use oci_spec::runtime::LinuxSchedulerFlag as Flag;
use oci_spec::runtime::LinuxSchedulerPolicy as Policy;

use super::{Affinity, Processors};
use crate::bundle::Findings;
use crate::error::Problem;

/// A scheduling policy and its parameters, as `sched_setattr(2)` takes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scheduler {
    /// `SCHED_*`.
    pub policy: u32,
    /// `SCHED_FLAG_*`.
    pub flags: u64,
    /// -20 to 19.
    pub nice: i32,
    /// 1 to 99 for the real-time policies, otherwise 0.
    pub priority: u32,
    /// Nanoseconds, for `SCHED_DEADLINE`.
    pub runtime: u64,
    /// See `runtime`.
    pub deadline: u64,
    /// See `runtime`; 0 is as long as the deadline.
    pub period: u64,
}

/// The policy of a config that was checked.
pub fn scheduler(of: &oci::Scheduler) -> Scheduler {
    Scheduler {
        policy: policy(*of.policy()),
        flags: of.flags().iter().flatten().fold(0, |flags, one| flags | flag(*one)),
        nice: of.nice().unwrap_or(0),
        priority: u32::try_from(of.priority().unwrap_or(0)).unwrap_or(0),
        runtime: of.runtime().unwrap_or(0),
        deadline: of.deadline().unwrap_or(0),
        period: of.period().unwrap_or(0),
    }
}

/// sched.h; libc does not know `SCHED_ISO`, which is a number that the kernel keeps free.
fn policy(policy: Policy) -> u32 {
    match policy {
        Policy::SchedOther => 0,
        Policy::SchedFifo => 1,
        Policy::SchedRr => 2,
        Policy::SchedBatch => 3,
        Policy::SchedIso => 4,
        Policy::SchedIdle => 5,
        Policy::SchedDeadline => 6,
    }
}

fn flag(flag: Flag) -> u64 {
    match flag {
        Flag::SchedResetOnFork => 0x01,
        Flag::SchedFlagReclaim => 0x02,
        Flag::SchedFlagDLOverrun => 0x04,
        Flag::SchedFlagKeepPolicy => 0x08,
        Flag::SchedFlagKeepParams => 0x10,
        Flag::SchedFlagUtilClampMin => 0x20,
        Flag::SchedFlagUtilClampMax => 0x40,
    }
}

/// Class and level in one number (ioprio.h).
pub fn io_priority(of: oci::LinuxIOPriority) -> u32 {
    let class = match of.class() {
        oci::IOPriorityClass::IoprioClassRt => 1,
        oci::IOPriorityClass::IoprioClassBe => 2,
        oci::IOPriorityClass::IoprioClassIdle => 3,
    };
    class << 13 | u32::try_from(of.priority()).unwrap_or(0)
}

/// Both lists of processors.
pub fn affinity(of: Option<&oci::ExecCPUAffinity>, found: &mut Findings) -> Affinity {
    let mut read = |name: &str, list: &Option<String>| {
        let list = list.as_deref().filter(|list| !list.is_empty())?;
        let problem = |what| vec![Problem::new(format!("process.execCPUAffinity.{name}"), what).hint("write 0-3,7")];
        found.take(Processors::parse(list).map_err(problem))
    };
    of.map_or_else(Affinity::default, |of| Affinity {
        initial: read("initial", of.initial()),
        last: read("final", of.cpu_affinity_final()),
    })
}

/// The execution domain (`personality(2)`).
pub fn personality(linux: &oci::Linux) -> Option<u32> {
    linux.personality().as_ref().map(|personality| match personality.domain() {
        oci::LinuxPersonalityDomain::PerLinux => 0,
        oci::LinuxPersonalityDomain::PerLinux32 => 8,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_kernels() {
        let json = serde_json::json!({"policy": "SCHED_DEADLINE", "nice": -3, "runtime": 1, "deadline": 2, "period": 3,
            "flags": ["SCHED_RESET_ON_FORK", "SCHED_FLAG_RECLAIM"]});
        let all = Scheduler { policy: 6, flags: 3, nice: -3, priority: 0, runtime: 1, deadline: 2, period: 3 };
        assert_eq!(scheduler(&serde_json::from_value(json).unwrap()), all);
        for (name, number) in [("RT", 1), ("BE", 2), ("IDLE", 3)] {
            let json = serde_json::json!({"class": format!("IOPRIO_CLASS_{name}"), "priority": 5});
            assert_eq!(io_priority(serde_json::from_value(json).unwrap()), number << 13 | 5);
        }
        let libc = [libc::SCHED_OTHER, libc::SCHED_FIFO, libc::SCHED_RR, libc::SCHED_BATCH, libc::SCHED_IDLE];
        let ours = [Policy::SchedOther, Policy::SchedFifo, Policy::SchedRr, Policy::SchedBatch, Policy::SchedIdle];
        assert_eq!(ours.map(policy), libc.map(i32::cast_unsigned));
    }
}
