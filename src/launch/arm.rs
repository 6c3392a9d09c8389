//! Arming a plan: everything that it names is opened, and the script is laid out.
//!
//! Sources on the host are opened here, as detached mounts, by a parent that may do so (root): what an error says is then
//! known before there is any process, and a new user namespace need not be able to reach them. An ordinary user may not;
//! its child opens them itself, in the mount namespace of its own.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::descriptors::Descriptors;
use super::fault;
use super::layout::Layout;
use super::proc::Proc;
use super::wire::Wire;
use super::{image, process};
use crate::error::{Error, Result};
use crate::plan::{self, DeviceKind, Parameter, Plan, Source};
use crate::script::{self, Flag, Injection, List, Message, Script, Step, Text};
use crate::sys::{Errno, Fd, abi, file, mount};

/// What a plan is armed with.
pub struct Arming<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The container's cgroup directory, if it has one of its own.
    pub cgroup: Option<&'a Path>,
    /// Whether we may mount, and so open sources here.
    pub privileged: bool,
    /// Whether a limit that we may not set may stay as it is (rootless).
    pub lenient: bool,
    /// The socket that gets the terminal; wanted if and only if the process has one.
    pub console: Option<OwnedFd>,
    /// The listening socket on which the container waits for its start; none: the word comes over the wire.
    pub start: Option<OwnedFd>,
    /// How many descriptors from 3 on the user's program inherits.
    pub preserve_fds: u32,
    /// `--no-pivot`.
    pub no_pivot: bool,
    /// The state that hooks in the container get, split where its pid goes: for createContainer and startContainer.
    pub hook_states: [(CString, CString); 2],
}

/// A script with all that it refers to, ready for the clone.
pub struct Armed {
    pub(super) image: OwnedFd,
    pub(super) script: OwnedFd,
    pub(super) files: Descriptors,
    pub(super) wire: Wire,
    pub(super) childs_wire: OwnedFd,
    pub(super) preserve_fds: u32,
    /// `CLONE_NEW*` of the first clone.
    pub(super) flags: u64,
    /// Whether it makes a container, rather than a process for one.
    pub(super) creates: bool,
    /// Whether a second clone follows.
    pub(super) reborn: bool,
}

/// What is added to while arming.
pub(super) struct Room<'a> {
    pub layout: Layout,
    pub files: Descriptors,
    pub plan: &'a Plan,
    pub privileged: bool,
}

/// Arms the plan of a container.
pub fn arm(arming: Arming<'_>) -> Result<Armed> {
    let plan = arming.plan;
    let mut room = Room { layout: Layout::new(), files: Descriptors::default(), plan, privileged: arming.privileged };
    let room = &mut room;
    let new = plan.namespaces.new;
    let joins = joins(room)?;
    let joined = plan.namespaces.join.iter().fold(0, |all, join| all | join.kind);
    let reborn = needs_rebirth(new, joined);
    let hook_state = |room: &mut Room<'_>, state: &(CString, CString)| script::HookState {
        before: room.layout.text(&state.0),
        after: room.layout.text(&state.1),
    };
    let [create_state, start_state] = &arming.hook_states;
    let (create_state, start_state) = (hook_state(room, create_state), hook_state(room, start_state));
    let container = container(room, &arming, create_state)?;
    let outside = process::Outside {
        console: arming.console,
        start: arming.start,
        hook_state: start_state,
        make_cwd: true,
        lenient: arming.lenient,
    };
    let process = process::lay_out(room, &plan.process, plan.hooks.start_container.as_slice(), outside);
    let (wire, childs_wire) = Wire::new()?;
    let script = Script {
        length: 0,
        wire: Fd(childs_wire.as_raw_fd()),
        create: Flag::YES,
        preserve: arming.preserve_fds,
        joins,
        reborn: Flag::from(reborn),
        clone: if reborn { new } else { 0 },
        await_maps: Flag::from(plan.idmap.is_some()),
        become_root: Flag::from((new | joined) & abi::CLONE_NEWUSER != 0),
        container,
        process,
        fault: injection(),
    };
    finish(std::mem::replace(room, Room::empty(plan)), script, (wire, childs_wire), if reborn { 0 } else { new })
}

