//! All the ways in which flags are written, made one.
//!
//! Engines write `--flag value`, `--flag=value` and, as Go programs take it, `-flag value` and `--flag=true`; people
//! write `-td`. Here each becomes `--flag` or `--flag=value`, which leaves clap nothing to guess at, and a value that
//! begins with a dash is a value.

use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use clap::{ArgAction, Command};

/// A flag of a command.
pub struct Flag {
    long: String,
    short: Option<char>,
    kind: Kind,
}

/// What may follow a flag.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing, or `=true` or `=false`. False is the same as not given.
    Switch,
    /// The same, but false is something else than not given.
    ThreeWay,
    /// A value. An empty one is the same as not given: callers write `--pid-file "$FILE"`, and runc has it so.
    Text,
    /// A value, and an empty one is a mistake.
    Value,
}

impl Kind {
    fn of(argument: &clap::Arg) -> Self {
        let action = argument.get_action();
        let text = [TypeId::of::<PathBuf>(), TypeId::of::<String>()];
        if argument.is_require_equals_set() {
            Self::ThreeWay
        } else if !action.takes_values() {
            Self::Switch
        } else if matches!(action, ArgAction::Set)
            // Whose root directory was forgotten must not meet another's containers, and whose user was, not be root.
            && !matches!(argument.get_long(), Some("root" | "user"))
            && text.iter().any(|text| argument.get_value_parser().type_id() == *text)
        {
            Self::Text
        } else {
            Self::Value
        }
    }

    fn takes_value(self) -> bool {
        matches!(self, Self::Text | Self::Value)
    }
}

/// Where a command's flags end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Positionals {
    /// Flags stand anywhere, as people add them: `delete ID --force`.
    Between,
    /// After the first positional, the id, everything belongs to another program: `exec ID ls -l`.
    Rest,
}

/// The flags of `command`.
pub fn flags(command: &Command) -> Vec<Flag> {
    let flag = |argument: &clap::Arg| {
        let long = argument.get_long()?.to_owned();
        Some(Flag { long, short: argument.get_short(), kind: Kind::of(argument) })
    };
    let help = Flag { long: "help".into(), short: Some('h'), kind: Kind::Switch };
    command.get_arguments().filter_map(flag).chain([help]).collect()
}

/// Cuts the arguments in two: the flags before the command's name, in one form, and what follows, as it is.
pub fn split<'all>(arguments: &'all [OsString], flags: &[Flag]) -> (Vec<OsString>, &'all [OsString]) {
    let (line, used) = scan(arguments, flags, None);
    (line, &arguments[used..])
}

/// The arguments of a command with its flags in one form.
pub fn normalize(arguments: &[OsString], flags: &[Flag], positionals: Positionals) -> (Vec<OsString>, usize) {
    scan(arguments, flags, Some(positionals))
}

/// Goes through `arguments`; without `positionals` up to the first of them. How many were gone through comes second.
fn scan(arguments: &[OsString], flags: &[Flag], positionals: Option<Positionals>) -> (Vec<OsString>, usize) {
    let mut line = Vec::with_capacity(arguments.len() + 1);
    let mut at = 0;
    while let Some(argument) = arguments.get(at) {
        let ends = argument == "--";
        if positionals == Some(Positionals::Rest) && (ends || !is_flag(argument)) {
            pass_on(&arguments[at + usize::from(ends)..], &mut line);
            return (line, arguments.len());
        }
        if ends {
            line.extend_from_slice(&arguments[at..]);
            return (line, arguments.len());
        }
        if !is_flag(argument) {
            if positionals.is_none() {
                break;
            }
            line.push(argument.clone());
            at += 1;
            continue;
        }
        let taken = one(argument, arguments.get(at + 1), flags, &mut line);
        at += taken;
    }
    (line, at.min(arguments.len()))
}

/// The id, and what belongs to the other program, with a `--` between them.
fn pass_on(rest: &[OsString], line: &mut Vec<OsString>) {
    let Some((id, rest)) = rest.split_first() else { return };
    line.extend([id.clone(), "--".into()]);
    line.extend_from_slice(rest.strip_prefix(&["--".into()]).unwrap_or(rest));
}

