//! `onggi exec`

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;

use super::{Context, Run};
use crate::error::{Error, Result};
use crate::lifecycle::{self, ExecRequest};
use crate::state::Id;

/// Run a program in a running container.
///
/// Its exit status is the command's; 127 if it is not there, 126 if it can't be executed, 255 if exec itself fails.
/// What comes after the id is the program's, flags too. It gets the container's environment, user and directory
/// where nothing else is said.
#[allow(clippy::doc_markdown, clippy::struct_excessive_bools, reason = "these are help texts, and flags")]
#[derive(Parser, Debug)]
#[command(
    name = "exec",
    override_usage = "onggi exec [OPTIONS] <ID> <COMMAND> [ARGUMENT]...\n       onggi exec [OPTIONS] --process <FILE> <ID>",
    after_help = "Examples:\n  onggi exec jar ps -ef\n  onggi exec -t -u 1000:1000 -e LANG=C --cwd /srv jar sh"
)]
pub struct Exec {
    /// A JSON file with the spec's `process`; what else is given goes before what it says.
    #[arg(long, short, value_name = "FILE")]
    process: Option<PathBuf>,
    /// Its working directory.
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// One more variable of its environment; as often as needed.
    #[arg(long, short, value_name = "NAME=VALUE")]
    env: Vec<OsString>,
    /// Give it a terminal.
    #[arg(long, short)]
    tty: bool,
    /// Whom it runs as.
    #[arg(long, short, value_name = "UID[:GID]")]
    user: Option<String>,
    /// One more group; as often as needed.
    #[arg(long, short = 'g', value_name = "GID")]
    additional_gids: Vec<u32>,
    /// One more capability, as CAP_NET_ADMIN or net_admin; as often as needed.
    #[arg(long, short, value_name = "CAP")]
    cap: Vec<String>,
    /// Return as soon as it runs.
    #[arg(long, short)]
    detach: bool,
    /// Write its pid to this file.
    #[arg(long, value_name = "FILE")]
    pid_file: Option<PathBuf>,
    /// Send its terminal to this unix socket.
    #[arg(long, value_name = "SOCKET")]
    console_socket: Option<PathBuf>,
    /// Send its pidfd to this unix socket.
    #[arg(long, value_name = "SOCKET")]
    pidfd_socket: Option<PathBuf>,
    /// Keep it from gaining privileges; =false to let it, whatever the container's own process may.
    #[arg(long, require_equals = true, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    no_new_privs: Option<bool>,
    /// Its SELinux label.
    #[arg(long, value_name = "LABEL")]
    process_label: Option<String>,
    /// Its AppArmor profile.
    #[arg(long, value_name = "PROFILE")]
    apparmor: Option<String>,
    /// Hand on the N file descriptors from 3 on.
    #[arg(long, value_name = "N", default_value = "0")]
    preserve_fds: u32,
    /// A cgroup that is there already, below the container's own.
    #[arg(long, value_name = "PATH")]
    cgroup: Vec<String>,
    /// Without a meaning: exec never becomes a subreaper.
    #[arg(long, hide = true)]
    no_subreaper: bool,
    /// Even if the container is paused: it begins when that is resumed.
    #[arg(long)]
    ignore_paused: bool,
    /// The container's id.
    #[arg(value_parser = Id::new)]
    id: Id,
    /// The program and its arguments.
    #[arg(last = true, value_name = "COMMAND")]
    args: Vec<OsString>,
}

impl Run for Exec {
    /// What goes wrong before the program begins ends it with 255, as runc has it, so that it can be told from the
    /// program's own failures; a program that is not there with 127, one that can't be executed with 126.
    fn run(self, context: &Context) -> Result<u8> {
        let flag_first = self.args.first().is_some_and(|first| first.as_encoded_bytes().starts_with(b"-"));
        self.execute(context).map_err(|error| match error.status {
            1 => error.status(255),
            127 if flag_first => error.hint("what follows the id is the program; flags of exec go before the id"),
            _ => error,
        })
    }
}

impl Exec {
    fn execute(self, context: &Context) -> Result<u8> {
        if self.args.is_empty() && self.process.is_none() {
            return Err(
                Error::new("exec", "needs a program to run, after the id").hint("or a file that tells, with --process")
            );
        }
        let request = ExecRequest {
            process: self.process,
            args: self.args,
            env: self.env,
            cwd: self.cwd,
            user: self.user,
            additional_gids: self.additional_gids,
            caps: self.cap,
            tty: self.tty,
            detach: self.detach,
            pid_file: self.pid_file,
            console_socket: self.console_socket,
            pidfd_socket: self.pidfd_socket,
            no_new_privs: self.no_new_privs,
            process_label: self.process_label,
            apparmor: self.apparmor,
            preserve_fds: self.preserve_fds,
            cgroup: self.cgroup,
            ignore_paused: self.ignore_paused,
        };
        lifecycle::exec::exec(&context.store()?, &self.id, &request)
    }
}
