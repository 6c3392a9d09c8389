//! When a process runs, and by which clocks.

use super::Fault;
use crate::error::Error;
use crate::script::Step;
use crate::sys::abi;

impl Fault<'_> {
    pub(super) fn scheduling(&self) -> Option<Error> {
        Some(match self.step {
            Step::Scheduler => self.scheduler(),
            Step::IoPriority => {
                let error = self.say("process.ioPriority", "can't be set");
                self.hinted(error, abi::EPERM, "IOPRIO_CLASS_RT needs CAP_SYS_NICE on the host")
            }
            Step::Affinity => {
                let affinity = &self.plan.process.exec_affinity;
                let (field, set) =
                    if self.index == 0 { ("initial", &affinity.initial) } else { ("final", &affinity.last) };
                let list = set.as_ref().map_or_else(String::new, ToString::to_string);
                let error = self.say(format!("process.execCPUAffinity.{field} {list:?}"), "can't be used");
                let hint = if self.index == 0 {
                    "none of these processors is there, or onggi's own cgroup allows none of them (cpuset.cpus)"
                } else {
                    "none of these processors is there, or linux.resources.cpu.cpus allows none of them"
                };
                self.hinted(error, abi::EINVAL, hint)
            }
            Step::Personality => self.say("linux.personality", "can't be set"),
            Step::Time => {
                let error = self.say("linux.namespaces", "can't make the time namespace");
                match self.errno {
                    abi::EINVAL => error.hint("this kernel has none (CONFIG_TIME_NS)"),
                    abi::ENOSPC => error.hint("too many of them: see user.max_time_namespaces (sysctl)"),
                    abi::EPERM => error.hint("it needs CAP_SYS_ADMIN, or a user namespace"),
                    _ => error,
                }
            }
            Step::TimeOffsets => {
                let error = self.say("linux.timeOffsets", "can't be set");
                match self.errno {
                    libc::ERANGE => {
                        Error::new("linux.timeOffsets", "a clock would stand before 0, or more than 146 years ahead")
                            .hint("it can go back by the host's uptime at most, which /proc/uptime shows")
                    }
                    abi::EPERM => {
                        error.hint("they need CAP_SYS_TIME in the user namespace that owns the time namespace")
                    }
                    abi::EACCES => error.hint("an ordinary user can't move clocks together with joined namespaces"),
                    _ => error,
                }
            }
            _ => return None,
        })
    }

    fn scheduler(&self) -> Error {
        let scheduler = self.plan.process.scheduler.unwrap_or_default();
        let error = self.say("process.scheduler", "can't be set");
        match (self.errno, scheduler.policy) {
            (abi::EPERM, 1 | 2) => error.hint(
                "a real-time policy needs CAP_SYS_NICE on the host or RLIMIT_RTPRIO, and real-time bandwidth in its cgroup where the kernel shares that out (CONFIG_RT_GROUP_SCHED)",
            ),
            (abi::EPERM, 6) => {
                error.hint("SCHED_DEADLINE needs CAP_SYS_NICE on the host, and a process that may use all processors")
            }
            (abi::EPERM, _) => error.hint("a lower nice value needs CAP_SYS_NICE on the host or RLIMIT_NICE"),
            (abi::EINVAL, 4) => error.hint("this kernel does not have SCHED_ISO, as no kernel.org one has"),
            (abi::EINVAL, 6) => {
                error.hint("the period must be within sysctl kernel.sched_deadline_period_min_us and _max_us")
            }
            (abi::EBUSY, 6) => error.hint("the processors have not that much time left for deadlines"),
            (abi::EOPNOTSUPP, _) => {
                Error::new("process.scheduler.flags", "this kernel has no utilisation clamps (CONFIG_UCLAMP_TASK)")
                    .hint("leave SCHED_FLAG_UTIL_CLAMP_MIN and _MAX out")
            }
            _ => error,
        }
    }
}
