//! Facts about this host that a plan depends on, gathered once and cheaply.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use oci_spec::runtime as oci;

use super::label;

/// Inode of the initial user namespace: `PROC_USER_INIT_INO` of the kernel, the same on every machine.
const INITIAL_USER_NAMESPACE: u64 = 0xEFFF_FFFD;

/// Whether we are in the initial user namespace.
pub fn in_initial_user_namespace() -> bool {
    // Recognised by the inode: an identity mapping in uid_map proves nothing. Without procfs there is nothing to tell.
    std::fs::metadata("/proc/self/ns/user").map_or(true, |file| file.ino() == INITIAL_USER_NAMESPACE)
}

/// Number of CAP_SYS_ADMIN (capabilities(7)).
const CAP_SYS_ADMIN: u32 = 21;

/// What the runtime is and may, as far as a plan depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Effective user id.
    pub euid: u32,
    /// Effective group id.
    pub egid: u32,
    /// Permitted capabilities: without a new user namespace a container can have no others.
    pub permitted: u64,
    /// Whether we are in the initial user namespace; elsewhere nobody can make device nodes.
    pub initial: bool,
    /// Whether `AppArmor` is enabled; false until it was looked for ([`Host::for_spec`]).
    pub apparmor: bool,
    /// Whether `SELinux` is enabled; false until it was looked for.
    pub selinux: bool,
}

impl Host {
    /// Asks the kernel: four system calls, no file is read.
    pub fn probe() -> Self {
        let permitted = caps::read(None, caps::CapSet::Permitted).unwrap_or_default();
        Self {
            euid: nix::unistd::geteuid().as_raw(),
            egid: nix::unistd::getegid().as_raw(),
            permitted: permitted.iter().fold(0, |all, one| all | one.bitmask()),
            initial: in_initial_user_namespace(),
            apparmor: false,
            selinux: false,
        }
    }

    /// With what else `spec` makes it necessary to know.
    #[must_use]
    pub fn for_spec(self, spec: &oci::Spec) -> Self {
        self.with_modules(label::asked(spec.process().as_ref(), spec.linux().as_ref()))
    }

    /// With what else `process` makes it necessary to know.
    #[must_use]
    pub fn for_process(self, process: &oci::Process) -> Self {
        self.with_modules(label::asked(Some(process), None))
    }

    /// Looks for the security modules that are asked for: `AppArmor` and `SELinux`.
    fn with_modules(mut self, (apparmor, selinux): (bool, bool)) -> Self {
        if apparmor && !self.apparmor {
            self.apparmor =
                std::fs::read("/sys/module/apparmor/parameters/enabled").is_ok_and(|it| it.starts_with(b"Y"));
        }
        if selinux && !self.selinux {
            // It is there when a policy may be loaded, and mounted when one is.
            self.selinux = Path::new("/sys/fs/selinux/enforce").exists();
        }
        self
    }

    /// Whether we may mount and write id mappings: root, or the root of a user namespace.
    pub fn privileged(&self) -> bool {
        self.permitted >> CAP_SYS_ADMIN & 1 == 1
    }

    /// Whether we are root where it counts, and may do what no user namespace's root may.
    pub fn root(&self) -> bool {
        self.initial && self.privileged()
    }

    /// An ordinary machine's root, for plans that must be the same everywhere: golden tests, `onggi plan` in documents.
    pub fn example() -> Self {
        Self { euid: 0, egid: 0, permitted: (1 << 41) - 1, initial: true, apparmor: false, selinux: false }
    }

    /// An ordinary user, id 1000.
    pub fn example_user() -> Self {
        Self { euid: 1000, egid: 1000, permitted: 0, initial: true, apparmor: false, selinux: false }
    }
}

#[cfg(test)]
mod tests {
    use super::Host;

    #[test]
    fn this_host_agrees_with_procfs() {
        let host = Host::probe();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(u64::from_str_radix(&field("CapPrm:")[0], 16).unwrap(), host.permitted);
        assert_eq!(field("Uid:")[1], host.euid.to_string());
        assert_eq!(field("Gid:")[1], host.egid.to_string());
        let map = std::fs::read_to_string("/proc/self/uid_map").unwrap();
        if host.initial {
            assert_eq!(map.split_whitespace().collect::<Vec<_>>(), ["0", "0", "4294967295"]);
        }
    }
}