/// Arms one more process for the container whose init is behind `init` (a pidfd). `arming.plan.process` is the process;
/// of the rest only its namespaces are looked at.
pub fn arm_join(arming: Arming<'_>, init: OwnedFd) -> Result<Armed> {
    let plan = arming.plan;
    let mut room = Room { layout: Layout::new(), files: Descriptors::default(), plan, privileged: arming.privileged };
    let room = &mut room;
    let kinds = plan.namespaces.join.iter().fold(plan.namespaces.new, |all, join| all | join.kind);
    let file = room.files.add(init);
    let joins = if kinds == 0 { List::EMPTY } else { room.layout.list(&[script::Join { file, index: 0, kinds }]) };
    let outside = process::Outside {
        console: arming.console,
        start: None,
        hook_state: script::HookState { before: Text::NONE, after: Text::NONE },
        make_cwd: false,
        lenient: arming.lenient,
    };
    let process = process::lay_out(room, &plan.process, &[], outside);
    let (wire, childs_wire) = Wire::new()?;
    let script = Script {
        length: 0,
        wire: Fd(childs_wire.as_raw_fd()),
        create: Flag::NO,
        preserve: arming.preserve_fds,
        joins,
        reborn: Flag::from(kinds & (abi::CLONE_NEWPID | abi::CLONE_NEWTIME) != 0),
        clone: 0,
        await_maps: Flag::NO,
        become_root: Flag::from(kinds & abi::CLONE_NEWUSER != 0),
        container: nothing(),
        process,
        fault: injection(),
    };
    finish(std::mem::replace(room, Room::empty(plan)), script, (wire, childs_wire), 0)
}

/// Whether a second clone is needed: for what a process must be born into; for what is joined before a user namespace is
/// made that does not own it; and for what is made in a user namespace that is joined, which is to own it.
fn needs_rebirth(new: u64, joined: u64) -> bool {
    let born = abi::CLONE_NEWPID | abi::CLONE_NEWTIME;
    joined & born != 0
        || (joined != 0 && new & abi::CLONE_NEWUSER != 0)
        || (joined & abi::CLONE_NEWUSER != 0 && new != 0)
}

fn finish(room: Room<'_>, script: Script, (wire, childs_wire): (Wire, OwnedFd), flags: u64) -> Result<Armed> {
    let (preserve_fds, creates, reborn) = (script.preserve, script.create.is(), script.reborn.is());
    for number in 3..3 + preserve_fds.cast_signed() {
        // What came by execve has no FD_CLOEXEC, what onggi opened has: its own (the state root, the log) stay outside.
        if !file::fcntl(Fd(number), abi::F_GETFD, 0).is_ok_and(|flags| flags & abi::FD_CLOEXEC == 0) {
            return Err(Error::new(
                "--preserve-fds",
                format!("descriptor {number} was not open when onggi was called"),
            )
            .hint("the caller opens the N descriptors from 3 on, or asks for fewer"));
        }
    }
    Ok(Armed {
        image: image::sealed()?,
        script: image::memory(&room.layout.finish(script))?,
        files: room.files,
        wire,
        childs_wire,
        preserve_fds,
        flags,
        creates,
        reborn,
    })
}

impl<'a> Room<'a> {
    fn empty(plan: &'a Plan) -> Self {
        Self { layout: Layout::new(), files: Descriptors::default(), plan, privileged: false }
    }

    /// The error of a step that the parent made in the child's place.
    fn fault(&self, step: Step, index: usize, errno: Errno) -> Error {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        fault::explain(self.plan, &Message::fault(step, index, errno, 0))
    }

    /// A detached copy of the mount at `path`; or none, to be opened by the child, if only that it is there is known.
    fn tree(&mut self, path: &CStr, recursive: bool) -> Result<Fd, Errno> {
        if self.privileged {
            self.files.add_opened(mount::clone_tree(Fd::CWD, path, recursive))
        } else {
            file::stat_path(path).map(|_| Fd::NONE)
        }
    }
}

