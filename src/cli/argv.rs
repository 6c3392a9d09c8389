//! All the ways in which flags are written, made one.
//!
//! Engines write `--flag value`, `--flag=value` and, as Go programs take it, `-flag value` and `--flag=true`; people
//! write `-td`. Here each becomes `--flag` or `--flag=value`, which leaves clap nothing to guess at, and a value that
//! begins with a dash is a value.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::Command;

/// A flag of a command.
pub struct Flag {
    long: String,
    short: Option<char>,
    takes_value: bool,
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
        Some(Flag { long, short: argument.get_short(), takes_value: argument.get_action().takes_values() })
    };
    let help = Flag { long: "help".into(), short: Some('h'), takes_value: false };
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
        if argument == "--" {
            line.extend_from_slice(&arguments[at..]);
            return (line, arguments.len());
        }
        if !is_flag(argument) {
            match positionals {
                None => break,
                Some(Positionals::Between) => line.push(argument.clone()),
                Some(Positionals::Rest) => {
                    let rest = &arguments[at + 1..];
                    line.extend([argument.clone(), "--".into()]);
                    line.extend_from_slice(rest.strip_prefix(&["--".into()]).unwrap_or(rest));
                    return (line, arguments.len());
                }
            }
            at += 1;
            continue;
        }
        let taken = one(argument, arguments.get(at + 1), flags, &mut line);
        at += taken;
    }
    (line, at.min(arguments.len()))
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
    let short = || match name {
        [letter] if !bytes.starts_with(b"--") => flags.iter().find(|flag| flag.short == Some(char::from(*letter))),
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
    match (flag.takes_value, value, next) {
        (true, Some(value), _) => line.push(joined(name, value)),
        (true, None, Some(next)) => {
            line.push(joined(name, next));
            return 2;
        }
        (false, Some(value), _) => match truth(value) {
            Some(true) => line.push(name.into()),
            Some(false) => {}
            None => line.push(joined(name, value)),
        },
        (_, None, _) => line.push(name.into()),
    }
    1
}

/// One-letter flags written as one: `-td`, `-u0`, `-tu 0`; `None` if one of them is not known.
fn cluster(body: &[u8], next: Option<&OsString>, flags: &[Flag], line: &mut Vec<OsString>) -> Option<usize> {
    let mut found = Vec::new();
    for (at, letter) in body.iter().enumerate() {
        let flag = flags.iter().find(|flag| flag.short == Some(char::from(*letter)))?;
        let rest = &body[at + 1..];
        if flag.takes_value {
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
        let flag = |long: &str, short, takes_value| Flag { long: long.into(), short, takes_value };
        vec![
            flag("tty", Some('t'), false),
            flag("detach", Some('d'), false),
            flag("user", Some('u'), true),
            flag("env", Some('e'), true),
            flag("no-pivot", None, false),
            flag("log", None, true),
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
            ("-- id ls", "-- id ls"),
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
