//! What the container sees: its root, what is hidden of it, devices, terminal.

use super::{Fault, show};
use crate::error::Error;
use crate::plan::DeviceKind;
use crate::script::Step;
use crate::sys::abi;

pub(super) const TOO_MANY_MOUNTS: &str = "too many mounts: see the sysctl fs.mount-max";
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
            Step::RootfsAttach => {
                let error = self.hinted(self.say(place, "can't be mounted"), abi::ENOSPC, TOO_MANY_MOUNTS);
                let enter =
                    "the ids that the container's users have on the host must be able to enter it: chmod or chown it";
                self.hinted(error, abi::EACCES, enter)
            }
            Step::RootfsPropagation => self.say("linux.rootfsPropagation", "can't be set"),
            Step::RootfsReadonly => self.say("root.readonly", "the root file system can't be made read-only"),
            Step::Pivot => {
                let error = self.say(place, "can't become the root");
                if self.errno == abi::EINVAL { error.hint("where / is a ramdisk, use --no-pivot") } else { error }
            }
            Step::Unmount => self.say("", "can't let go of the host's file systems"),
            Step::Readonly => {
                self.say(self.path("linux.readonlyPaths", &self.plan.readonly), "can't be made read-only")
            }
            Step::Masked => self.say(self.path("linux.maskedPaths", &self.plan.masked), "can't be covered"),
            Step::Null => {
                let error = self.say("/dev/null", "of the host, which covers masked files, is not usable");
                // Of another cause the kernel's word has its own remedy.
                if matches!(self.errno, 0 | abi::ENOENT) {
                    error.hint("it must be the character device 1:3: mknod -m 666 /dev/null c 1 3")
                } else {
                    error
                }
            }
            _ => return None,
        })
    }

    fn path(&self, list: &str, paths: &[std::ffi::CString]) -> String {
        format!("{list}[{}] {}", self.index, paths.get(self.index).map_or_else(String::new, |path| show(path)))
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
            Step::DeviceSource => {
                let error = self.say(place, "in a user namespace the host's node is bound, but it can't be opened");
                self.hinted(error, abi::ENOENT, "make it on the host, or leave the device out")
            }
            Step::Device if self.errno == abi::EEXIST => {
                Error::new(place, "something that is not this device lies there in the image")
                    .hint("remove it, or mount a tmpfs on /dev")
            }
            Step::Device => {
                let making = device.is_some_and(|device| device.how == DeviceKind::Make);
                let error = self.say(place, if making { "can't be made" } else { "can't be bound from the host" });
                match self.errno {
                    abi::EROFS => error.hint(READ_ONLY_DEV),
                    abi::EPERM if making => error.hint("device nodes need CAP_MKNOD, outside any user namespace, and device rules of the cgroups above that do not forbid it"),
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