fn joins(room: &mut Room<'_>) -> Result<List<script::Join>> {
    let plan = room.plan;
    let mut joins = Vec::with_capacity(plan.namespaces.join.len());
    for (index, join) in (0..).zip(&plan.namespaces.join) {
        let opened = room.files.add_opened(file::openat(Fd::CWD, &join.path, abi::O_RDONLY));
        let file = opened.map_err(|errno| room.fault(Step::Join, index as usize, errno))?;
        joins.push(script::Join { file, index, kinds: join.kind });
    }
    Ok(room.layout.list(&joins))
}

fn container(room: &mut Room<'_>, arming: &Arming<'_>, hook_state: script::HookState) -> Result<script::Container> {
    let plan = room.plan;
    let mounted = plan.namespaces.new & abi::CLONE_NEWNS != 0;
    let proc = room.files.add(Proc::open()?.into_fd());
    let rootfs_path = text(&plan.rootfs.path)?;
    let rootfs = if mounted { rootfs(room, &rootfs_path)? } else { Fd::NONE };
    let mounts = if mounted { mounts(room, arming.cgroup)? } else { List::EMPTY };
    let null = if room.privileged && mounted && !plan.masked.is_empty() {
        room.tree(c"/dev/null", false).map_err(|errno| room.fault(Step::Null, 0, errno))?
    } else {
        Fd::NONE
    };
    let propagation = plan.rootfs.propagation;
    let private = propagation & abi::MS_PRIVATE != 0;
    Ok(script::Container {
        proc,
        loopback: Flag::from(plan.namespaces.new & abi::CLONE_NEWNET != 0),
        hostname: room.layout.optional(plan.hostname.as_deref()),
        domainname: room.layout.optional(plan.domainname.as_deref()),
        await_hooks: Flag::from(!plan.hooks.prestart.is_empty() || !plan.hooks.create_runtime.is_empty()),
        mounted: Flag::from(mounted),
        sysctls: sysctls(room),
        inherited_propagation: abi::MS_REC | if private { abi::MS_PRIVATE } else { abi::MS_SLAVE },
        rootfs: rootfs.into(),
        rootfs_path: room.layout.text(&rootfs_path),
        rootfs_propagation: if propagation == abi::MS_REC | abi::MS_SLAVE { 0 } else { propagation },
        rootfs_readonly: Flag::from(plan.rootfs.readonly),
        no_pivot: Flag::from(arming.no_pivot),
        mounts,
        devices: devices(room, mounted)?,
        links: links(room),
        null: null.into(),
        masked: paths(room, &plan.masked),
        readonly: paths(room, &plan.readonly),
        hooks: process::hooks(room, &plan.hooks.create_container),
        hook_state,
    })
}

/// For a process that joins: no container is made.
fn nothing() -> script::Container {
    script::Container {
        proc: Fd::NONE,
        loopback: Flag::NO,
        hostname: Text::NONE,
        domainname: Text::NONE,
        await_hooks: Flag::NO,
        mounted: Flag::NO,
        sysctls: List::EMPTY,
        inherited_propagation: 0,
        rootfs: Fd::NONE.into(),
        rootfs_path: Text::NONE,
        rootfs_propagation: 0,
        rootfs_readonly: Flag::NO,
        no_pivot: Flag::NO,
        mounts: List::EMPTY,
        devices: List::EMPTY,
        links: List::EMPTY,
        null: Fd::NONE.into(),
        masked: List::EMPTY,
        readonly: List::EMPTY,
        hooks: List::EMPTY,
        hook_state: script::HookState { before: Text::NONE, after: Text::NONE },
    }
}

fn rootfs(room: &mut Room<'_>, path: &CStr) -> Result<Fd> {
    match file::stat_path(path) {
        Err(errno) => Err(room.fault(Step::RootfsSource, 0, errno)),
        Ok(found) if !found.is(abi::S_IFDIR) => Err(room.fault(Step::RootfsSource, 0, Errno(abi::ENOTDIR))),
        Ok(_) => room.tree(path, true).map_err(|errno| room.fault(Step::RootfsSource, 0, errno)),
    }
}

