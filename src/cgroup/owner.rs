//! Handing the cgroup to the container's user, for a container that manages cgroups of its own.

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::unistd::{Gid, Uid, fchownat};

use super::Cgroup;
use crate::error::Result;

/// What may be handed over where the kernel doesn't say (runtime-spec config-linux, Cgroup ownership).
const FILES: [&str; 3] = ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"];

impl Cgroup {
    /// Gives the directory, and those of its files that can be delegated, to a user and group of the host.
    ///
    /// To be called if and only if the container has a cgroup namespace of its own and a writable cgroup mount. The
    /// files of limits stay the runtime's: a container can't raise its own.
    pub fn set_owner(&self, uid: u32, gid: u32) -> Result<()> {
        let list = std::fs::read_to_string("/sys/kernel/cgroup/delegate").unwrap_or_default();
        let listed = list.lines().filter(|name| !name.is_empty() && !name.contains('/'));
        let files: Vec<&str> = if list.trim().is_empty() { FILES.to_vec() } else { listed.collect() };
        for name in files.into_iter().chain([""]) {
            let flags = AtFlags::AT_EMPTY_PATH | AtFlags::AT_SYMLINK_NOFOLLOW;
            match fchownat(self, name, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), flags) {
                // Not every cgroup has every file of the list.
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(cause) => return Err(self.error(name, format!("cannot give it to user {uid}"), cause)),
            }
        }
        Ok(())
    }
}
