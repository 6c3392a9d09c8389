//! The table of all commands.

use clap::{ArgMatches, Command, CommandFactory};

use super::{Context, Global, Positionals, Run, usage};
use super::{
    create, delete, events, exec, features, generate, kill, list, pause, plan, ps, resume, run, spec, start, state,
    stop, update, wait,
};
use crate::error::{Error, Result};

/// A command: `onggi create`, `onggi run` ...
pub struct Subcommand {
    /// Its name.
    pub name: &'static str,
    /// Its flags and its help.
    pub command: fn() -> Command,
    /// What it does.
    pub run: fn(&ArgMatches, &Context) -> Result<u8>,
    /// Where its flags end.
    pub positionals: Positionals,
}

/// All commands, in the order of a container's life; then those that look at one, and those that help.
pub const SUBCOMMANDS: &[Subcommand] = &[
    subcommand::<run::Run>("run"),
    subcommand::<create::Create>("create"),
    subcommand::<start::Start>("start"),
    passing_on::<exec::Exec>("exec"),
    subcommand::<pause::Pause>("pause"),
    subcommand::<resume::Resume>("resume"),
    subcommand::<update::Update>("update"),
    subcommand::<kill::Kill>("kill"),
    subcommand::<stop::Stop>("stop"),
    subcommand::<wait::Wait>("wait"),
    subcommand::<delete::Delete>("delete"),
    subcommand::<state::State>("state"),
    subcommand::<list::List>("list"),
    passing_on::<ps::Ps>("ps"),
    subcommand::<events::Events>("events"),
    subcommand::<spec::Spec>("spec"),
    subcommand::<plan::Plan>("plan"),
    subcommand::<features::Features>("features"),
    subcommand::<generate::Generate>("generate"),
];

const fn subcommand<R: Run>(name: &'static str) -> Subcommand {
    Subcommand {
        name,
        command: || R::command().args_override_self(true),
        run: parsed::<R>,
        positionals: Positionals::Between,
    }
}

/// A command that hands what follows the id to another program.
const fn passing_on<R: Run>(name: &'static str) -> Subcommand {
    Subcommand { positionals: Positionals::Rest, ..subcommand::<R>(name) }
}

fn parsed<R: Run>(matches: &ArgMatches, context: &Context) -> Result<u8> {
    R::from_arg_matches(matches).map_err(|error| usage::explain(&error, ""))?.run(context)
}

/// The command of this name.
pub fn find(name: &str) -> Option<&'static Subcommand> {
    SUBCOMMANDS.iter().find(|one| one.name == name)
}

/// The whole tree, for its help, its completions and its manual.
pub fn whole() -> Command {
    Global::command()
        .bin_name("onggi")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(SUBCOMMANDS.iter().map(|one| (one.command)()))
}

/// Commands that runc has and onggi does not.
pub fn absent(name: &str) -> Option<Error> {
    let what = match name {
        "checkpoint" | "restore" => "saving and restoring containers is not supported",
        _ => return None,
    };
    Some(Error::new(name, what).hint("`onggi --help` shows what is"))
}