fn mounts(room: &mut Room<'_>, cgroup: Option<&Path>) -> Result<List<script::Mount>> {
    let plan = room.plan;
    let mut mounts = Vec::with_capacity(plan.mounts.len());
    for (index, mount) in plan.mounts.iter().enumerate() {
        let target = mount.target.to_bytes();
        let mut entry = script::Mount {
            target: room.layout.text(&mount.target),
            tree: Fd::NONE.into(),
            path: Text::NONE,
            whole: Flag::NO,
            kind: Text::NONE,
            source: Text::NONE,
            parameters: List::EMPTY,
            keep_mode: Flag::NO,
            plain_target: Flag::from(target == b"/proc" || target == b"/sys"),
            early: Flag::NO,
            bind_instead: Flag::NO,
            readonly_last: Flag::from(mount.readonly_last),
            set: mount.attributes.set,
            clear: mount.attributes.clear,
            set_below: mount.recursive.set,
            clear_below: mount.recursive.clear,
            propagation: List::EMPTY,
        };
        let mut propagation = mount.propagation.clone();
        match &mount.source {
            Source::Bind { path, recursive } => {
                entry.path = room.layout.text(path);
                entry.whole = Flag::from(*recursive);
                let tree = room.tree(path, *recursive).map_err(|errno| room.fault(Step::MountSource, index, errno))?;
                entry.tree.set(tree);
                keep_host_out(plan, &mut propagation);
            }
            Source::Filesystem { kind, source, parameters } => filesystem(room, &mut entry, kind, source, parameters),
            // What is mounted there already gets other options.
            Source::Remount => {}
            Source::Cgroup => {
                cgroup_mount(room, &mut entry, cgroup, index)?;
                if entry.kind.is_none() {
                    keep_host_out(plan, &mut propagation);
                }
            }
        }
        entry.propagation = room.layout.list(&propagation);
        mounts.push(entry);
    }
    Ok(room.layout.list(&mounts))
}

/// What is copied from the host's tree still belongs to its peer groups: mounts made in the container would show on the
/// host. Unless the config wants just that, the copy leaves them first.
fn keep_host_out(plan: &Plan, propagation: &mut Vec<u64>) {
    let own = abi::MS_PRIVATE | abi::MS_SLAVE | abi::MS_UNBINDABLE;
    let settled = propagation.first().is_some_and(|first| first & abi::MS_REC != 0 && first & own != 0);
    if plan.rootfs.propagation & abi::MS_SHARED == 0 && !settled {
        let private = plan.rootfs.propagation & abi::MS_PRIVATE != 0;
        propagation.insert(0, abi::MS_REC | if private { abi::MS_PRIVATE } else { abi::MS_SLAVE });
    }
}

fn filesystem(room: &mut Room<'_>, entry: &mut script::Mount, kind: &CStr, source: &CStr, parameters: &[Parameter]) {
    entry.kind = room.layout.text(kind);
    entry.source = if source.is_empty() { Text::NONE } else { room.layout.text(source) };
    let own = kind.to_bytes();
    if own == b"proc" || own == b"sysfs" {
        entry.plain_target = Flag::YES;
        entry.early = Flag::from(room.plan.namespaces.has(nix::libc::CLONE_NEWUSER));
    }
    let has_mode = parameters.iter().any(|it| matches!(it, Parameter::Text(key, _) if key.to_bytes() == b"mode"));
    entry.keep_mode = Flag::from(own == b"tmpfs" && !has_mode);
    let parameters: Vec<_> = parameters
        .iter()
        .map(|parameter| match parameter {
            Parameter::Flag(key) => script::Parameter { key: room.layout.text(key), value: Text::NONE },
            Parameter::Text(key, value) => {
                script::Parameter { key: room.layout.text(key), value: room.layout.text(value) }
            }
        })
        .collect();
    entry.parameters = room.layout.list(&parameters);
}

