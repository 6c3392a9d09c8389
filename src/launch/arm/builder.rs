//! What is added to while arming: the script's layout, and what was opened.

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::idmap::Mappings;
use crate::error::{Error, Result};
use crate::launch::descriptors::Descriptors;
use crate::launch::fault;
use crate::launch::layout::Layout;
use crate::plan::{Host, Plan};
use crate::script::{HookState, Message, Step, Text};
use crate::sys::{Errno, Fd, abi, file, mount};

/// For who has no hooks.
pub const NO_STATE: HookState = HookState { before: Text::NONE, after: Text::NONE };

/// A script in the making.
pub struct Builder<'a> {
    pub layout: Layout,
    pub files: Descriptors,
    pub plan: &'a Plan,
    /// Whether we may mount, and so open sources here.
    pub privileged: bool,
    /// Whether it is an ordinary user's container, also one of the root of a user namespace.
    pub rootless: bool,
    /// The pid namespace that the container is born into last, or none.
    pub born_last: Fd,
    pub mappings: Mappings<'a>,
}

impl<'a> Builder<'a> {
    /// Nothing laid out yet.
    pub fn new(plan: &'a Plan, host: &Host) -> Self {
        Self {
            layout: Layout::new(),
            files: Descriptors::default(),
            plan,
            privileged: host.privileged(),
            rootless: !host.root(),
            born_last: Fd::NONE,
            mappings: Mappings::default(),
        }
    }

    /// The error of a step that the parent made in the child's place.
    pub fn fault(&self, step: Step, index: usize, errno: Errno) -> Error {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        fault::explain(self.plan, &Message::fault(step, index, errno, 0))
    }

    /// A detached copy of the mount at `path`; or none, to be opened by the child, if only that it is there is known.
    pub fn tree(&mut self, path: &CStr, recursive: bool) -> Result<Fd, Errno> {
        if self.privileged {
            match self.files.add_opened(mount::clone_tree(Fd::CWD, path, recursive)) {
                // Root of a user namespace that does not own the mount namespace that we are in (`unshare -Ur`).
                Err(Errno(abi::EPERM)) if self.rootless => self.privileged = false,
                opened => return opened,
            }
        }
        file::stat_path(path).map(|_| Fd::NONE)
    }

    /// Lays out a state, cut in two, for hooks that the child runs.
    pub fn hook_state(&mut self, (before, after): &(CString, CString)) -> HookState {
        HookState { before: self.layout.text(before), after: self.layout.text(after) }
    }
}

/// `path` as the kernel takes it.
pub fn text(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::new(path.display().to_string(), "has a NUL in it, which no path can"))
}
