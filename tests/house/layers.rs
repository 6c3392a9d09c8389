//! Who may know whom: cli → lifecycle → launch, state, cgroup → plan → bundle, seccomp → sys.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Source, all};

/// Each room and the rooms that it may name. A room comes after all that it may name, so there are no circles.
const MAY_NAME: &[(&str, &[&str])] = &[
    // Shared with the freestanding child: no error with its strings, nothing of the library.
    ("sys", &[]),
    ("script", &["sys"]),
    ("child", &["script", "sys"]),
    ("error", &[]),
    ("bundle", &["error"]),
    ("seccomp", &["error"]),
    ("plan", &["error", "bundle", "seccomp", "sys"]),
    ("cgroup", &["error", "plan", "sys"]),
    ("state", &["error", "plan", "sys"]),
    ("launch", &["error", "cgroup", "plan", "seccomp", "child", "script", "sys"]),
    ("lifecycle", &["error", "launch", "state", "cgroup", "plan", "bundle", "sys"]),
    ("cli", &["error", "lifecycle", "state", "plan", "bundle", "sys"]),
];

/// The one door of a room, for a room that it is not open to as a whole.
const ONLY: &[(&str, &str, &str)] = &[("launch", "child", "become_child")];

#[test]
fn the_table_has_no_circles() {
    let mut below = BTreeSet::new();
    for (room, names) in MAY_NAME {
        for name in *names {
            assert!(below.contains(name), "{room} may name {name}, which does not come before it");
        }
        below.insert(room);
    }
}

/// A leave that nobody takes would let a room grow where it should not, unseen.
#[test]
fn every_leave_is_taken() {
    let sources = all();
    for (room, names) in MAY_NAME {
        for name in *names {
            let taken = |source: &Source| named(source).iter().any(|(_, path)| path.split("::").next() == Some(*name));
            let own = sources.iter().filter(|source| source.room() == *room && !source.is_test());
            assert!(own.into_iter().any(taken), "{room} names no {name} any more: take it off the table");
        }
    }
}

#[test]
fn every_room_names_what_is_below_it() {
    let allowed: BTreeMap<_, _> = MAY_NAME.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for source in all().iter().filter(|source| !source.is_test()) {
        let room = source.room();
        if ["lib", "main"].contains(&room) {
            continue;
        }
        let names = allowed.get(room).unwrap_or_else(|| panic!("src/{}: a room that the table lacks", source.path));
        for (line, path) in named(source) {
            seen += 1;
            let name = path.split("::").next().unwrap();
            let door = ONLY.iter().find(|(who, whom, _)| (*who, *whom) == (room, name));
            let by_the_door = door.is_none_or(|(_, whom, door)| path.starts_with(&format!("{whom}::{door}")));
            if name != room && !(names.contains(&name) && by_the_door) {
                wrong.push(format!("src/{}:{line}: {room} may not name {path}", source.path));
            }
        }
    }
    assert!(seen > 200, "only {seen} names of rooms found: the reader is wrong");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The paths from the top of the library that a file names, with their lines: `plan::Plan`.
fn named(source: &Source) -> Vec<(usize, String)> {
    let up = "super::".repeat(source.depth());
    let mut found = Vec::new();
    let mut list: Option<(String, usize)> = None;
    for (number, line) in source.code() {
        if let Some((text, _)) = &mut list {
            text.push_str(line);
        }
        let mut rest = line;
        while let Some(at) = [rest.find("crate::"), rest.find(&up)].into_iter().flatten().min() {
            let start = if rest[at..].starts_with("crate::") { "crate::" } else { &up };
            rest = &rest[at + start.len()..];
            if rest.starts_with('{') {
                list = Some((rest.to_owned(), number));
            } else {
                found.push((number, path(rest)));
            }
        }
        if let Some((text, start)) = list.take_if(|(text, _)| text.contains(';')) {
            found.extend(parts(&text).into_iter().map(|part| (start, part)));
        }
    }
    found
}

/// The path that `text` begins with.
fn path(text: &str) -> String {
    let end = text.find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == ':'));
    text[..end.unwrap_or(text.len())].to_owned()
}

/// The paths of `{one::A, two::{B, C}};`, as far as the first brace.
fn parts(text: &str) -> Vec<String> {
    let mut depth = 0;
    let mut found = Vec::new();
    for (at, letter) in text.char_indices() {
        let begins = depth == 1 && (letter == ',' || letter == '{');
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (at == 0 || begins && letter == ',') && depth > 0 {
            found.push(path(text[at + 1..].trim_start()));
        }
    }
    found.retain(|path| !path.is_empty());
    found
}

#[test]
fn the_reader_reads() {
    let text = "use crate::{\n    plan::{A, B},\n    sys, state::C,\n};\nlet x = crate::bundle::load(super::super::cli::f());\n// crate::no\nuse super::arm;";
    let source = Source { path: "launch/arm.rs".to_owned(), text: text.to_owned() };
    let names: Vec<String> = named(&source).into_iter().map(|(_, path)| path).collect();
    assert_eq!(names, ["plan::", "sys", "state::C", "bundle::load", "cli::f"]);
}
