//! Id mappings of a new user namespace, and what must be mapped by them.

use oci_spec::runtime::{LinuxIdMapping, Spec};

use super::{Host, IdMap, IdRange, Mount, Namespaces, Parameter, Source};
use crate::bundle::Findings;
use crate::bundle::check::mount_place;
use crate::error::Problem;

/// The mappings, if a user namespace is made; one that is joined has its own.
pub fn new(spec: &Spec, namespaces: &Namespaces) -> Option<IdMap> {
    if namespaces.new & u64::from(libc::CLONE_NEWUSER.unsigned_abs()) == 0 {
        return None;
    }
    let linux = spec.linux().as_ref()?;
    Some(IdMap { uids: ranges(linux.uid_mappings().as_deref()), gids: ranges(linux.gid_mappings().as_deref()) })
}

fn ranges(mappings: Option<&[LinuxIdMapping]>) -> Vec<IdRange> {
    let range = |mapping: &LinuxIdMapping| IdRange {
        container: mapping.container_id(),
        host: mapping.host_id(),
        size: mapping.size(),
    };
    mappings.unwrap_or_default().iter().map(range).collect()
}

/// An ordinary user can make namespaces only inside a user namespace (`user_namespaces(7)`).
pub fn check_privilege(namespaces: &Namespaces, host: &Host, found: &mut Findings) {
    if host.euid != 0 && !namespaces.has(libc::CLONE_NEWUSER) {
        let what = format!("user {} needs a user namespace to make a container", host.euid);
        let hint = "add {\"type\": \"user\"} and id mappings; `onggi spec --rootless` writes both";
        found.error(Problem::new("linux.namespaces", what).hint(hint));
    }
}

/// `gid=5` of devpts and the like: the kernel says of an id that is not mapped only "invalid argument".
pub fn check_mounts(idmap: &IdMap, mounts: &[Mount], spec: &Spec, found: &mut Findings) {
    for (index, mount) in mounts.iter().enumerate() {
        let Source::Filesystem { parameters, .. } = &mount.source else {
            continue;
        };
        for parameter in parameters {
            let Parameter::Text(key, value) = parameter else {
                continue;
            };
            let (ranges, list) = match key.to_bytes() {
                b"uid" => (&idmap.uids, "linux.uidMappings"),
                b"gid" => (&idmap.gids, "linux.gidMappings"),
                _ => continue,
            };
            let Some(id) = value.to_str().ok().and_then(|value| value.parse().ok()) else {
                continue;
            };
            if !ranges.is_empty() && !ranges.iter().any(|range| range.maps(id)) {
                let place =
                    spec.mounts().iter().flatten().nth(index).map(|of| mount_place(index, of)).unwrap_or_default();
                let what = format!("the option {}={id} names an id that {list} does not map", key.to_string_lossy());
                found.error(Problem::new(place, what).hint("map it, or leave the option out"));
            }
        }
    }
}

impl IdRange {
    /// Whether this range maps `id` of the inside.
    pub fn maps(&self, id: u32) -> bool {
        id.checked_sub(self.container).is_some_and(|offset| offset < self.size)
    }
}
