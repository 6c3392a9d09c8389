//! Arming the mounts.

use std::ffi::CStr;
use std::path::Path;

use super::builder::text;
use super::{Builder, idmap};
use crate::error::Result;
use crate::plan::{Mount, Parameter, Source};
use crate::script::{self, Flag, List, Step, Text};
use crate::sys::{Fd, abi};

/// File systems that need nothing of the host's tree. All others are made while that is still there.
const OF_NOTHING: [&[u8]; 5] = [b"devpts", b"mqueue", b"proc", b"sysfs", b"tmpfs"];

/// Lays out the mounts; `cgroup` is the container's own directory.
pub fn mounts(builder: &mut Builder<'_>, cgroup: Option<&Path>) -> Result<List<script::Mount>> {
    let plan = builder.plan;
    let mut mounts = Vec::with_capacity(plan.mounts.len());
    for (index, mount) in plan.mounts.iter().enumerate() {
        let mut entry = nowhere(builder, mount);
        let mut propagation = mount.propagation.clone();
        match &mount.source {
            Source::Bind { path, recursive } => {
                entry.path = builder.layout.text(path);
                entry.whole = Flag::from(*recursive);
                let tree =
                    builder.tree(path, *recursive).map_err(|errno| builder.fault(Step::MountSource, index, errno))?;
                entry.tree.set(tree);
                if let Some(wanted) = &mount.idmap {
                    idmap::apply(builder, index, wanted, tree)?;
                }
                keep_host_out(builder, &mut propagation);
                // The host's cgroups lie below its /sys, and some may be the user's own: there, read-only is meant of them
                // as well (CVE-2023-25809).
                if path.as_bytes() == b"/sys" && entry.set & abi::MOUNT_ATTR_RDONLY != 0 && in_user_namespace(builder) {
                    entry.set_below |= abi::MOUNT_ATTR_RDONLY;
                }
            }
            Source::Filesystem { kind, source, parameters } => {
                filesystem(builder, &mut entry, kind, source, parameters);
                if let Some(wanted) = &mount.idmap {
                    let tree = idmap::filesystem(builder, index, kind, source, parameters, entry.set)?;
                    idmap::apply(builder, index, wanted, tree)?;
                    entry.tree.set(tree);
                    entry.early = Flag::YES;
                }
            }
            // What is mounted there already gets other options.
            Source::Remount => {}
            Source::Cgroup => {
                cgroup_mount(builder, &mut entry, cgroup, index)?;
                if entry.kind.is_none() {
                    keep_host_out(builder, &mut propagation);
                }
            }
        }
        entry.propagation = builder.layout.list(&propagation);
        mounts.push(entry);
    }
    Ok(builder.layout.list(&mounts))
}

/// The mount with nothing yet to be mounted there: its target, and what is done to it in the end.
fn nowhere(builder: &mut Builder<'_>, mount: &Mount) -> script::Mount {
    let target = mount.target.to_bytes();
    script::Mount {
        target: builder.layout.text(&mount.target),
        tree: Fd::NONE.into(),
        path: Text::NONE,
        whole: Flag::NO,
        kind: Text::NONE,
        source: Text::NONE,
        parameters: List::EMPTY,
        pid_namespace: Fd::NONE,
        keep_mode: Flag::NO,
        copy_up: Flag::from(mount.copy_up),
        plain_target: Flag::from(target == b"/proc" || target == b"/sys"),
        early: Flag::NO,
        bind_instead: Flag::NO,
        readonly_last: Flag::from(mount.readonly_last),
        // What is read-only last can be written until then.
        set: if mount.readonly_last { mount.attributes.set & !abi::MOUNT_ATTR_RDONLY } else { mount.attributes.set },
        clear: mount.attributes.clear,
        set_below: mount.recursive.set,
        clear_below: mount.recursive.clear,
        propagation: List::EMPTY,
    }
}

