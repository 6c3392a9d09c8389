//! From a coordinate to a sentence: what a failed step means, in the words of config.json.
//!
//! A pure function of the plan and the child's 16 bytes: every sentence has a golden test.

use std::ffi::CStr;
use std::io;

use crate::error::Error;
use crate::plan::{DEFAULT_HOOK_TIMEOUT, Hook, Plan};
use crate::script::{Message, Step};
use crate::sys::{Errno, abi};

mod files;
mod idmap;
mod mounts;
mod process;
mod scheduling;

/// What `message`, the fault of a step of `plan`, means.
pub fn explain(plan: &Plan, message: &Message) -> Error {
    let Some(step) = Step::from_number(message.what) else {
        return Error::new("", format!("the child said something unknown: {message:?}"));
    };
    let fault = Fault { plan, step, index: message.index as usize, errno: message.errno, extra: message.extra };
    fault
        .namespaces()
        .or_else(|| fault.rootfs())
        .or_else(|| fault.mount())
        .or_else(|| fault.dev())
        .or_else(|| fault.hook())
        .or_else(|| fault.identity())
        .or_else(|| fault.scheduling())
        .or_else(|| fault.program())
        .unwrap_or_else(|| fault.say("", format!("the child failed at its step {}", step.name())))
}

/// For a child that was last heard of there: `after its step MountAttach of mounts[7] /data`.
pub(super) fn after(plan: &Plan, step: Step, index: u32) -> String {
    let there = explain(plan, &Message::fault(step, index, Errno(0), 0));
    match there.problems.first().map(|problem| problem.place.as_str()) {
        Some(place) if !place.is_empty() => format!("after its step {} of {place}", step.name()),
        _ => format!("after its step {}", step.name()),
    }
}

/// Whether a hook at start failed: that is the end of the container, not only of its start.
pub fn of_a_hook(step: Step) -> bool {
    step == Step::StartContainerHook
}

struct Fault<'a> {
    plan: &'a Plan,
    step: Step,
    index: usize,
    errno: i32,
    extra: u32,
}

