//! What the container sees: its root, mounts, devices, terminal.

use super::{Fault, show};
use crate::error::Error;
use crate::plan::{DeviceKind, Parameter, Source};
use crate::script::Step;
use crate::sys::abi;

const TOO_MANY_MOUNTS: &str = "too many mounts: see the sysctl fs.mount-max";
const READ_ONLY_DEV: &str = "make it in the image, or mount a tmpfs on /dev";

impl Fault<'_> {
    pub(super) fn rootfs(&self) -> Option<Error> {
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
            Step::RootfsAttach => self.hinted(self.say(place, "can't be mounted"), abi::ENOSPC, TOO_MANY_MOUNTS),
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

    pub(super) fn mount(&self) -> Option<Error> {
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
                    abi::EACCES => error.hint("whoever calls onggi must be able to enter every directory on the way"),
                    _ => error,
                }
            }
            Step::MountIdmap => self.idmap(place, &mount.source),
            Step::MountTarget if mount.source == Source::Remount => {
                self.say(place, "there is nothing to be remounted").hint("mount something there first")
            }
            Step::MountTarget => {
                let error = self.say(place, "the mount point can't be found or made in the root file system");
                match self.errno {
                    abi::ELOOP => error.hint("a link on the way leads in a circle, or through /proc"),
                    abi::EROFS => error.hint("create it in the image: what it lies on is read-only"),
                    abi::ENOTDIR => error.hint("something on the way is a file in the image"),
                    abi::EACCES | abi::EPERM | libc::EOVERFLOW => {
                        error.hint("create it in the image: the container's root may not write there")
                    }
                    abi::EXDEV => error
                        .hint("a link on the way leads onto a volume that is shared with the host, which would see it"),
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
                    // Older kernels have some file systems look at their options only here.
                    abi::EINVAL if parameters(&mount.source).iter().any(is_id) => error.hint(format!(
                        "an option's value is not what {kind} expects; or the user namespace may not map its uid= or gid="
                    )),
                    abi::EINVAL => error.hint(format!("an option's value is not what {kind} expects")),
                    _ => error,
                }
            }
            Step::MountCopyUp => {
                let error = self.say(place, "what it covers can't be copied into it (tmpcopyup)");
                match self.errno {
                    abi::ENOSPC => error.hint("give it more room with the option size=, or nr_inodes="),
                    abi::ENAMETOOLONG => error.hint("directories may be nested 128 deep"),
                    _ => error,
                }
            }
            Step::MountAttributes => {
                let hint =
                    "in a user namespace the ro, nosuid, nodev, noexec and atime of a host's mount can't be taken away";
                self.hinted(self.say(place, "its options can't be set"), abi::EPERM, hint)
            }
            Step::MountPropagation => self.say(place, "its propagation can't be set"),
            Step::MountAttach => {
                let error = self.say(place, "can't be mounted there");
                match self.errno {
                    abi::ENOTDIR | abi::EINVAL => error.hint("a file goes on a file, a directory on a directory"),
                    abi::ELOOP => error.hint("the mount would contain itself"),
                    abi::ENOSPC => error.hint(TOO_MANY_MOUNTS),
                    _ => error,
                }
            }
            _ => return None,
        })
    }

    fn parameter(&self, place: String, source: &Source, kind: &str) -> Error {
        let parameters = parameters(source);
        let error = match parameters.get(self.extra as usize) {
            Some(Parameter::Flag(key)) => self.say(place, format!("{kind} refuses the option {:?}", show(key))),
            Some(Parameter::Text(key, value)) => {
                self.say(place, format!("{kind} refuses the option \"{}={}\"", show(key), show(value)))
            }
            None => self.say(place, format!("{kind} refuses its source or mode")),
        };
        match self.errno {
            abi::EINVAL if parameters.get(self.extra as usize).is_some_and(is_id) => {
                error.hint("the user namespace may not map this id: leave the option out, or map it")
            }
            abi::EINVAL => error.hint(format!("it is no option of {kind}, or has a wrong value")),
            _ => error,
        }
    }

    pub(super) fn dev(&self) -> Option<Error> {
        let device = self.plan.devices.get(self.index);
        let path = device.map_or_else(String::new, |device| show(&device.path));
        let place = match device.and_then(|device| device.index) {
            Some(index) => format!("linux.devices[{index}] {path}"),
            None => path.clone(),
        };
        Some(match self.step {
            Step::DeviceParent => {
                self.hinted(self.say(place, "its directory can't be found or made"), abi::EROFS, READ_ONLY_DEV)
            }
            Step::DeviceSource if self.errno == 0 => self.say(
                place,
                "the host's node of this path is another device, and in a user namespace no other can be made",
            ),
            Step::DeviceSource => self
                .say(place, "in a user namespace the host's node is bound, but it can't be opened")
                .hint("make it on the host, or leave the device out"),
            Step::Device if self.errno == abi::EEXIST => {
                Error::new(place, "something that is not this device lies there in the image")
                    .hint("remove it, or mount a tmpfs on /dev")
            }
            Step::Device => {
                let making = device.is_some_and(|device| device.how == DeviceKind::Make);
                let error = self.say(place, if making { "can't be made" } else { "can't be bound from the host" });
                match self.errno {
                    abi::EROFS => error.hint(READ_ONLY_DEV),
                    abi::EPERM if making => error.hint("device nodes need CAP_MKNOD, outside any user namespace"),
                    _ => error,
                }
            }
            Step::DevLink => {
                let path = self.plan.links.get(self.index).map_or_else(String::new, |link| show(&link.path));
                self.hinted(self.say(path, "the link can't be made"), abi::EROFS, READ_ONLY_DEV)
            }
            Step::Devpts => Error::new("process.terminal", "a terminal needs a devpts mounted on /dev/pts")
                .hint("add it to `mounts`, or set terminal to false"),
            Step::Terminal => {
                let error = self.say("process.terminal", "a new terminal can't be opened");
                self.hinted(error, abi::ENOSPC, "too many are open: see the sysctl kernel.pty.max")
            }
            Step::TerminalSend => {
                let error = self.say("process.terminal", "the terminal can't be handed over to the console socket");
                self.hinted(error, libc::EPIPE, "whoever listened there has hung up")
            }
            Step::TerminalUse => self.say("process.terminal", "the terminal can't be made the controlling one"),
            Step::Console => self.say("process.terminal", "the terminal can't be mounted on /dev/console"),
            _ => return None,
        })
    }
}

/// What a file system is told; nothing for other mounts.
fn parameters(source: &Source) -> &[Parameter] {
    match source {
        Source::Filesystem { parameters, .. } => parameters,
        _ => &[],
    }
}

/// Whether it is an id, which has to be mapped.
fn is_id(of: &Parameter) -> bool {
    matches!(of, Parameter::Text(key, _) if [c"uid", c"gid"].contains(&key.as_c_str()))
}
