//! The table of all words.

use clap::{ArgMatches, Command, CommandFactory};

use super::{Context, Global, Positionals, Run, usage};
use super::{
    create, delete, events, exec, features, generate, kill, list, pause, plan, ps, resume, run, spec, start, state,
    stop, update, wait,
};
use crate::error::{Error, Result};

/// A word of the command line.
pub struct Word {
    /// Its name.
    pub name: &'static str,
    /// Its flags and its help.
    pub command: fn() -> Command,
    /// What it does.
    pub run: fn(&ArgMatches, &Context) -> Result<u8>,
    /// Where its flags end.
    pub positionals: Positionals,
}

/// All words, in the order of a container's life; then those that look on, and those that help.
pub const WORDS: &[Word] = &[
    word::<run::Run>("run"),
    word::<create::Create>("create"),
    word::<start::Start>("start"),
    passing_on::<exec::Exec>("exec"),
    word::<pause::Pause>("pause"),
    word::<resume::Resume>("resume"),
    word::<update::Update>("update"),
    word::<kill::Kill>("kill"),
    word::<stop::Stop>("stop"),
    word::<wait::Wait>("wait"),
    word::<delete::Delete>("delete"),
    word::<state::State>("state"),
    word::<list::List>("list"),
    passing_on::<ps::Ps>("ps"),
    word::<events::Events>("events"),
    word::<spec::Spec>("spec"),
    word::<plan::Plan>("plan"),
    word::<features::Features>("features"),
    word::<generate::Generate>("generate"),
];

const fn word<R: Run>(name: &'static str) -> Word {
    Word {
        name,
        command: || R::command().args_override_self(true),
        run: parsed::<R>,
        positionals: Positionals::Between,
    }
}

/// A word that hands what follows the id to another program.
const fn passing_on<R: Run>(name: &'static str) -> Word {
    Word { positionals: Positionals::Rest, ..word::<R>(name) }
}

fn parsed<R: Run>(matches: &ArgMatches, context: &Context) -> Result<u8> {
    R::from_arg_matches(matches).map_err(|error| usage::explain(&error, ""))?.run(context)
}

/// The word of this name.
pub fn find(name: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.name == name)
}

/// The whole tree, for its help, its completions and its manual.
pub fn whole() -> Command {
    Global::command()
        .bin_name("onggi")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(WORDS.iter().map(|word| (word.command)()))
}

/// Words that runc has and onggi does not.
pub fn absent(name: &str) -> Option<Error> {
    let what = match name {
        "checkpoint" | "restore" => "saving and restoring containers is not supported",
        _ => return None,
    };
    Some(Error::new(name, what).hint("`onggi --help` shows what is"))
}