impl Fault<'_> {
    /// A sentence at `place`, with the system's cause if there is one.
    fn say(&self, place: impl Into<String>, what: impl Into<String>) -> Error {
        if self.errno == 0 {
            Error::new(place, what)
        } else {
            let error = Error::io(place, what.into(), io::Error::from_raw_os_error(self.errno));
            self.hinted(error, abi::EPERM, "onggi lacks a capability for it, or a seccomp profile around it forbids it")
        }
    }

    /// `error` with a hint for one of its causes.
    fn hinted(&self, error: Error, errno: i32, hint: &str) -> Error {
        if self.errno == errno { error.hint(hint) } else { error }
    }

    fn hostname(&self, place: &str) -> Error {
        let hint = "the uts namespace belongs to another user namespace: have a new one, or leave the name out";
        self.hinted(self.say(place, "can't be set"), abi::EPERM, hint)
    }

    fn namespaces(&self) -> Option<Error> {
        let plan = self.plan;
        Some(match self.step {
            Step::Join => {
                let Some(join) = plan.namespaces.join.get(self.index) else {
                    return Some(match self.errno {
                        libc::ESRCH => Error::new("", "container not running").hint("it has just ended"),
                        _ => self.say("", "can't join the container's namespaces"),
                    });
                };
                let place = format!("linux.namespaces[{}].path {}", join.index, show(&join.path));
                let error = self.say(place, "can't be joined");
                match self.errno {
                    abi::ENOENT => error.hint("the process or container that it belongs to has ended; start it first"),
                    abi::EINVAL => {
                        error.hint("it is not a namespace of that type, or one that this process is in already")
                    }
                    abi::EPERM => error.hint("joining needs CAP_SYS_ADMIN in the user namespace that owns it"),
                    _ => error,
                }
            }
            Step::Clone => clone_hint(self.say("linux.namespaces", "can't be made"), self.errno),
            Step::Maps => Error::new("linux.uidMappings", "were not written: the runtime went away"),
            Step::Root => {
                let error = self.say("linux.uidMappings", "can't become the user namespace's root");
                self.hinted(error, abi::EPERM, "CAP_SETUID and CAP_SETGID in that namespace are needed")
            }
            Step::Loopback => self.say("", "can't bring up the loopback of the new network namespace"),
            Step::Hostname => self.hostname("hostname"),
            Step::Domainname => self.hostname("domainname"),
            Step::Sysctl => {
                let name = plan.sysctls.get(self.index).map_or("", |sysctl| sysctl.name.as_str());
                let value = plan.sysctls.get(self.index).map_or_else(String::new, |sysctl| show(&sysctl.value));
                let error = self.say(format!("linux.sysctl[\"{name}\"]"), format!("can't be set to {value:?}"));
                match self.errno {
                    abi::ENOENT => error.hint("this kernel has no such parameter; a module may be missing"),
                    abi::EINVAL => error.hint("the kernel does not accept this value"),
                    abi::EACCES | abi::EPERM | abi::EROFS => {
                        error.hint("only parameters of a namespace that the container owns can be set")
                    }
                    _ => error,
                }
            }
            Step::Keyring => self
                .say("", "the container can't have a session keyring of its own")
                .hint("with --no-new-keyring it shares that of its caller"),
            Step::Resctrl => {
                let rdt = plan.rdt.as_ref();
                let group = rdt.and_then(|rdt| rdt.clos.as_deref()).unwrap_or("of the container's own");
                let which = if self.index == 0 { "group" } else { "the monitoring group below group" };
                self.say("linux.intelRdt", format!("{which} {group} can't be entered"))
            }
            Step::Become | Step::Script | Step::Undumpable | Step::Descriptors | Step::Signals | Step::Session => {
                let error = self.say("", format!("the child can't begin ({})", self.step.name()));
                let hint = "memory files must be executable here: see the sysctl vm.memfd_noexec";
                if self.step == Step::Become { self.hinted(error, abi::EACCES, hint) } else { error }
            }
            _ => return None,
        })
    }

    fn hook(&self) -> Option<Error> {
        let (kind, where_found, hooks): (_, _, &[Hook]) = match self.step {
            Step::CreateContainerHook => {
                ("createContainer", "it is looked for on the host", &self.plan.hooks.create_container)
            }
            Step::StartContainerHook => {
                ("startContainer", "it is looked for in the container", &self.plan.hooks.start_container)
            }
            Step::Hooks => return Some(Error::new("hooks", "were not run to their end: the runtime went away")),
            _ => return None,
        };
        let hook = hooks.get(self.index)?;
        let place = format!("hooks.{kind}[{}] {}", self.index, show(&hook.path));
        let (signal, status) = (self.extra & 0x7f, self.extra >> 8);
        Some(match (self.errno, status, signal) {
            (abi::ETIMEDOUT, ..) => {
                let seconds = hook.timeout.unwrap_or(DEFAULT_HOOK_TIMEOUT).as_secs();
                Error::new(place, format!("was killed when its time of {seconds} s was over"))
                    .hint("raise its `timeout`")
            }
            (0, 127, 0) => {
                Error::new(place, "no such file or directory, or it ended with status 127").hint(where_found)
            }
            (0, 126, 0) => Error::new(place, "can't be executed, or ended with status 126").hint("is it executable?"),
            (0, status, 0) => Error::new(place, format!("ended with status {status}")),
            (0, _, signal) => Error::new(place, format!("was killed by signal {signal}")),
            _ => self.say(place, "can't be run"),
        })
    }
}

/// What can be done where the kernel makes no process with new namespaces.
pub(super) fn clone_hint(error: Error, errno: i32) -> Error {
    match errno {
        abi::EAGAIN => error.hint("RLIMIT_NPROC, pids.max or kernel.pid_max is reached"),
        abi::EPERM => {
            error.hint("new namespaces need CAP_SYS_ADMIN, or a user namespace: run as root with it, or add one (onggi spec --rootless shows how)")
        }
        abi::ENOSPC => error.hint("too many nested or too many namespaces: see user.max_*_namespaces (sysctl)"),
        _ => error,
    }
}

fn show(text: &CStr) -> String {
    text.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
