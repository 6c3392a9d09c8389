//! What `create`, `run` and `exec` are asked for.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::state::Id;

/// What `create` and `run` are asked for.
#[allow(clippy::struct_excessive_bools, reason = "they are flags")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRequest {
    /// The new container's id.
    pub id: Id,
    /// The directory with config.json, as it was given (possibly relative to the current directory).
    pub bundle: PathBuf,
    /// Where init's pid is written, in digits only.
    pub pid_file: Option<PathBuf>,
    /// The unix socket that gets the controlling side of the container's terminal.
    pub console_socket: Option<PathBuf>,
    /// The unix socket that gets a pidfd of init.
    pub pidfd_socket: Option<PathBuf>,
    /// Enter the rootfs with chroot instead of `pivot_root` (for a rootfs on a ramdisk).
    pub no_pivot: bool,
    /// Keep the caller's session keyring.
    pub no_new_keyring: bool,
    /// How many file descriptors from 3 on the user's program inherits.
    pub preserve_fds: u32,
    /// Whether cgroups that can't be made are done without: `--rootless`, or found out.
    pub rootless: bool,
    /// Leave the container in the cgroup of its caller.
    pub no_cgroup: bool,
    /// Have systemd make the cgroup.
    pub systemd_cgroup: bool,
}

/// What `exec` is asked for.
#[allow(clippy::struct_excessive_bools, reason = "they are flags")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecRequest {
    /// A JSON file with the spec's `process`; what else is given replaces what it says.
    pub process: Option<PathBuf>,
    /// The program and its arguments; empty when `process` says them.
    pub args: Vec<OsString>,
    /// `NAME=value`, after the container's own environment.
    pub env: Vec<OsString>,
    /// The working directory inside the container; `None` is the container's own.
    pub cwd: Option<PathBuf>,
    /// `UID[:GID]`, in digits; `None` is the container's own.
    pub user: Option<String>,
    /// More groups.
    pub additional_gids: Vec<u32>,
    /// Capabilities to add: `CAP_NET_ADMIN` or `net_admin`.
    pub caps: Vec<String>,
    /// Whether it gets a pseudo terminal.
    pub tty: bool,
    /// Return as soon as it runs.
    pub detach: bool,
    /// Where its pid is written, in digits only.
    pub pid_file: Option<PathBuf>,
    /// The unix socket that gets the controlling side of the terminal.
    pub console_socket: Option<PathBuf>,
    /// The unix socket that gets a pidfd of the process.
    pub pidfd_socket: Option<PathBuf>,
    /// `PR_SET_NO_NEW_PRIVS`; `None` is as the container has it.
    pub no_new_privs: Option<bool>,
    /// Its label of `SELinux`.
    pub process_label: Option<String>,
    /// Its profile of `AppArmor`.
    pub apparmor: Option<String>,
    /// How many file descriptors from 3 on the program inherits.
    pub preserve_fds: u32,
    /// A cgroup below the container's own to run in, `[CONTROLLERS:]PATH`; the same each time.
    pub cgroup: Vec<String>,
    /// Go ahead in a paused container (and wait there until it is resumed).
    pub ignore_paused: bool,
}
