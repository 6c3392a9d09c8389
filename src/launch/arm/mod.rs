//! Arming a plan: everything that it names is opened, and the script is laid out.
//!
//! Sources on the host are opened here, as detached mounts, by a parent that may do so (root): what an error says is then
//! known before there is any process, and a new user namespace need not be able to reach them. An ordinary user may not;
//! its child opens them itself, in the mount namespace of its own.

mod container;
mod idmap;
mod label;
mod mounts;
mod namespaces;
mod process;

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use namespaces::Namespaces;

use super::descriptors::Descriptors;
use super::fault;
use super::image;
use super::layout::Layout;
use super::proc::Proc;
use super::wire::Wire;
use crate::cgroup::Cgroup;
use crate::error::{Error, Result};
use crate::plan::Plan;
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
    /// Whether our session keyring is not the container's: without `--no-new-keyring`.
    pub new_keyring: bool,
    /// The `tasks` files of its resctrl groups, in the order in which they are entered.
    pub resctrl: Vec<OwnedFd>,
    /// The state that hooks in the container get, split where its pid goes: for createContainer and startContainer.
    pub hook_states: [(CString, CString); 2],
}

/// Finds a cgroup for a process that can't be born into the one that was meant.
pub type Instead<'a> = Box<dyn Fn() -> Option<Cgroup> + 'a>;

/// A script with all that it refers to, ready for the clone.
pub struct Armed<'a> {
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
    /// Whether that comes at the end.
    pub(super) born_last: bool,
    /// Whether its filter notifies, and is loaded before the agent may know of it.
    pub(super) answered: bool,
    /// Where the process goes if its cgroup takes none, because it hands controllers on to those below it.
    pub instead: Option<Instead<'a>>,
}

impl Armed<'_> {
    /// Whether the child's filter notifies, and is loaded before its agent may know of it.
    pub fn is_answered(&self) -> bool {
        self.answered
    }
}

/// What is added to while arming.
pub(super) struct Room<'a> {
    pub layout: Layout,
    pub files: Descriptors,
    pub plan: &'a Plan,
    pub privileged: bool,
    pub rootless: bool,
    /// The pid namespace that the container is born into last, or none.
    pub born_last: Fd,
    pub mappings: idmap::Mappings<'a>,
}

/// Arms the plan of a container.
pub fn arm(arming: Arming<'_>) -> Result<Armed<'static>> {
    let plan = arming.plan;
    let mut laid_out = Room::new(&arming);
    let room = &mut laid_out;
    let Namespaces { new, joined, joins, born_last, reborn } = Namespaces::of(room)?;
    let hook_state = |room: &mut Room<'_>, state: &(CString, CString)| script::HookState {
        before: room.layout.text(&state.0),
        after: room.layout.text(&state.1),
    };
    let [create_state, start_state] = &arming.hook_states;
    let (create_state, start_state) = (hook_state(room, create_state), hook_state(room, start_state));
    let container = container::container(room, &arming, create_state)?;
    let outside = process::Outside {
        console: arming.console,
        start: arming.start,
        hook_state: start_state,
        new_keyring: arming.new_keyring,
        make_cwd: true,
        lenient: arming.lenient,
        joins: false,
        reborn: !born_last.is_empty(),
        resctrl: arming.resctrl,
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
        born_last: laid_out.layout.list(&born_last),
        clone: if reborn { new } else { 0 },
        await_maps: Flag::from(plan.idmap.is_some()),
        become_root: Flag::from((new | joined) & abi::CLONE_NEWUSER != 0),
        container,
        process,
        fault: injection(),
    };
    finish(laid_out, script, (wire, childs_wire), if reborn { 0 } else { new })
}