fn is_flag(argument: &OsStr) -> bool {
    argument.len() > 1 && argument.as_bytes().starts_with(b"-")
}

/// Adds one flag (or several: `-td`) to `line`; how many arguments it took. What is not known is left as it is.
fn one(argument: &OsString, next: Option<&OsString>, flags: &[Flag], line: &mut Vec<OsString>) -> usize {
    let bytes = argument.as_bytes();
    let body = bytes.strip_prefix(b"--").or_else(|| bytes.strip_prefix(b"-")).unwrap_or(bytes);
    let equals = body.iter().position(|byte| *byte == b'=');
    let (name, value) = match equals {
        Some(at) => (&body[..at], Some(OsStr::from_bytes(&body[at + 1..]))),
        None => (body, None),
    };
    let long = || flags.iter().find(|flag| flag.long.as_bytes() == name);
    // To Go programs `--t` and `-t` are the same.
    let short = || match name {
        [letter] => flags.iter().find(|flag| flag.short == Some(char::from(*letter))),
        _ => None,
    };
    if let Some(flag) = long().or_else(short) {
        return add(flag, value, next, line);
    }
    if !bytes.starts_with(b"--")
        && let Some(taken) = cluster(body, next, flags, line)
    {
        return taken;
    }
    line.push(argument.clone());
    1
}

fn add(flag: &Flag, value: Option<&OsStr>, next: Option<&OsString>, line: &mut Vec<OsString>) -> usize {
    let name = format!("--{}", flag.long);
    if !flag.kind.takes_value() {
        match value.map(|value| (truth(value), value)) {
            None | Some((Some(true), _)) => line.push(name.into()),
            Some((Some(false), _)) if flag.kind == Kind::Switch => {}
            Some((Some(false), _)) => line.push(joined(name, "false".as_ref())),
            Some((None, value)) => line.push(joined(name, value)),
        }
        return 1;
    }
    let (given, taken) = match (value, next) {
        (Some(value), _) => (Some(value), 1),
        (None, Some(next)) => (Some(next.as_os_str()), 2),
        (None, None) => (None, 1),
    };
    match given {
        None => line.push(name.into()),
        Some(value) if value.is_empty() && flag.kind == Kind::Text => {}
        Some(value) => line.push(joined(name, value)),
    }
    taken
}

/// One-letter flags written as one: `-td`, `-u0`, `-tu 0`; `None` if one of them is not known.
fn cluster(body: &[u8], next: Option<&OsString>, flags: &[Flag], line: &mut Vec<OsString>) -> Option<usize> {
    let mut found = Vec::new();
    for (at, letter) in body.iter().enumerate() {
        let flag = flags.iter().find(|flag| flag.short == Some(char::from(*letter)))?;
        let rest = &body[at + 1..];
        if flag.kind.takes_value() {
            let rest = rest.strip_prefix(b"=").unwrap_or(rest);
            let value = (!rest.is_empty()).then(|| OsStr::from_bytes(rest));
            let taken = add(flag, value, next, &mut found);
            line.append(&mut found);
            return Some(taken);
        }
        found.push(format!("--{}", flag.long).into());
    }
    line.append(&mut found);
    Some(1)
}

/// What Go takes for a truth value (strconv.ParseBool).
fn truth(value: &OsStr) -> Option<bool> {
    match value.as_bytes() {
        b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => Some(true),
        b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => Some(false),
        _ => None,
    }
}

