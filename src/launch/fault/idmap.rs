//! Why the kernel maps the ids of no mount of a file system, and since when it does of others.

use super::{Fault, show};
use crate::error::Error;
use crate::plan::Source;
use crate::sys::abi;

/// File systems by their magic numbers (statfs(2)), with the first Linux whose mounts of it can be id-mapped.
const SINCE: [(u32, &str, Option<&str>); 21] = [
    (0xef53, "ext4", Some("5.12")),
    (0x5846_5342, "xfs", Some("5.12")),
    (0x4d44, "vfat", Some("5.12")),
    (0x9123_683e, "btrfs", Some("5.15")),
    (0x7366_746e, "ntfs3", Some("5.15")),
    (0xf2f5_2010, "f2fs", Some("5.18")),
    (0xe0f5_e1e2, "erofs", Some("5.19")),
    (0x7371_7368, "squashfs", Some("6.2")),
    (0x0102_1994, "tmpfs", Some("6.3")),
    (0x00c3_6400, "ceph", Some("6.7")),
    (0x9584_58f6, "hugetlbfs", Some("6.9")),
    (0x6573_5546, "fuse", Some("6.12")),
    (0x794c_7630, "overlay", None),
    (0x6969, "nfs", None),
    (0x0102_1997, "9p", None),
    (0xff53_4d42, "cifs", None),
    (0x9fa0, "proc", None),
    (0x6265_6572, "sysfs", None),
    (0x1cd1, "devpts", None),
    (0x1980_0202, "mqueue", None),
    (0x6367_7270, "cgroup2", None),
];

impl Fault<'_> {
    /// Mount `index`, at `place`, can't be mapped.
    pub(super) fn idmap(&self, place: String, source: &Source) -> Error {
        let known = SINCE.iter().find(|(magic, ..)| *magic == self.extra);
        let kind = match (known, source) {
            (Some((_, name, _)), _) => format!(" {name}"),
            (None, Source::Filesystem { kind, .. }) => format!(" {}", show(kind)),
            (None, _) => String::new(),
        };
        let error = self.say(place, format!("the file system{kind} can't be id-mapped here"));
        match (self.errno, known) {
            (abi::EINVAL | abi::EOPNOTSUPP, Some((_, name, Some(version)))) => error.hint(format!(
                "mounts of {name} can be since Linux {version}; with ridmap also all that is mounted below it must be one that can"
            )),
            (abi::EINVAL | abi::EOPNOTSUPP, Some((_, name, None))) => {
                error.hint(format!("no Linux maps the ids of {name}: leave idmap out, or use another file system"))
            }
            (abi::EINVAL | abi::EOPNOTSUPP, None) => error.hint("this kernel does not map the ids of its mounts"),
            (abi::EPERM, _) => error.hint(
                "it needs CAP_SYS_ADMIN over the file system, a user namespace that is not the host's own, and a mount whose ids are not mapped yet",
            ),
            _ => error,
        }
    }
}
