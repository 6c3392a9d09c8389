//! Id mappings: of a new user namespace, what must be mapped by them, and those of mounts.

use oci_spec::runtime::{self as oci, LinuxIdMapping, Spec};

use super::{Host, IdMap, IdRange, Mount, MountIdMap, Namespaces, Parameter, Source};
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

/// The mapping of one mount (spec: config, Mounts, `uidMappings` and `idmap`); `asked` is `Some(true)` for `ridmap`.
pub fn of_mount(
    mount: &oci::Mount,
    asked: Option<bool>,
    source: &Source,
    place: &impl Fn() -> String,
    found: &mut Findings,
) -> Option<MountIdMap> {
    let lists = [mount.uid_mappings(), mount.gid_mappings()].map(Option::as_deref).map(Option::unwrap_or_default);
    let given = lists.iter().any(|list| !list.is_empty());
    // The spec wants the option only so that older runtimes refuse it: who gives mappings wants them.
    let recursive = asked.or(given.then_some(false))?;
    let cannot = match source {
        Source::Remount => Some("a remount can't change ids: only a mount that nobody has seen yet can be mapped"),
        Source::Cgroup => Some("the files of cgroups can't be id-mapped"),
        Source::Bind { .. } | Source::Filesystem { .. } => None,
    };
    if let Some(what) = cannot {
        found.error(Problem::new(place(), what).hint("leave idmap and the mappings out"));
        return None;
    }
    let [uids, gids] = lists.map(|list| ranges(Some(list)));
    Some(MountIdMap { map: given.then_some(IdMap { uids, gids }), recursive })
}

/// Mounts that are mapped, but not by mappings of their own, are by those of the container's user namespace.
pub fn complete(
    mounts: &mut [Mount],
    idmap: Option<&IdMap>,
    namespaces: &Namespaces,
    host: &Host,
    spec: &Spec,
    found: &mut Findings,
) {
    for (index, mount) in mounts.iter_mut().enumerate() {
        let Some(wanted) = &mut mount.idmap else { continue };
        let place = || spec.mounts().iter().flatten().nth(index).map(|of| mount_place(index, of)).unwrap_or_default();
        if !host.privileged() {
            let what = "an ordinary user can't have an id-mapped mount";
            let hint = "the kernel wants CAP_SYS_ADMIN over the file system: call onggi as root, or leave idmap out";
            found.error(Problem::new(place(), what).hint(hint));
        } else if wanted.map.is_none() {
            if !namespaces.has(libc::CLONE_NEWUSER) {
                let problem = Problem::new(place(), "idmap has nothing to map by");
                found.error(
                    problem.hint("give the mount uidMappings and gidMappings, or the container a user namespace"),
                );
            }
            wanted.map = idmap.cloned();
        }
    }
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
        // One that is mapped itself is made in our user namespace: its ids are ours.
        let (Source::Filesystem { parameters, .. }, None) = (&mount.source, &mount.idmap) else {
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