fn joined(name: String, value: &OsStr) -> OsString {
    let mut bytes = name.into_bytes();
    bytes.push(b'=');
    bytes.extend_from_slice(value.as_bytes());
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags() -> Vec<Flag> {
        let flag = |long: &str, short, kind| Flag { long: long.into(), short, kind };
        vec![
            flag("tty", Some('t'), Kind::Switch),
            flag("detach", Some('d'), Kind::Switch),
            flag("user", Some('u'), Kind::Value),
            flag("cwd", None, Kind::Text),
            flag("env", Some('e'), Kind::Value),
            flag("no-pivot", None, Kind::Switch),
            flag("no-new-privs", None, Kind::ThreeWay),
            flag("log", None, Kind::Text),
        ]
    }

    fn normal(line: &str, positionals: Positionals) -> String {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let (line, used) = normalize(&arguments, &flags(), positionals);
        assert_eq!(used, arguments.len());
        line.join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn each_way_to_write_a_flag() {
        let cases = [
            ("--user 0 id", "--user=0 id"),
            ("--user=0 id", "--user=0 id"),
            ("-user 0 id", "--user=0 id"),
            ("-user=0 id", "--user=0 id"),
            ("-u 0 id", "--user=0 id"),
            ("-u=0 id", "--user=0 id"),
            ("-u0 id", "--user=0 id"),
            ("-td id", "--tty --detach id"),
            ("-tu 0 id", "--tty --user=0 id"),
            ("-tu0:0 id", "--tty --user=0:0 id"),
            ("-tty id", "--tty id"),
            ("--tty=true id", "--tty id"),
            ("-tty=false id", "id"),
            ("--tty=maybe id", "--tty=maybe id"),
            ("--env -x id", "--env=-x id"),
            ("--env -- id", "--env=-- id"),
            ("--env A=b=c id", "--env=A=b=c id"),
            ("--env= id", "--env= id"),
            ("id --tty", "id --tty"),
            ("--bogus id", "--bogus id"),
            ("-tx id", "-tx id"),
            ("-no-pivot id", "--no-pivot id"),
            ("- id", "- id"),
            ("--tty -- --user", "--tty -- --user"),
            ("id --user", "id --user"),
            ("--t --u 0 id", "--tty --user=0 id"),
            ("--cwd= id", "id"),
            ("--cwd  id", "id"),
            ("--cwd / id", "--cwd=/ id"),
            ("--user= id", "--user= id"),
            ("--user  id", "--user= id"),
            ("-u= id", "--user= id"),
            ("-no-new-privs id", "--no-new-privs id"),
            ("--no-new-privs=T id", "--no-new-privs id"),
            ("--no-new-privs=0 id", "--no-new-privs=false id"),
        ];
        for (line, expected) in cases {
            assert_eq!(normal(line, Positionals::Between), expected, "{line}");
        }
    }

    #[test]
    fn after_the_id_everything_is_the_programs() {
        let cases = [
            ("-t id ls -t --user", "--tty id -- ls -t --user"),
            ("id -t", "id -- -t"),
            ("-u 0 id sh -c --", "--user=0 id -- sh -c --"),
            ("-- id ls -t", "id -- ls -t"),
            ("-t -- id -- ls", "--tty id -- ls"),
            ("--", ""),
            ("-t id -- ls -- x", "--tty id -- ls -- x"),
            ("id ls -- x", "id -- ls -- x"),
        ];
        for (line, expected) in cases {
            assert_eq!(normal(line, Positionals::Rest), expected, "{line}");
        }
    }

    #[test]
    fn the_name_of_the_command_ends_the_global_flags() {
        let arguments: Vec<OsString> = ["-log", "f", "--tty", "create", "--log", "g"].map(OsString::from).into();
        let (flags, rest) = split(&arguments, &flags());
        assert_eq!(flags, ["--log=f", "--tty"]);
        assert_eq!(rest, ["create", "--log", "g"]);
        let (flags, rest) = split(&arguments[..1], &self::flags());
        assert_eq!((flags, rest.len()), (vec![OsString::from("--log")], 0));
    }

    #[test]
    fn bytes_that_are_no_text_stay_as_they_are() {
        let odd = OsString::from_vec(b"/b\xff".to_vec());
        let (line, _) = normalize(&["--user".into(), odd], &flags(), Positionals::Between);
        assert_eq!(line[0].as_bytes(), b"--user=/b\xff");
    }
}
