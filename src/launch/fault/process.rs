//! Who the process is, and what it becomes.

use super::{Fault, show};
use crate::error::Error;
use crate::script::Step;
use crate::sys::abi;

/// `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`.
const WAIT_KILLABLE: u32 = 1 << 5;

impl Fault<'_> {
    pub(super) fn identity(&self) -> Option<Error> {
        let process = &self.plan.process;
        Some(match self.step {
            Step::Rlimit => {
                let error = self.say(format!("process.rlimits[{}]", self.index), "can't be set");
                if self.errno == abi::EPERM {
                    error.hint("raising a hard limit needs CAP_SYS_RESOURCE on the host; ask for no more than onggi itself has, which `ulimit -H` shows")
                } else {
                    error
                }
            }
            Step::Label | Step::KeyLabel => self.label(),
            Step::MemoryPolicy => self.memory_policy(),
            Step::Stdio => self.say("process.user", "stdio can't be handed over to the user"),
            Step::Groups => {
                let error = self.unmapped("process.user.additionalGids", "can't be set");
                self.hinted(error, abi::EPERM, "this user namespace forbids to set groups: leave them out")
            }
            Step::Gid => self.unmapped("process.user.gid", format!("can't become group {}", process.gid)),
            Step::Uid => {
                let error = self.unmapped("process.user.uid", format!("can't become user {}", process.uid));
                self.hinted(error, abi::EAGAIN, "that user has as many processes as it may (RLIMIT_NPROC)")
            }
            Step::Bounding => {
                self.say("process.capabilities.bounding", format!("can't drop {}", capability(self.index)))
            }
            Step::Capabilities => {
                let error = self.say("process.capabilities", "can't be set");
                self.hinted(error, abi::EPERM, "ask for no more than onggi itself has")
            }
            Step::Ambient => {
                let error = self.say("process.capabilities.ambient", format!("can't raise {}", capability(self.index)));
                error.hint("it must be in the permitted and in the inheritable set as well")
            }
            Step::NoNewPrivileges => self.say("process.noNewPrivileges", "can't be set"),
            Step::Listener => {
                let error = self.say("linux.seccomp.listenerPath", "no thread can be made to hand over the listener");
                self.hinted(error, abi::EAGAIN, "the limits must leave room for one more process until the program begins: linux.resources.pids, RLIMIT_NPROC")
            }
            Step::Seccomp => self.seccomp(),
            _ => return None,
        })
    }

    fn memory_policy(&self) -> Error {
        let error = self.say("linux.memoryPolicy", "can't be set");
        match self.errno {
            abi::EINVAL => error.hint(
                "its nodes must have memory (/sys/devices/system/node/has_memory) and be among \
                 linux.resources.cpu.mems, and this kernel must know the mode",
            ),
            abi::ENOSYS => Error::new("linux.memoryPolicy", "can't be set: this kernel is built without NUMA"),
            abi::EPERM => error.hint("a seccomp profile around onggi forbids set_mempolicy(2)"),
            _ => error,
        }
    }

    fn seccomp(&self) -> Error {
        let error = self.say("linux.seccomp", "the kernel refuses the filter");
        let killable = self.plan.seccomp.as_ref().is_some_and(|filter| filter.flags & WAIT_KILLABLE != 0);
        match self.errno {
            abi::EINVAL if killable => error.hint(
                "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs Linux 5.19 or newer; leave it out of linux.seccomp.flags",
            ),
            abi::EBUSY => error.hint(
                "onggi itself runs under a filter that notifies, and the kernel takes one listener for a process",
            ),
            libc::EMFILE => error.hint("RLIMIT_NOFILE must leave room for the listener's descriptor"),
            abi::EACCES => error.hint("without noNewPrivileges it needs CAP_SYS_ADMIN"),
            abi::EINVAL => error.hint("a flag may be unknown to this kernel, or seccomp not be built in"),
            _ => error,
        }
    }

    /// A security module does not take the label.
    fn label(&self) -> Error {
        let process = &self.plan.process;
        let covered = "something is mounted over this process's attributes in /proc: unmount it";
        if self.step == Step::Label && self.index == 0 {
            let profile = process.apparmor.as_deref().map_or_else(String::new, show);
            let place = format!("process.apparmorProfile \"{profile}\"");
            return match self.errno {
                abi::ENOENT => Error::new(place, "no such profile is loaded on this host")
                    .hint("load it: apparmor_parser -r FILE; /sys/kernel/security/apparmor/profiles lists all"),
                abi::EACCES | abi::EPERM => self
                    .say(place, "can't be put into force")
                    .hint("onggi itself runs under a profile, which must allow to change to this one"),
                abi::EXDEV => self.say(place, "can't be put into force").hint(covered),
                _ => self.say(place, "can't be put into force"),
            };
        }
        let label = process.selinux.as_deref().map_or_else(String::new, show);
        let what = if self.step == Step::KeyLabel { "the keyring can't have it" } else { "can't be put into force" };
        let error = self.say(format!("process.selinuxLabel \"{label}\""), what);
        match self.errno {
            abi::EINVAL => error.hint("the policy that is loaded does not know it: it must read user:role:type:level"),
            abi::EACCES | abi::EPERM => {
                error.hint("the policy does not let onggi's own domain set it; `ausearch -m avc` shows what was denied")
            }
            abi::EXDEV => error.hint(covered),
            _ => error,
        }
    }

    /// EINVAL from setuid and its like: the id means nothing in the user namespace.
    fn unmapped(&self, place: &str, what: impl Into<String>) -> Error {
        let error = self.say(place, what);
        if self.errno == abi::EINVAL { error.hint("the user namespace's mappings do not contain it") } else { error }
    }

    pub(super) fn program(&self) -> Option<Error> {
        let process = &self.plan.process;
        let cwd = show(&process.cwd);
        Some(match self.step {
            Step::Cwd => {
                let error = self.say(format!("process.cwd {cwd}"), "can't be entered");
                match self.errno {
                    abi::ENOENT => error.hint("it could not be made either: create it in the image"),
                    abi::ENOTDIR => error.hint("it must be a directory in the image"),
                    abi::EACCES => error.hint("the user of the process must be able to enter it"),
                    _ => error,
                }
            }
            Step::CwdOutside if self.errno == abi::ENOENT => Error::new(
                format!("process.cwd {cwd}"),
                "was removed from the file system, or the rootfs was with it in",
            )
            .hint("the container can't have further processes there: delete it, and create it anew"),
            Step::CwdOutside => {
                Error::new(format!("process.cwd {cwd}"), "lies outside the container; refused for safety")
            }
            Step::Program | Step::Execve => self.not_found(),
            Step::Start => Error::new("", "the runtime went away before the container was started"),
            _ => return None,
        })
    }

    fn not_found(&self) -> Error {
        let name = self.plan.process.args.first().map_or_else(String::new, |name| show(name));
        let place = format!("process.args[0] {name:?}");
        let on_path = self.step == Step::Program && self.extra == 0 && self.index == 1;
        let gone = self.step == Step::Program && self.index == 2;
        let (error, status) = match self.errno {
            abi::ENOENT | abi::ENOTDIR if gone => (
                self.say(place, "was there when the container was created, and is not any more")
                    .hint("the root file system, or what is mounted in it, was changed or removed in between"),
                127,
            ),
            abi::ENOENT if on_path => {
                (Error::new(place, "executable file not found in $PATH").hint(self.looked_in()), 127)
            }
            abi::ENOENT if self.step == Step::Execve => (
                self.say(place, "is there, but the interpreter that it names is not")
                    .hint("that of its first line (#!), or its dynamic loader"),
                127,
            ),
            libc::E2BIG => (self.say(place, "can't be executed").hint("its args and env are too long together"), 126),
            libc::ENOEXEC => (
                self.say(place, "can't be executed").hint("it is for another architecture, or a script without #!"),
                126,
            ),
            // "exec" and "permission denied" are what Podman's callers look for.
            abi::EISDIR => (
                Error::new(place, "can't be executed: is a directory: permission denied")
                    .hint("name the program that is in it"),
                126,
            ),
            abi::EACCES => (
                self.say(place, "can't be executed")
                    .hint("it must be executable for the user of the process, and its mount not be noexec"),
                126,
            ),
            abi::ENOENT | abi::ENOTDIR => (
                self.say(place, "can't be executed").hint("it is not in the image, or a link on the way leads nowhere"),
                127,
            ),
            libc::ELOOP => (self.say(place, "can't be executed").hint("a link in the image leads back to itself"), 126),
            libc::ETXTBSY => {
                (self.say(place, "can't be executed").hint("somebody still has the file open for writing"), 126)
            }
            0 => (Error::new(place, "the path is too long"), 127),
            abi::EPERM => (self.say(place, "can't be executed").hint("does linux.seccomp allow execve?"), 126),
            _ => (self.say(place, "can't be executed"), 126),
        };
        error.status(status)
    }
}

impl Fault<'_> {
    /// Where a program without a path was looked for.
    fn looked_in(&self) -> String {
        let path = self.plan.process.env.iter().find_map(|variable| variable.to_bytes().strip_prefix(b"PATH="));
        match path {
            Some(path) => format!("the PATH of process.env is {}", String::from_utf8_lossy(path)),
            None => "process.env has no PATH, so the usual directories were looked through".into(),
        }
    }
}

fn capability(number: usize) -> String {
    crate::plan::caps::names(1 << (number & 63)).into_iter().next().unwrap_or_else(|| number.to_string())
}
