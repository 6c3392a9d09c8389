//! What is wrong with a command line, in one sentence.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::error::Error;

/// Whether clap's "error" is help that was asked for.
pub fn is_help(error: &clap::Error) -> bool {
    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand)
}

/// clap's error as ours. `name` is the command that the line is about, empty for none.
pub fn explain(error: &clap::Error, name: &str) -> Error {
    let about = || name.to_owned();
    // A value that we refused ourselves: then the sentence is there already.
    if let Some(ours) = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Error>()) {
        return ours.clone();
    }
    let argument = text(error, ContextKind::InvalidArg);
    let value = text(error, ContextKind::InvalidValue);
    let suggestion = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
        .into_iter()
        .map(|kind| text(error, kind))
        .find(|text| !text.is_empty());
    let (place, what) = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            (String::new(), format!("there is no command {:?}", text(error, ContextKind::InvalidSubcommand)))
        }
        ErrorKind::MissingSubcommand => (String::new(), "which command?".into()),
        ErrorKind::UnknownArgument if argument.starts_with('-') => (about(), format!("there is no flag {argument}")),
        ErrorKind::UnknownArgument => (about(), format!("{argument:?} is one argument too many")),
        ErrorKind::MissingRequiredArgument => (about(), format!("needs {argument}")),
        ErrorKind::InvalidValue if value.is_empty() => (flag(&argument), "needs a value".into()),
        ErrorKind::InvalidValue => {
            (flag(&argument), format!("{value:?} is none of {}", text(error, ContextKind::ValidValue)))
        }
        // All other values that clap checks for us are numbers.
        ErrorKind::ValueValidation => (flag(&argument), format!("{value:?} is no whole number from 0 to {}", u32::MAX)),
        ErrorKind::TooManyValues => (flag(&argument), format!("takes no value, and got {value:?}")),
        ErrorKind::ArgumentConflict => {
            (flag(&argument), format!("can't be given together with {}", text(error, ContextKind::PriorArg)))
        }
        ErrorKind::InvalidUtf8 => (about(), "an argument is not UTF-8".into()),
        _ => (about(), first_line(error)),
    };
    Error::new(place, what).hint(remedy(error, name, &argument, suggestion.as_deref()))
}

/// What to write instead, or where to look it up.
fn remedy(error: &clap::Error, name: &str, argument: &str, suggestion: Option<&str>) -> String {
    let unknown = text(error, ContextKind::InvalidSubcommand);
    if let Some(suggestion) = suggestion.or(other_name(&unknown)) {
        return format!("did you mean {suggestion}?");
    }
    if error.kind() == ErrorKind::UnknownArgument {
        if let Some(habit) = habit(name, argument) {
            return habit.into();
        }
        if belongs_before(argument) {
            return "it goes before the command".into();
        }
    }
    let space = if name.is_empty() { "" } else { " " };
    format!("see `onggi{space}{name} --help`")
}

/// Commands by the names that engines have for them.
fn other_name(command: &str) -> Option<&'static str> {
    Some(match command {
        "rm" => "delete",
        "ls" => "list",
        "inspect" => "state",
        "unpause" => "resume",
        "stats" => "events --stats",
        "top" => "ps",
        "version" => "--version",
        _ => return None,
    })
}

/// What the fingers are used to from other programs, and how it is here.
fn habit(name: &str, argument: &str) -> Option<&'static str> {
    match (name, argument.starts_with('-')) {
        ("kill", true) if !belongs_before(argument) => {
            Some("the signal comes after the id, without a dash: onggi kill ID TERM")
        }
        ("run" | "create", false) => Some("the program and its arguments are process.args of config.json"),
        _ => None,
    }
}

/// The flag's name alone: `--time <SECONDS>` is `--time`.
fn flag(argument: &str) -> String {
    argument.split(' ').next().unwrap_or_default().to_owned()
}

/// Whether the flag is one of those before the command's name.
fn belongs_before(argument: &str) -> bool {
    ["--root", "--log", "--log-format", "--debug", "--systemd-cgroup", "--rootless"].contains(&argument)
}

fn text(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        Some(ContextValue::StyledStrs(texts)) => texts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        _ => String::new(),
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
