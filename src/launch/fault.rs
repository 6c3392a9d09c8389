//! From a coordinate to a sentence: what a failed step means, in the words of config.json.
//!
//! A pure function of the plan and the child's 16 bytes: every sentence has a golden test.

use std::ffi::CStr;
use std::io;

use crate::cgroup::Cgroup;
use crate::error::Error;
use crate::plan::{DeviceKind, Hook, Parameter, Plan, Source};
use crate::script::{Message, Step};
use crate::sys::abi;

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
        .or_else(|| fault.program())
        .unwrap_or_else(|| fault.say("", format!("the child failed at its step {}", step.name())))
}

/// What it means that the child ended with `status` and said nothing.
pub fn silent_end(status: u8, cgroup: Option<&Cgroup>) -> Error {
    let killed = status == 137;
    let memory = cgroup.map(Cgroup::memory);
    if let Some(memory) = memory.filter(|memory| killed && memory.oom_kills > 0) {
        let amount = |bytes: Option<u64>| bytes.map_or_else(|| "?".to_owned(), |bytes| format!("{} KiB", bytes / 1024));
        let what = format!(
            "the container was killed for lack of memory while it was set up (limit {}, peak {})",
            amount(memory.limit),
            amount(memory.peak)
        );
        return Error::new("linux.resources.memory.limit", what).hint("raise it; a few MiB are needed to begin");
    }
    let what = match status {
        128.. => format!("the container's first process was killed by signal {} while it was set up", status - 128),
        _ => format!("the container's first process ended with status {status} while it was set up"),
    };
    Error::new("", what)
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
            Error::io(place, what.into(), io::Error::from_raw_os_error(self.errno))
        }
    }

    fn namespaces(&self) -> Option<Error> {
        let plan = self.plan;
        Some(match self.step {
            Step::Join => {
                let join = plan.namespaces.join.get(self.index);
                let (index, path) = join.map_or((0, String::new()), |join| (join.index, show(&join.path)));
                let error = self.say(format!("linux.namespaces[{index}].path {path}"), "can't be joined");
                match self.errno {
                    abi::ENOENT => error.hint("the process or container that it belongs to has ended; start it first"),
                    abi::EINVAL => {
                        error.hint("it is not a namespace of that type, or one that this process is in already")
                    }
                    abi::EPERM => error.hint("joining needs CAP_SYS_ADMIN in the user namespace that owns it"),
                    _ => error,
                }
            }
            Step::Clone => self.say("linux.namespaces", "can't be made"),
            Step::Maps => self.say("linux.uidMappings", "were not written: the runtime went away"),
            Step::Root => self.say("linux.uidMappings", "can't become the user namespace's root"),
            Step::Loopback => self.say("", "can't bring up the loopback of the new network namespace"),
            Step::Hostname => self.say("hostname", "can't be set"),
            Step::Domainname => self.say("domainname", "can't be set"),
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
            Step::Become | Step::Script | Step::Undumpable | Step::Descriptors | Step::Signals | Step::Session => {
                self.say("", format!("the child can't begin ({})", self.step.name()))
            }
            _ => return None,
        })
    }

    fn rootfs(&self) -> Option<Error> {
        let path = self.plan.rootfs.path.display();
        let place = format!("root.path {path}");
        Some(match self.step {
            Step::RootfsSource => {
                let error = self.say(place, "can't be used as the root file system");
                match self.errno {
                    abi::ENOENT => error.hint("unpack an image there, or correct root.path"),
                    abi::ENOTDIR => error.hint("it must be a directory"),
                    abi::EACCES => error
                        .hint("the user that the container runs as must be able to enter every directory on the way"),
                    _ => error,
                }
            }
            Step::Propagation => {
                self.say("linux.rootfsPropagation", "the mounts of the new namespace can't be cut off from the host's")
            }
            Step::RootfsAttach => self.say(place, "can't be mounted"),
            Step::RootfsPropagation => self.say("linux.rootfsPropagation", "can't be set"),
            Step::RootfsReadonly => self.say("root.readonly", "the root file system can't be made read-only"),
            Step::Pivot => {
                let error = self.say(place, "can't become the root (pivot_root)");
                if self.errno == abi::EINVAL { error.hint("where / is a ramdisk, use --no-pivot") } else { error }
            }
            Step::Unmount => self.say("", "can't let go of the host's file systems"),
            Step::Readonly => {
                self.say(self.path("linux.readonlyPaths", &self.plan.readonly), "can't be made read-only")
            }
            Step::Masked => self.say(self.path("linux.maskedPaths", &self.plan.masked), "can't be covered"),
            Step::Null => {
                let error = self.say("/dev/null", "of the host, which covers masked files, is not usable");
                error.hint("it must be the character device 1:3: mknod -m 666 /dev/null c 1 3")
            }
            _ => return None,
        })
    }

    fn path(&self, list: &str, paths: &[std::ffi::CString]) -> String {
        format!("{list}[{}] {}", self.index, paths.get(self.index).map_or_else(String::new, |path| show(path)))
    }

    fn mount(&self) -> Option<Error> {
        let mount = self.plan.mounts.get(self.index)?;
        let place = format!("mounts[{}] {}", self.index, show(&mount.target));
        let kind = match &mount.source {
            Source::Filesystem { kind, .. } => show(kind),
            Source::Bind { .. } => "bind".to_owned(),
            Source::Cgroup => "cgroup2".to_owned(),
            Source::Remount => "remount".to_owned(),
        };
        Some(match self.step {
            Step::MountSource => {
                let path = match &mount.source {
                    Source::Bind { path, .. } => show(path),
                    _ => "cgroup".to_owned(),
                };
                let error = self.say(place, format!("bind source {path}"));
                match self.errno {
                    abi::ENOENT => error.hint("create it on the host, or correct `source`"),
                    abi::EINVAL => error.hint("in a user namespace a directory with mounts below it needs `rbind`"),
                    _ => error,
                }
            }
            Step::MountTarget if mount.source == Source::Remount => {
                self.say(place, "there is nothing to be remounted").hint("mount something there first")
            }
            Step::MountTarget => {
                let error = self.say(place, "the mount point can't be found or made in the root file system");
                match self.errno {
                    abi::ELOOP => error.hint("a link on the way leads nowhere, in a circle, or through /proc"),
                    abi::EROFS => error.hint("create it in the image: what it lies on is read-only"),
                    abi::EAGAIN => error.hint("somebody keeps renaming directories on the way; refused for safety"),
                    _ => error,
                }
            }
            Step::MountPlain => {
                Error::new(place, format!("{kind} must be mounted on ordinary directory: there is a link on the way"))
                    .hint("remove the link from the image")
            }
            Step::MountOpen => {
                let error = self.say(place, format!("file system {kind}"));
                match self.errno {
                    abi::ENODEV => error.hint("this kernel does not know it: see /proc/filesystems"),
                    abi::EPERM => error.hint("it can't be mounted in a user namespace; bind it from the host instead"),
                    _ => error,
                }
            }
            Step::MountParameter => self.parameter(place, &mount.source, &kind),
            Step::MountCreate => {
                let error = self.say(place, format!("a new {kind} can't be made"));
                match self.errno {
                    abi::ENOENT => error.hint(format!("{kind} finds no `source` of that name")),
                    abi::EPERM => error.hint(
                        "in a user namespace proc needs a new pid namespace, sysfs a new network namespace, mqueue a new ipc namespace",
                    ),
                    abi::EINVAL => error.hint(format!("an option's value is not what {kind} expects")),
                    _ => error,
                }
            }
            Step::MountAttributes => self.say(place, "its options can't be set"),
            Step::MountPropagation => self.say(place, "its propagation can't be set"),
            Step::MountAttach => {
                let error = self.say(place, "can't be mounted there");
                match self.errno {
                    abi::ENOTDIR | abi::EINVAL => error.hint("a file goes on a file, a directory on a directory"),
                    abi::ELOOP => error.hint("the mount would contain itself"),
                    _ => error,
                }
            }
            _ => return None,
        })
    }

    fn parameter(&self, place: String, source: &Source, kind: &str) -> Error {
        let Source::Filesystem { parameters, .. } = source else {
            return self.say(place, "an option is refused");
        };
        let error = match parameters.get(self.extra as usize) {
            Some(Parameter::Flag(key)) => self.say(place, format!("{kind} refuses the option {:?}", show(key))),
            Some(Parameter::Text(key, value)) => {
                self.say(place, format!("{kind} refuses the option \"{}={}\"", show(key), show(value)))
            }
            None => self.say(place, format!("{kind} refuses its source or mode")),
        };
        if self.errno == abi::EINVAL {
            error.hint(format!("it is no option of {kind}, or has a wrong value"))
        } else {
            error
        }
    }

    fn dev(&self) -> Option<Error> {
        let device = self.plan.devices.get(self.index);
        let path = device.map_or_else(String::new, |device| show(&device.path));
        let place = match device.and_then(|device| device.index) {
            Some(index) => format!("linux.devices[{index}] {path}"),
            None => path.clone(),
        };
        Some(match self.step {
            Step::DeviceParent => self.say(place, "its directory can't be found or made"),
            Step::DeviceSource if self.errno == 0 => self.say(
                place,
                "the host's node of this path is another device, and in a user namespace no other can be made",
            ),
            Step::DeviceSource => self.say(place, "the host's node, to be bound into the user namespace"),
            Step::Device if self.errno == abi::EEXIST => {
                Error::new(place, "something that is not this device lies there in the image")
                    .hint("remove it, or mount a tmpfs on /dev")
            }
            Step::Device => {
                let making = device.is_some_and(|device| device.how == DeviceKind::Make);
                self.say(place, if making { "can't be made" } else { "can't be bound from the host" })
            }
            Step::DevLink => {
                let path = self.plan.links.get(self.index).map_or_else(String::new, |link| show(&link.path));
                self.say(path, "the link can't be made")
            }
            Step::Devpts => Error::new("process.terminal", "a terminal needs a devpts mounted on /dev/pts")
                .hint("add it to `mounts`, or set terminal to false"),
            Step::Terminal => self.say("process.terminal", "a new terminal can't be opened"),
            Step::TerminalSend => {
                self.say("process.terminal", "the terminal can't be handed over to the console socket")
            }
            Step::TerminalUse => self.say("process.terminal", "the terminal can't be made the controlling one"),
            Step::Console => self.say("process.terminal", "the terminal can't be mounted on /dev/console"),
            _ => return None,
        })
    }

    fn hook(&self) -> Option<Error> {
        let (kind, hooks): (_, &[Hook]) = match self.step {
            Step::CreateContainerHook => ("createContainer", &self.plan.hooks.create_container),
            Step::StartContainerHook => ("startContainer", &self.plan.hooks.start_container),
            Step::Hooks => return Some(self.say("hooks", "were not run to their end: the runtime went away")),
            _ => return None,
        };
        let hook = hooks.get(self.index)?;
        let place = format!("hooks.{kind}[{}] {}", self.index, show(&hook.path));
        let (signal, status) = (self.extra & 0x7f, self.extra >> 8);
        Some(match (self.errno, status, signal) {
            (abi::ETIMEDOUT, ..) => {
                Error::new(place, "was killed at its timeout").hint("hooks may have a longer `timeout`")
            }
            (0, 127, 0) => Error::new(place, "no such file or directory, or it ended with status 127"),
            (0, 126, 0) => Error::new(place, "can't be executed, or ended with status 126"),
            (0, status, 0) => Error::new(place, format!("ended with status {status}")),
            (0, _, signal) => Error::new(place, format!("was killed by signal {signal}")),
            _ => self.say(place, "can't be run"),
        })
    }

    fn identity(&self) -> Option<Error> {
        let process = &self.plan.process;
        Some(match self.step {
            Step::Rlimit => {
                let error = self.say(format!("process.rlimits[{}]", self.index), "can't be set");
                if self.errno == abi::EPERM {
                    error.hint("raising a hard limit needs CAP_SYS_RESOURCE on the host; ask for no more than onggi itself has (ulimit -H)")
                } else {
                    error
                }
            }
            Step::Stdio => self.say("process.user", "stdio can't be handed over to the user"),
            Step::Groups => self.unmapped("process.user.additionalGids", "can't be set"),
            Step::Gid => self.unmapped("process.user.gid", format!("can't become group {}", process.gid)),
            Step::Uid => self.unmapped("process.user.uid", format!("can't become user {}", process.uid)),
            Step::Bounding => {
                self.say("process.capabilities.bounding", format!("can't drop {}", capability(self.index)))
            }
            Step::Capabilities => self.say("process.capabilities", "can't be set"),
            Step::Ambient => {
                let error = self.say("process.capabilities.ambient", format!("can't raise {}", capability(self.index)));
                error.hint("it must be in the permitted and in the inheritable set as well")
            }
            Step::NoNewPrivileges => self.say("process.noNewPrivileges", "can't be set"),
            Step::Seccomp => {
                let error = self.say("linux.seccomp", "the kernel refuses the filter");
                match self.errno {
                    abi::EACCES => error.hint("without noNewPrivileges it needs CAP_SYS_ADMIN"),
                    abi::EINVAL => error.hint("a flag may be unknown to this kernel, or seccomp not be built in"),
                    _ => error,
                }
            }
            _ => return None,
        })
    }

    /// EINVAL from setuid and its like: the id means nothing in the user namespace.
    fn unmapped(&self, place: &str, what: impl Into<String>) -> Error {
        let error = self.say(place, what);
        if self.errno == abi::EINVAL { error.hint("the user namespace's mappings do not contain it") } else { error }
    }

    fn program(&self) -> Option<Error> {
        let process = &self.plan.process;
        let cwd = show(&process.cwd);
        Some(match self.step {
            Step::Cwd => {
                let error = self.say(format!("process.cwd {cwd}"), "can't be entered");
                match self.errno {
                    abi::EACCES => error.hint("the user of the process must be able to enter it"),
                    _ => error,
                }
            }
            Step::CwdOutside => {
                Error::new(format!("process.cwd {cwd}"), "lies outside the container; refused for safety")
            }
            Step::Program | Step::Execve => self.not_found(),
            Step::Start => self.say("", "the runtime went away before the container was started"),
            _ => return None,
        })
    }

    fn not_found(&self) -> Error {
        let name = self.plan.process.args.first().map_or_else(String::new, |name| show(name));
        let place = format!("process.args[0] {name:?}");
        let on_path = self.step == Step::Program && self.extra == 0 && self.index == 1;
        let (error, status) = match self.errno {
            abi::ENOENT if on_path => (Error::new(place, "executable file not found in $PATH"), 127),
            abi::ENOENT if self.step == Step::Execve => (
                self.say(place, "is there, but the interpreter that it names is not")
                    .hint("its first line (#!) or its dynamic loader"),
                127,
            ),
            8 => (
                self.say(place, "can't be executed").hint("it is for another architecture, or a script without #!"),
                126,
            ),
            abi::EISDIR => (Error::new(place, "is a directory: permission denied"), 126),
            abi::EACCES => (
                self.say(place, "can't be executed")
                    .hint("it must be executable for the user of the process, and its mount not be noexec"),
                126,
            ),
            abi::ENOENT | abi::ENOTDIR => (self.say(place, "can't be executed"), 127),
            0 => (Error::new(place, "the path is too long"), 127),
            abi::EPERM => (self.say(place, "can't be executed").hint("does linux.seccomp allow execve?"), 126),
            _ => (self.say(place, "can't be executed"), 126),
        };
        error.status(status)
    }
}

fn show(text: &CStr) -> String {
    text.to_string_lossy().into_owned()
}

fn capability(number: usize) -> String {
    crate::plan::caps::names(1 << (number & 63)).into_iter().next().unwrap_or_else(|| number.to_string())
}
