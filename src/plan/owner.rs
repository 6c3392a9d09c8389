//! Whose the container's cgroup is to be.

use super::{IdRange, Mount, Plan, Source};

/// `MOUNT_ATTR_RDONLY`.
const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY;

impl Plan {
    /// The user and group of the host to whom the container's cgroup is to be given: those that the container's process
    /// has, if and only if the container has a cgroup namespace of its own and its cgroup mounted for writing
    /// (runtime-spec config-linux, Cgroup ownership). `None` also where an id has no counterpart that we know.
    pub fn cgroup_owner(&self) -> Option<(u32, u32)> {
        let read_only = |mount: &Mount| (mount.attributes.set | mount.recursive.set) & READ_ONLY != 0;
        let writable = |mount: &Mount| mount.source == Source::Cgroup && !read_only(mount);
        if !self.namespaces.has(libc::CLONE_NEWCGROUP) || !self.mounts.iter().any(writable) {
            return None;
        }
        let (uid, gid) = (self.process.uid, self.process.gid);
        match &self.idmap {
            Some(idmap) => outside(&idmap.uids, uid).zip(outside(&idmap.gids, gid)),
            // The mappings of a user namespace that is joined are not ours.
            None => (!self.namespaces.has(libc::CLONE_NEWUSER)).then_some((uid, gid)),
        }
    }
}

/// What an id of the inside is on the host.
fn outside(ranges: &[IdRange], id: u32) -> Option<u32> {
    ranges.iter().find(|range| range.maps(id)).and_then(|range| range.host.checked_add(id - range.container))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::plan::{Host, Plan};

    fn owner(access: &str, linux: &Value) -> Option<(u32, u32)> {
        let config = json!({
            "ociVersion": "1.2.0", "root": {"path": "/bundle/rootfs"}, "linux": linux,
            "process": {"args": ["x"], "cwd": "/", "user": {"uid": 7, "gid": 8}},
            "mounts": [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": [access]}],
        });
        let bundle = crate::bundle::Bundle::parse("/".into(), config.to_string().into()).unwrap();
        Plan::new(&bundle, &Host::example()).unwrap().cgroup_owner()
    }

    #[test]
    fn the_owner_is_the_process_s_user_on_the_host() {
        let own = json!({"namespaces": [{"type": "mount"}, {"type": "cgroup"}]});
        assert_eq!(owner("rw", &own), Some((7, 8)));
        assert_eq!(owner("ro", &own), None);
        assert_eq!(owner("rw", &json!({"namespaces": [{"type": "mount"}]})), None);
        let ids =
            json!([{"containerID": 0, "hostID": 1000, "size": 1}, {"containerID": 1, "hostID": 100_000, "size": 50}]);
        let mapped = json!({"namespaces": [{"type": "mount"}, {"type": "cgroup"}, {"type": "user"}],
                            "uidMappings": ids, "gidMappings": ids});
        assert_eq!(owner("rw", &mapped), Some((100_006, 100_007)));
    }
}