/// What is copied from the host's tree still belongs to its peer groups: mounts made in the container would show on the
/// host. Unless the config wants just that, the copy leaves them first. In a user namespace it always does, as the kernel
/// does where it copies mounts itself: root of a user namespace must not be able to mount on the host.
fn keep_host_out(builder: &Builder<'_>, propagation: &mut Vec<u64>) {
    let root = builder.plan.rootfs.propagation;
    let own = abi::MS_PRIVATE | abi::MS_SLAVE | abi::MS_UNBINDABLE;
    let settled = propagation.first().is_some_and(|first| first & abi::MS_REC != 0 && first & own != 0);
    if (root & abi::MS_SHARED == 0 || in_user_namespace(builder)) && !settled {
        let private = root & abi::MS_PRIVATE != 0;
        propagation.insert(0, abi::MS_REC | if private { abi::MS_PRIVATE } else { abi::MS_SLAVE });
    }
}

fn filesystem(
    builder: &mut Builder<'_>,
    entry: &mut script::Mount,
    kind: &CStr,
    source: &CStr,
    parameters: &[Parameter],
) {
    entry.kind = builder.layout.text(kind);
    entry.source = if source.is_empty() { Text::NONE } else { builder.layout.text(source) };
    let own = kind.to_bytes();
    if own == b"proc" || own == b"sysfs" {
        entry.plain_target = Flag::YES;
        entry.pid_namespace = if own == b"proc" { builder.born_last } else { Fd::NONE };
        // Also without a new one: rootless Podman has entered its user namespace before it calls us.
        entry.early = Flag::from(in_user_namespace(builder));
    }
    // A file system that is made of others finds them by paths of the host: a device, `lowerdir` of an overlay.
    entry.early = Flag::from(entry.early.is() || !OF_NOTHING.contains(&own));
    let has_mode = parameters.iter().any(|it| matches!(it, Parameter::Text(key, _) if key.to_bytes() == b"mode"));
    entry.keep_mode = Flag::from(own == b"tmpfs" && !has_mode);
    let parameters: Vec<_> = parameters
        .iter()
        .map(|parameter| match parameter {
            Parameter::Flag(key) => script::Parameter { key: builder.layout.text(key), value: Text::NONE },
            Parameter::Text(key, value) => {
                script::Parameter { key: builder.layout.text(key), value: builder.layout.text(value) }
            }
        })
        .collect();
    entry.parameters = builder.layout.list(&parameters);
}

/// With a cgroup namespace a new mount, whose root is the container's cgroup. Without one what the host shows, where the
/// container finds itself by what /proc/self/cgroup says; bound, since a new mount would reset the options of the machine's
/// hierarchy. What is not the container's alone, an ordinary user's can't write (CVE-2023-25809).
fn cgroup_mount(
    builder: &mut Builder<'_>,
    entry: &mut script::Mount,
    cgroup: Option<&Path>,
    index: usize,
) -> Result<()> {
    let own = if builder.plan.namespaces.has(libc::CLONE_NEWCGROUP) { cgroup } else { None };
    let path = text(own.unwrap_or(Path::new("/sys/fs/cgroup")))?;
    if cgroup.is_none() || (own.is_none() && builder.rootless) {
        entry.set |= abi::MOUNT_ATTR_RDONLY;
        entry.set_below |= abi::MOUNT_ATTR_RDONLY;
    }
    entry.path = builder.layout.text(&path);
    entry.whole = Flag::YES;
    if builder.plan.namespaces.has(libc::CLONE_NEWCGROUP) {
        entry.kind = builder.layout.text(c"cgroup2");
        entry.source = builder.layout.text(c"cgroup");
        entry.early = Flag::from(in_user_namespace(builder));
        entry.bind_instead = Flag::YES;
    } else {
        let tree = builder.tree(&path, true).map_err(|errno| builder.fault(Step::MountSource, index, errno))?;
        entry.tree.set(tree);
    }
    Ok(())
}

/// Whether the container is, or will be, in another user namespace than the host's.
fn in_user_namespace(builder: &Builder<'_>) -> bool {
    builder.rootless || builder.plan.namespaces.has(libc::CLONE_NEWUSER)
}
