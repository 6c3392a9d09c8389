//! The flags before the command's name.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// An OCI container runtime for Linux.
#[allow(clippy::doc_markdown, reason = "these are help texts")]
#[derive(Parser, Debug)]
#[command(name = "onggi", args_override_self = true, after_help = "`onggi COMMAND --help` says more about a command.")]
pub struct Global {
    /// Where containers' states are kept [default: /run/onggi, or $XDG_RUNTIME_DIR/onggi for ordinary users].
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Append errors, warnings and notes to this file.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// How the log is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// Log what is done.
    #[arg(long)]
    pub debug: bool,
    /// Have systemd make the cgroups; linux.cgroupsPath is slice:prefix:name then.
    #[arg(long)]
    pub systemd_cgroup: bool,
    /// Not used: it belongs to checkpoint and restore, which there are not.
    #[arg(long, value_name = "PATH", hide = true)]
    pub criu: Option<PathBuf>,
    /// Who makes the cgroups.
    #[arg(long, value_name = "MANAGER", hide = true)]
    pub cgroup_manager: Option<CgroupManager>,
    /// Do without cgroups that can't be made.
    #[arg(long, value_name = "true|false|auto", default_value = "auto", hide_possible_values = true)]
    pub rootless: Rootless,
    /// Print the version.
    #[arg(long, short = 'v')]
    pub version: bool,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `time="..." level=error msg="..."`
    #[default]
    Text,
    /// `{"level":"error","msg":"...","time":"..."}`
    Json,
}

/// `--rootless`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rootless {
    /// As an ordinary user, or in a user namespace.
    Auto,
    /// Yes.
    #[value(aliases = ["1", "t", "T", "TRUE", "True"])]
    True,
    /// No.
    #[value(aliases = ["0", "f", "F", "FALSE", "False"])]
    False,
}

/// `--cgroup-manager`, as crun has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CgroupManager {
    /// onggi itself.
    Cgroupfs,
    /// systemd.
    Systemd,
    /// Nobody: the container stays in its caller's cgroup.
    Disabled,
}
