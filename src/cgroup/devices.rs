//! The device program of a cgroup.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;

use super::Cgroup;
use crate::error::{Error, Result};
use crate::plan::cgroup::Program;
use crate::sys::{self, Fd, bpf, owned};

/// More programs on one cgroup than the kernel allows (`BPF_CGROUP_MAX_PROGS`).
const MOST_PROGRAMS: usize = 64;

impl Cgroup {
    /// Puts `program` in force: in the place of our earlier one, in one step, or else beside those of others (systemd has
    /// one in its units), since all of them must agree.
    ///
    /// # Errors
    /// `EPERM` in a user namespace: the caller decides whether to try there at all, where no device node can be made
    /// anyway.
    pub fn attach_devices(&self, program: &Program) -> Result<()> {
        let directory = Fd(self.directory.as_raw_fd());
        let attach = || {
            let loaded = owned(bpf::load_device_program(&program.instructions)?);
            let old = if self.is_new() { None } else { attached(directory)? };
            let old = old.as_ref().map(|program| Fd(program.as_raw_fd()));
            bpf::attach_device_program(directory, Fd(loaded.as_raw_fd()), old)
        };
        attach().map_err(|sys::Errno(number)| {
            let what = format!("the device rules can't be put in force in the cgroup {}", self.path().display());
            let cause = Errno::from_raw(number);
            let error = Error::io("linux.resources.devices", what, cause);
            match cause {
                Errno::EPERM => {
                    error.hint("this takes CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN, outside user namespaces")
                }
                Errno::ENOSYS | Errno::EINVAL => {
                    error.hint("the kernel needs CONFIG_CGROUP_BPF and CONFIG_BPF_SYSCALL")
                }
                _ => error,
            }
        })
    }

    /// Whether the directory was made by this very process: then it has no program yet.
    fn is_new(&self) -> bool {
        self.made.last() == Some(&self.path)
    }
}

/// Our program that is attached already.
fn attached(directory: Fd) -> Result<Option<OwnedFd>, sys::Errno> {
    let mut ids = [0; MOST_PROGRAMS];
    let count = bpf::attached_device_programs(directory, &mut ids)?;
    for &id in &ids[..count.min(MOST_PROGRAMS)] {
        let program = owned(bpf::program_by_id(id)?);
        if bpf::is_ours(Fd(program.as_raw_fd()))? {
            return Ok(Some(program));
        }
    }
    Ok(None)
}
