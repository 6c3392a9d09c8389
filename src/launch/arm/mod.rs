//! Arming a plan: everything that it names is opened, and the script is laid out.
//!
//! Sources on the host are opened here, as detached mounts, by a parent that may do so (root): what an error says is then
//! known before there is any process, and a new user namespace need not be able to reach them. An ordinary user may not;
//! its child opens them itself, in the mount namespace of its own.

mod birth;
mod builder;
mod container;
mod idmap;
mod label;
mod mounts;
mod process;

use std::cell::Cell;
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};

use super::descriptors::Descriptors;
use super::image;
use super::wire::Wire;
use crate::cgroup::Cgroup;
use crate::error::{Error, Result};
use crate::plan::{Host, Plan};
use crate::script::{Flag, Injection, Script};
use crate::sys::{Fd, abi, file};
use birth::Birth;
use builder::Builder;

/// What a process is armed with: a container's first, or one more for a container that is there.
pub struct Arming<'a> {
    /// The plan. Of that of a container to join, only the process and the namespaces are looked at.
    pub plan: &'a Plan,
    /// The host: what may be done here.
    pub host: &'a Host,
    /// The cgroup that the process is born into, if the container has one of its own.
    pub cgroup: Option<&'a Cgroup>,
    /// The socket that gets the terminal; wanted if and only if the process has one.
    pub console: Option<OwnedFd>,
    /// How many descriptors from 3 on the user's program inherits.
    pub preserve_fds: u32,
    /// Whether our session keyring is not the container's: without `--no-new-keyring`.
    pub new_keyring: bool,
    /// The `tasks` files of its resctrl groups, in the order in which they are entered.
    pub resctrl: Vec<OwnedFd>,
    /// What it is for.
    pub purpose: Purpose<'a>,
}

/// What a process is for.
pub enum Purpose<'a> {
    /// To make a container, and be its init.
    Create(Creating),
    /// To join a container.
    Join(Joining<'a>),
}

/// What only a container's init has.
pub struct Creating {
    /// The listening socket on which the container waits for its start; none: the word comes over the wire.
    pub start: Option<OwnedFd>,
    /// `--no-pivot`.
    pub no_pivot: bool,
    /// The state that hooks in the container get, split where its pid goes: for createContainer and startContainer.
    pub hook_states: [(CString, CString); 2],
}

/// What only a process that joins has.
pub struct Joining<'a> {
    /// A pidfd of the container's init.
    pub init: OwnedFd,
    /// Where the process goes if its cgroup can't have processes, because it passes controllers on to those below it.
    pub instead: Option<Instead<'a>>,
}

/// Finds a cgroup for a process that can't be born into the one that was meant.
pub type Instead<'a> = Box<dyn Fn() -> Option<Cgroup> + 'a>;

/// A script with all that it refers to, ready for the clone.
pub struct Armed<'a> {
    pub(super) plan: &'a Plan,
    pub(super) host: &'a Host,
    pub(super) cgroup: Option<&'a Cgroup>,
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
    pub(super) instead: Option<Instead<'a>>,
}

impl Armed<'_> {
    /// Whether the child's filter notifies, and is loaded before its agent may know of it.
    pub fn is_answered(&self) -> bool {
        self.answered
    }
}

/// Arms a plan.
pub fn arm(arming: Arming<'_>) -> Result<Armed<'_>> {
    let Arming { plan, host, cgroup, preserve_fds, .. } = arming;
    let mut builder = Builder::new(plan, host);
    let outside =
        process::Outside { console: arming.console, new_keyring: arming.new_keyring, resctrl: arming.resctrl };
    let (birth, container, process, instead) = match arming.purpose {
        Purpose::Create(creating) => {
            let birth = Birth::of_container(&mut builder)?;
            let [create_state, start_state] = creating.hook_states.map(|state| builder.hook_state(&state));
            let container = container::container(&mut builder, cgroup, creating.no_pivot, create_state)?;
            let init =
                process::Init { start: creating.start, hooks: &plan.hooks.start_container, hook_state: start_state };
            let process = process::lay_out(&mut builder, outside, Some(init), birth.confined);
            (birth, container, process, None)
        }
        Purpose::Join(joining) => {
            let birth = Birth::in_container(&mut builder, joining.init);
            let container = container::none(&mut builder)?;
            let process = process::lay_out(&mut builder, outside, None, birth.confined);
            (birth, container, process, joining.instead)
        }
    };
    let (wire, childs_wire) = Wire::new()?;
    let answered = process.filter_first.is() && process.notifies.is();
    let script = Script {
        length: 0,
        done: Cell::new([0; 2]),
        wire: Fd(childs_wire.as_raw_fd()),
        create: Flag::from(birth.creates),
        preserve: preserve_fds,
        joins: birth.joins,
        reborn: Flag::from(birth.reborn),
        born_last: birth.born_last,
        clone: birth.second,
        await_maps: Flag::from(birth.creates && plan.idmap.is_some()),
        become_root: Flag::from(birth.becomes_root),
        container,
        process,
        fault: injection(),
    };
    check_given(preserve_fds)?;
    Ok(Armed {
        plan,
        host,
        cgroup,
        image: image::sealed()?,
        script: image::memory(&builder.layout.finish(script))?,
        files: builder.files,
        wire,
        childs_wire,
        preserve_fds,
        flags: birth.first,
        creates: birth.creates,
        reborn: birth.reborn,
        born_last: birth.creates && birth.confined,
        answered,
        instead,
    })
}

/// Checks that our caller gave us all the descriptors that are to be handed on.
fn check_given(preserve_fds: u32) -> Result<()> {
    for number in 3..3_i32.saturating_add_unsigned(preserve_fds) {
        // One that is closed on exec did not come from our caller: it is ours, opened where none was, and leads to the host.
        let given = file::fcntl(Fd(number), abi::F_GETFD, 0).is_ok_and(|flags| flags & abi::FD_CLOEXEC == 0);
        if !given {
            let what = format!("descriptor {number} was not open when onggi was called");
            return Err(Error::new("--preserve-fds", what)
                .hint("the caller opens the N descriptors from 3 on, or asks for fewer"));
        }
    }
    Ok(())
}

/// The fault that a test asks for: `ONGGI_FAULT=MountAttach:3:28` is ENOSPC at the attaching of mounts[3].
fn injection() -> Injection {
    #[cfg(feature = "fault")]
    if let Ok(wanted) = std::env::var("ONGGI_FAULT") {
        use crate::script::Step;
        let mut parts = wanted.split(':');
        let step = parts.next().and_then(Step::from_name).map_or(0, |step| step as u32);
        let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
        let index = number();
        return Injection { step, index, errno: number().cast_signed() };
    }
    Injection::default()
}
