//! Arming the container: everything of the script but the process.

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Builder;
use super::builder::{NO_STATE, text};
use super::mounts::mounts;
use super::process::hooks;
use crate::cgroup::Cgroup;
use crate::error::Result;
use crate::launch::proc::Proc;
use crate::plan::{self, DeviceKind};
use crate::script::{self, Flag, List, Step, Text};
use crate::sys::{Errno, Fd, abi, file};

/// Lays out the container; `hook_state` is for its createContainer hooks.
pub fn container(
    builder: &mut Builder<'_>,
    cgroup: Option<&Cgroup>,
    no_pivot: bool,
    hook_state: script::HookState,
) -> Result<script::Container> {
    let plan = builder.plan;
    let mounted = plan.namespaces.new & abi::CLONE_NEWNS != 0;
    let proc = builder.files.add(Proc::open()?.into_fd());
    let rootfs_path = text(&plan.rootfs.path)?;
    let rootfs = if mounted { rootfs(builder, &rootfs_path)? } else { unmounted_root(builder)? };
    let mounts = if mounted { mounts(builder, cgroup.map(Cgroup::path))? } else { List::EMPTY };
    let null = if builder.privileged && mounted && !plan.masked.is_empty() {
        builder.tree(c"/dev/null", false).map_err(|errno| builder.fault(Step::Null, 0, errno))?
    } else {
        Fd::NONE
    };
    let propagation = plan.rootfs.propagation;
    let private = propagation & abi::MS_PRIVATE != 0;
    Ok(script::Container {
        proc,
        new_time: Flag::from(plan.namespaces.new & abi::CLONE_NEWTIME != 0),
        time_offsets: builder.layout.optional(plan.namespaces.time_offsets.as_deref()),
        loopback: Flag::from(plan.namespaces.new & abi::CLONE_NEWNET != 0),
        hostname: builder.layout.optional(plan.hostname.as_deref()),
        domainname: builder.layout.optional(plan.domainname.as_deref()),
        await_hooks: Flag::from(
            !plan.hooks.prestart.is_empty() || !plan.hooks.create_runtime.is_empty() || !plan.net_devices.is_empty(),
        ),
        mounted: Flag::from(mounted),
        sysctls: sysctls(builder),
        inherited_propagation: abi::MS_REC | if private { abi::MS_PRIVATE } else { abi::MS_SLAVE },
        rootfs: rootfs.into(),
        rootfs_path: builder.layout.text(&rootfs_path),
        rootfs_propagation: if propagation == abi::MS_REC | abi::MS_SLAVE { 0 } else { propagation },
        shared: Flag::from(propagation & abi::MS_SHARED != 0),
        rootfs_readonly: Flag::from(plan.rootfs.readonly),
        no_pivot: Flag::from(no_pivot),
        mounts,
        devices: devices(builder, mounted)?,
        links: links(builder),
        mount_label: builder.layout.optional(plan.mount_label.as_deref()),
        null: null.into(),
        masked: paths(builder, &plan.masked),
        readonly: paths(builder, &plan.readonly),
        hooks: hooks(builder, &plan.hooks.create_container),
        hook_state,
    })
}

/// For a process that joins: no container is made. Only its labels it may have to write below /proc, and find its root.
pub fn none(builder: &mut Builder<'_>) -> Result<script::Container> {
    let process = &builder.plan.process;
    let labelled = process.apparmor.is_some() || process.selinux.is_some();
    Ok(script::Container {
        proc: if labelled { builder.files.add(Proc::open()?.into_fd()) } else { Fd::NONE },
        new_time: Flag::NO,
        time_offsets: Text::NONE,
        loopback: Flag::NO,
        hostname: Text::NONE,
        domainname: Text::NONE,
        await_hooks: Flag::NO,
        mounted: Flag::NO,
        sysctls: List::EMPTY,
        inherited_propagation: 0,
        rootfs: unmounted_root(builder)?.into(),
        rootfs_path: Text::NONE,
        rootfs_propagation: 0,
        shared: Flag::NO,
        rootfs_readonly: Flag::NO,
        no_pivot: Flag::NO,
        mounts: List::EMPTY,
        devices: List::EMPTY,
        links: List::EMPTY,
        mount_label: Text::NONE,
        null: Fd::NONE.into(),
        masked: List::EMPTY,
        readonly: List::EMPTY,
        hooks: List::EMPTY,
        hook_state: NO_STATE,
    })
}