/// With a cgroup namespace a new mount, whose root is the container's cgroup. Without one the container's own directory
/// is bound, or, where it has none, what the host shows; the latter read-only, as it is not the container's.
fn cgroup_mount(room: &mut Room<'_>, entry: &mut script::Mount, cgroup: Option<&Path>, index: usize) -> Result<()> {
    let own = text(cgroup.unwrap_or(Path::new("/sys/fs/cgroup")))?;
    if cgroup.is_none() {
        entry.set |= abi::MOUNT_ATTR_RDONLY;
        entry.set_below |= abi::MOUNT_ATTR_RDONLY;
    }
    entry.path = room.layout.text(&own);
    entry.whole = Flag::YES;
    let joined = room.plan.namespaces.join.iter().any(|join| join.kind == abi::CLONE_NEWCGROUP);
    if joined || room.plan.namespaces.new & abi::CLONE_NEWCGROUP != 0 {
        entry.kind = room.layout.text(c"cgroup2");
        entry.source = room.layout.text(c"cgroup");
        entry.bind_instead = Flag::YES;
    } else {
        let tree = room.tree(&own, true).map_err(|errno| room.fault(Step::MountSource, index, errno))?;
        entry.tree.set(tree);
    }
    Ok(())
}

fn devices(room: &mut Room<'_>, mounted: bool) -> Result<List<script::Device>> {
    let plan = room.plan;
    let mut devices = Vec::with_capacity(plan.devices.len());
    for (index, device) in plan.devices.iter().enumerate() {
        let bound = device.how == DeviceKind::BindFromHost && mounted;
        let tree = if bound {
            room.tree(&device.path, false).map_err(|errno| room.fault(Step::DeviceSource, index, errno))?
        } else {
            Fd::NONE
        };
        let (parent, name) = split(&device.path);
        devices.push(script::Device {
            parent: room.layout.text(&parent),
            name: room.layout.text(&name),
            tree: tree.into(),
            path: if bound { room.layout.text(&device.path) } else { Text::NONE },
            mode: device.mode,
            major: device.major,
            minor: device.minor,
            uid: device.uid,
            gid: device.gid,
        });
    }
    Ok(room.layout.list(&devices))
}

fn links(room: &mut Room<'_>) -> List<script::Link> {
    let links = room.plan.links.iter();
    let links: Vec<_> = links
        .map(|link| {
            let (parent, name) = split(&link.path);
            script::Link {
                parent: room.layout.text(&parent),
                name: room.layout.text(&name),
                target: room.layout.text(&link.target),
            }
        })
        .collect();
    room.layout.list(&links)
}

fn sysctls(room: &mut Room<'_>) -> List<script::Sysctl> {
    let below_proc = |file: &plan::Sysctl| CString::new([b"sys/", file.file.to_bytes()].concat()).unwrap_or_default();
    let plan = room.plan;
    let sysctls: Vec<_> = plan
        .sysctls
        .iter()
        .map(|sysctl| script::Sysctl {
            file: room.layout.text(&below_proc(sysctl)),
            value: room.layout.text(&sysctl.value),
        })
        .collect();
    room.layout.list(&sysctls)
}

fn paths(room: &mut Room<'_>, paths: &[CString]) -> List<Text> {
    let texts: Vec<_> = paths.iter().map(|path| room.layout.text(path)).collect();
    room.layout.list(&texts)
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

fn text(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::new(path.display().to_string(), "has a NUL in it, which no path can"))
}

/// The fault that a test asks for: `ONGGI_FAULT=MountAttach:3:28` is ENOSPC at the attaching of mounts[3].
fn injection() -> Injection {
    #[cfg(feature = "fault")]
    if let Ok(wanted) = std::env::var("ONGGI_FAULT") {
        let mut parts = wanted.split(':');
        let step = parts.next().and_then(Step::from_name).map_or(0, |step| step as u32);
        let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
        let index = number();
        return Injection { step, index, errno: number().cast_signed() };
    }
    Injection::default()
}
