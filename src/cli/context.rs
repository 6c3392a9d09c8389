//! What all commands share.

use clap::Command;

use super::global::{CgroupManager, Global, Rootless};
use super::root;
use crate::error::{Error, Result};
use crate::state::Store;

/// The global flags, resolved when they are asked for.
pub struct Context {
    global: Global,
    whole: fn() -> Command,
}

impl Context {
    /// For these flags; `whole` builds the tree of all commands.
    pub fn new(global: Global, whole: fn() -> Command) -> Self {
        Self { global, whole }
    }

    /// The tree of all commands, for the one that writes it down.
    pub fn whole(&self) -> Command {
        (self.whole)()
    }

    /// The root directory.
    pub fn store(&self) -> Result<Store> {
        match &self.global.root {
            Some(root) if root.as_os_str().is_empty() => Err(Error::new("--root", "must not be empty")),
            Some(root) => Store::open(root),
            None => Store::open(&root::default()?),
        }
    }

    /// Whether cgroups that can't be made are done without.
    pub fn rootless(&self) -> bool {
        match self.global.rootless {
            Rootless::True => true,
            Rootless::False => false,
            Rootless::Auto => !root::is_real_root(),
        }
    }

    /// Whether no cgroup is wanted.
    pub fn no_cgroup(&self) -> bool {
        self.global.cgroup_manager == Some(CgroupManager::Disabled) && !self.global.systemd_cgroup
    }

    /// Whether systemd is to make the cgroup.
    pub fn systemd_cgroup(&self) -> bool {
        self.global.systemd_cgroup || self.global.cgroup_manager == Some(CgroupManager::Systemd)
    }
}