/// The rootfs for a process that has no mount namespace but ours. One that is joined has its own root.
fn unmounted_root(builder: &mut Builder<'_>) -> Result<Fd> {
    if builder.plan.namespaces.has(libc::CLONE_NEWNS) {
        return Ok(Fd::NONE);
    }
    let path = text(&builder.plan.rootfs.path)?;
    let opened = builder.files.add_opened(file::openat(Fd::CWD, &path, abi::O_PATH | abi::O_DIRECTORY));
    opened.map_err(|errno| builder.fault(Step::RootfsSource, 0, errno))
}

fn rootfs(builder: &mut Builder<'_>, path: &CStr) -> Result<Fd> {
    match file::stat_path(path) {
        Err(errno) => Err(builder.fault(Step::RootfsSource, 0, errno)),
        Ok(found) if !found.is(abi::S_IFDIR) => Err(builder.fault(Step::RootfsSource, 0, Errno(abi::ENOTDIR))),
        Ok(_) => builder.tree(path, true).map_err(|errno| builder.fault(Step::RootfsSource, 0, errno)),
    }
}

fn devices(builder: &mut Builder<'_>, mounted: bool) -> Result<List<script::Device>> {
    let plan = builder.plan;
    let mut devices = Vec::with_capacity(plan.devices.len());
    for (index, device) in plan.devices.iter().enumerate() {
        let bound = device.how == DeviceKind::BindFromHost && mounted;
        let tree = if bound {
            builder.tree(&device.path, false).map_err(|errno| builder.fault(Step::DeviceSource, index, errno))?
        } else {
            Fd::NONE
        };
        let (parent, name) = split(&device.path);
        devices.push(script::Device {
            parent: builder.layout.text(&parent),
            name: builder.layout.text(&name),
            tree: tree.into(),
            path: if bound { builder.layout.text(&device.path) } else { Text::NONE },
            mode: device.mode,
            major: device.major,
            minor: device.minor,
            uid: device.uid,
            gid: device.gid,
        });
    }
    Ok(builder.layout.list(&devices))
}

fn links(builder: &mut Builder<'_>) -> List<script::Link> {
    let links = builder.plan.links.iter();
    let links: Vec<_> = links
        .map(|link| {
            let (parent, name) = split(&link.path);
            script::Link {
                parent: builder.layout.text(&parent),
                name: builder.layout.text(&name),
                target: builder.layout.text(&link.target),
            }
        })
        .collect();
    builder.layout.list(&links)
}

fn sysctls(builder: &mut Builder<'_>) -> List<script::Sysctl> {
    let below_proc = |file: &plan::Sysctl| CString::new([b"sys/", file.file.to_bytes()].concat()).unwrap_or_default();
    let plan = builder.plan;
    let sysctls: Vec<_> = plan
        .sysctls
        .iter()
        .map(|sysctl| script::Sysctl {
            file: builder.layout.text(&below_proc(sysctl)),
            value: builder.layout.text(&sysctl.value),
        })
        .collect();
    builder.layout.list(&sysctls)
}

fn paths(builder: &mut Builder<'_>, paths: &[CString]) -> List<Text> {
    let texts: Vec<_> = paths.iter().map(|path| builder.layout.text(path)).collect();
    builder.layout.list(&texts)
}

/// The directory and the name of an absolute path.
fn split(path: &CStr) -> (CString, CString) {
    let path = Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()));
    let part = |part: Option<&[u8]>| CString::new(part.unwrap_or_default()).unwrap_or_default();
    (
        part(path.parent().map(|parent| parent.as_os_str().as_bytes())),
        part(path.file_name().map(std::ffi::OsStr::as_bytes)),
    )
}