/// Arms one more process for the container whose init is behind `init` (a pidfd). `arming.plan.process` is the process;
/// of the rest only its namespaces are looked at.
pub fn arm_join(arming: Arming<'_>, init: OwnedFd) -> Result<Armed<'static>> {
    let plan = arming.plan;
    let mut laid_out = Room::new(&arming);
    let room = &mut laid_out;
    let kinds = plan.namespaces.join.iter().fold(plan.namespaces.new, |all, join| all | join.kind);
    let file = room.files.add(init);
    // A pid namespace that the user namespace does not own is joined at once with it, and then there can be no thread.
    let foreign =
        kinds & abi::CLONE_NEWUSER != 0 && plan.namespaces.join.iter().any(|join| join.kind == abi::CLONE_NEWPID);
    let notifies = plan.seccomp.as_ref().is_some_and(|filter| filter.notify);
    let joins = if kinds == 0 { List::EMPTY } else { room.layout.list(&[script::Join { file, index: 0, kinds }]) };
    let outside = process::Outside {
        console: arming.console,
        start: None,
        hook_state: script::HookState { before: Text::NONE, after: Text::NONE },
        new_keyring: arming.new_keyring,
        make_cwd: false,
        lenient: arming.lenient,
        joins: true,
        reborn: kinds & abi::CLONE_NEWPID != 0 && !(notifies && foreign),
        resctrl: arming.resctrl,
    };
    let process = process::lay_out(room, &plan.process, &[], outside);
    let labelled = plan.process.apparmor.is_some() || plan.process.selinux.is_some();
    let proc = if labelled { room.files.add(Proc::open()?.into_fd()) } else { Fd::NONE };
    let (wire, childs_wire) = Wire::new()?;
    let script = Script {
        length: 0,
        wire: Fd(childs_wire.as_raw_fd()),
        create: Flag::NO,
        preserve: arming.preserve_fds,
        joins,
        reborn: Flag::from(kinds & abi::CLONE_NEWPID != 0),
        born_last: List::EMPTY,
        clone: 0,
        await_maps: Flag::NO,
        become_root: Flag::from(kinds & abi::CLONE_NEWUSER != 0),
        container: script::Container { proc, ..container::nothing() },
        process,
        fault: injection(),
    };
    finish(laid_out, script, (wire, childs_wire), 0)
}

fn finish(room: Room<'_>, script: Script, (wire, childs_wire): (Wire, OwnedFd), flags: u64) -> Result<Armed<'static>> {
    let (preserve_fds, creates, reborn) = (script.preserve, script.create.is(), script.reborn.is());
    let born_last = !script.born_last.is_empty();
    let process = &script.process;
    let answered = process.filter_first.is() && process.notifies.is();
    for number in 3..3_i32.saturating_add_unsigned(preserve_fds) {
        // One that is closed on exec did not come from our caller: it is ours, opened where none was, and leads to the host.
        let given = file::fcntl(Fd(number), abi::F_GETFD, 0).is_ok_and(|flags| flags & abi::FD_CLOEXEC == 0);
        if !given {
            let what = format!("descriptor {number} was not open when onggi was called");
            return Err(Error::new("--preserve-fds", what)
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
        born_last,
        answered,
        instead: None,
    })
}

impl<'a> Room<'a> {
    fn new(arming: &Arming<'a>) -> Self {
        let Arming { plan, privileged, lenient, .. } = *arming;
        Self {
            layout: Layout::new(),
            files: Descriptors::default(),
            plan,
            privileged,
            rootless: lenient,
            born_last: Fd::NONE,
            mappings: idmap::Mappings::default(),
        }
    }

    /// The error of a step that the parent made in the child's place.
    fn fault(&self, step: Step, index: usize, errno: Errno) -> Error {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        fault::explain(self.plan, &Message::fault(step, index, errno, 0))
    }

    /// A detached copy of the mount at `path`; or none, to be opened by the child, if only that it is there is known.
    fn tree(&mut self, path: &CStr, recursive: bool) -> Result<Fd, Errno> {
        if self.privileged {
            match self.files.add_opened(mount::clone_tree(Fd::CWD, path, recursive)) {
                // Root of a user namespace that does not own the mount namespace that we are in (`unshare -Ur`).
                Err(Errno(abi::EPERM)) if self.rootless => self.privileged = false,
                opened => return opened,
            }
        }
        file::stat_path(path).map(|_| Fd::NONE)
    }
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
