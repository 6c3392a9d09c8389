//! Mounts, one after the other.

use super::files::TOO_MANY_MOUNTS;
use super::{Fault, show};
use crate::error::Error;
use crate::plan::{Parameter, Source};
use crate::script::Step;
use crate::sys::abi;

impl Fault<'_> {
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
            Step::MountSource => self.mount_source(place, &mount.source),
            Step::MountIdmap => self.idmap(place, &mount.source),
            Step::MountTarget if mount.source == Source::Remount => {
                self.say(place, "there is nothing to be remounted").hint("mount something there first")
            }
            Step::MountTarget => self.mount_target(place),
            // Not the image's fault.
            Step::MountPlain if matches!(self.errno, abi::ENOSYS | abi::EPERM | libc::EMFILE | libc::ENFILE) => {
                self.say(place, "its mount point can't be looked up")
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
            Step::MountParameter => self.mount_parameter(place, &mount.source, &kind),
            Step::MountCreate => self.mount_create(place, &mount.source, &kind),
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

    fn mount_source(&self, place: String, source: &Source) -> Error {
        let path = match source {
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

    fn mount_target(&self, place: String) -> Error {
        let error = self.say(place, "the mount point can't be found or made in the root file system");
        match self.errno {
            abi::ELOOP => error.hint("a link on the way leads in a circle, or through /proc"),
            abi::EROFS => error.hint("create it in the image: what it lies on is read-only"),
            abi::ENOTDIR => error.hint("something on the way is a file in the image"),
            abi::EACCES | abi::EPERM | libc::EOVERFLOW => {
                error.hint("create it in the image: the container's root may not write there")
            }
            abi::EXDEV => {
                error.hint("a link on the way leads onto a volume that is shared with the host, which would see it")
            }
            abi::EAGAIN => error.hint("somebody keeps renaming directories on the way; refused for safety"),
            _ => error,
        }
    }

    fn mount_parameter(&self, place: String, source: &Source, kind: &str) -> Error {
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

    fn mount_create(&self, place: String, source: &Source, kind: &str) -> Error {
        let error = self.say(place, format!("a new {kind} can't be made"));
        match self.errno {
            abi::ENOENT => error.hint(format!("{kind} finds no `source` of that name")),
            abi::EPERM => error.hint(
                "in a user namespace proc needs a new pid namespace, sysfs a new network namespace, mqueue a new ipc namespace",
            ),
            // Older kernels have some file systems look at their options only here.
            abi::EINVAL if parameters(source).iter().any(is_id) => error.hint(format!(
                "an option's value is not what {kind} expects; or the user namespace may not map its uid= or gid="
            )),
            abi::EINVAL => error.hint(format!("an option's value is not what {kind} expects")),
            _ => error,
        }
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
