//! `process.scheduler` and `process.ioPriority`: the rules of `sched(7)`, `sched_setattr(2)` and `ioprio_set(2)`.

use oci_spec::runtime::LinuxSchedulerFlag as Flag;
use oci_spec::runtime::LinuxSchedulerPolicy as Policy;
use oci_spec::runtime::{LinuxIOPriority, Scheduler, Spec};

use super::Findings;
use crate::error::Problem;

/// Nice values of a process (`MIN_NICE`, `MAX_NICE` of the kernel).
const NICE: std::ops::RangeInclusive<i32> = -20..=19;
/// Priorities of the real-time policies.
const PRIORITY: std::ops::RangeInclusive<i32> = 1..=99;
/// Levels of an I/O class.
const LEVEL: std::ops::RangeInclusive<i64> = 0..=7;
/// The shortest time that the deadline scheduler can count (2^`DL_SCALE` of the kernel), in nanoseconds.
const SHORTEST: u64 = 1024;

pub fn scheduler(of: &Scheduler, found: &mut Findings) {
    let (policy, place) = (*of.policy(), |field: &str| format!("process.scheduler.{field}"));
    if let Some(nice) = of.nice().filter(|nice| !NICE.contains(nice)) {
        found.error(Problem::new(place("nice"), format!("must be within -20 and 19, not {nice}")));
    } else if of.nice().is_some_and(|nice| nice != 0) && is_real_time(policy) {
        found.warn(
            Problem::new(place("nice"), format!("has no effect with {policy}")).hint("its tasks have no nice value"),
        );
    }
    let priority = of.priority().unwrap_or(0);
    if matches!(policy, Policy::SchedFifo | Policy::SchedRr) {
        if !PRIORITY.contains(&priority) {
            let what = format!("must be within 1 and 99 for {policy}, not {priority}");
            found.error(Problem::new(place("priority"), what));
        }
    } else if priority != 0 {
        let problem =
            Problem::new(place("priority"), format!("{policy} knows no priorities, so it can't be {priority}"));
        found.error(problem.hint("SCHED_FIFO and SCHED_RR have them; for others there is nice"));
    }
    if policy == Policy::SchedDeadline {
        deadline(of, found);
    } else {
        no_deadline(of, found);
    }
    for (index, flag) in of.flags().iter().flatten().enumerate() {
        if matches!(flag, Flag::SchedFlagUtilClampMin | Flag::SchedFlagUtilClampMax) {
            let problem = Problem::new(format!("process.scheduler.flags[{index}]"), "clamps the utilisation to 0");
            found.warn(problem.hint("the spec has no field for the value"));
        }
    }
}

fn is_real_time(policy: Policy) -> bool {
    matches!(policy, Policy::SchedFifo | Policy::SchedRr | Policy::SchedDeadline)
}

/// runtime <= deadline <= period, where a period of 0 is as long as the deadline.
fn deadline(of: &Scheduler, found: &mut Findings) {
    let [runtime, deadline, period] = [of.runtime(), of.deadline(), of.period()].map(|time| time.unwrap_or(0));
    let mut wrong = |field: &str, what: String| {
        let problem = Problem::new(format!("process.scheduler.{field}"), what);
        found.error(problem.hint("SCHED_DEADLINE wants runtime <= deadline <= period, in nanoseconds"));
    };
    if runtime < SHORTEST {
        wrong("runtime", format!("must be at least {SHORTEST} nanoseconds, not {runtime}"));
    }
    if deadline < runtime || deadline == 0 {
        wrong("deadline", format!("{deadline} is shorter than the runtime ({runtime})"));
    }
    if period != 0 && period < deadline {
        wrong("period", format!("{period} is shorter than the deadline ({deadline})"));
    }
    for (field, time) in [("deadline", deadline), ("period", period)] {
        if time >> 63 != 0 {
            wrong(field, format!("{time} is longer than the kernel can count"));
        }
    }
}

fn no_deadline(of: &Scheduler, found: &mut Findings) {
    let policy = of.policy();
    for (field, time) in [("runtime", of.runtime()), ("deadline", of.deadline()), ("period", of.period())] {
        if time.is_some_and(|time| time != 0) {
            let what = format!("is for SCHED_DEADLINE, not for {policy}");
            found.warn(Problem::new(format!("process.scheduler.{field}"), what));
        }
    }
    for (index, flag) in of.flags().iter().flatten().enumerate() {
        if matches!(flag, Flag::SchedFlagReclaim | Flag::SchedFlagDLOverrun) {
            let what = format!("is for SCHED_DEADLINE, not for {policy}");
            found.warn(Problem::new(format!("process.scheduler.flags[{index}]"), what));
        }
    }
}

/// A process with a deadline can't make others, unless they are to have none (`sched_deadline(7)`): hooks in its place neither.
pub fn hooks(spec: &Spec, found: &mut Findings) {
    let scheduler = spec.process().as_ref().and_then(|process| process.scheduler().as_ref());
    let reset = |of: &Scheduler| of.flags().iter().flatten().any(|flag| *flag == Flag::SchedResetOnFork);
    let childless = scheduler.is_some_and(|of| *of.policy() == Policy::SchedDeadline && !reset(of));
    let hooks = spec.hooks().as_ref().and_then(|hooks| hooks.start_container().as_deref()).unwrap_or_default();
    if childless && !hooks.is_empty() {
        let what = "can't be run by a process with SCHED_DEADLINE, which can have no children";
        found.error(
            Problem::new("hooks.startContainer", what).hint("add SCHED_FLAG_RESET_ON_FORK to process.scheduler.flags"),
        );
    }
}

pub fn io_priority(of: LinuxIOPriority, found: &mut Findings) {
    if !LEVEL.contains(&of.priority()) {
        let what = format!("must be within 0 (highest) and 7 (lowest), not {}", of.priority());
        found.error(Problem::new("process.ioPriority.priority", what));
    }
}
