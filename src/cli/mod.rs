//! The commands, a short file each.
//!
//! A command is a clap-derived struct (its flags, and its help) with a [`Run`] that calls a verb of
//! [`lifecycle`](crate::lifecycle) and prints what comes of it. [`commands::SUBCOMMANDS`] is the one table that makes help,
//! completions, manual pages and the choice of what runs. Only the command that is asked for is built: the whole tree would
//! cost more than some commands do.
//!
//! Errors are printed here and nowhere else, once: on standard error, and in the log where there is one, from the
//! first flag that is wrong on.
//!
//! May enter: `lifecycle`, and for `spec` and `plan` the rooms `bundle` and `plan`.

mod argv;
mod commands;
mod context;
mod duration;
mod global;
mod log;
mod output;
mod root;
mod size;
mod table;
mod usage;
mod version;

mod create;
mod delete;
mod events;
mod exec;
mod features;
mod generate;
mod kill;
mod list;
mod pause;
mod plan;
mod ps;
mod resume;
mod run;
mod spec;
mod start;
mod state;
mod stop;
mod update;
mod wait;

use std::ffi::OsString;

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches, Parser};

use crate::error::Result;
use crate::sys::{self, Fd, abi};
use argv::Positionals;
use context::Context;
use global::Global;
use log::Log;

/// What a command does.
trait Run: Parser {
    /// Does it; the exit status.
    fn run(self, context: &Context) -> Result<u8>;
}

/// Opens a standard stream that the caller left closed, and has a closed pipe be an error rather than an end. For an
/// entry that is not Rust's own, which does the same. A limit on files' sizes is no end either.
pub fn prepare_process() {
    sys::process::ignore_signals_of_write();
    for stdio in 0..3 {
        if sys::file::fcntl(Fd(stdio), abi::F_GETFD, 0).is_err() {
            // The lowest number that is free, so it becomes this one; not to be closed by an execve.
            let _ = sys::file::openat(Fd::CWD, c"/dev/null", abi::O_RDWR)
                .and_then(|opened| sys::file::fcntl(opened, abi::F_SETFD, 0));
        }
    }
}

/// The program: from its arguments, the name that it is called by among them, to its exit status.
pub fn main(arguments: &[OsString]) -> u8 {
    let none = OsString::new();
    let (called, arguments) = arguments.split_first().unwrap_or((&none, &[]));
    let front = Global::command();
    let (flags, rest) = argv::split(arguments, &argv::flags(&front));
    let log = match Log::open(&flags) {
        Ok(log) => log,
        Err(error) => return Log::default().fail(&error),
    };
    if flags.iter().any(|flag| flag == "--version") {
        return output::print(&version::text(called)).map_or_else(|error| log.fail(&error), |()| 0);
    }
    log.install();
    dispatch(front, flags, rest).unwrap_or_else(|error| log.fail(&error))
}

/// Finds the command, builds it and no other, and runs it; the exit status.
fn dispatch(front: Command, flags: Vec<OsString>, rest: &[OsString]) -> Result<u8> {
    let name = rest.first().and_then(|name| name.to_str());
    if name == Some("h") {
        // As runc has it.
        return parse(commands::whole(), [flags, vec!["help".into()], rest[1..].to_vec()].concat(), "").map(|_| 0);
    }
    if let Some(error) = name.and_then(commands::absent) {
        return Err(error);
    }
    let Some(subcommand) = name.and_then(commands::find) else {
        // Help for all of it, or a command that there is not.
        return parse(commands::whole(), [flags, rest.to_vec()].concat(), "").map(|_| 0);
    };
    let Some(global) = parse(front, flags, "")? else {
        return Ok(0);
    };
    let global = Global::from_arg_matches(&global).map_err(|error| usage::explain(&error, ""))?;
    let context = Context::new(global, commands::whole);
    let command = (subcommand.command)().bin_name(format!("onggi {}", subcommand.name));
    let (line, _) = argv::normalize(&rest[1..], &argv::flags(&command), subcommand.positionals);
    parse(command, line, subcommand.name)?.map_or(Ok(0), |matches| (subcommand.run)(&matches, &context))
}

/// Parses the line; `None` if that was all there was to do, because it asked for help.
fn parse(command: Command, line: Vec<OsString>, name: &str) -> Result<Option<ArgMatches>> {
    match command.no_binary_name(true).try_get_matches_from(line) {
        Ok(matches) => Ok(Some(matches)),
        Err(help) if usage::is_help(&help) => output::print(&help.render().to_string()).map(|()| None),
        Err(error) => Err(usage::explain(&error, name)),
    }
}
