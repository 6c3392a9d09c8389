//! Files that can be read in one go, rooms that say what they are for, `unsafe` where it is looked for.

use crate::source::all;

/// The longest that a file may be, in lines.
const LONGEST: usize = 400;

/// The longest that a function may be, in lines.
const LONGEST_FUNCTION: usize = 60;

/// Functions that are lists, read from top to bottom: the steps of a container's birth, a plan's fields, a script's.
const LISTS: &[(&str, &str)] = &[
    ("child/init.rs", "run"),
    ("child/init.rs", "become_program"),
    ("child/join.rs", "run"),
    ("plan/make.rs", "with"),
    ("launch/arm/process.rs", "lay_out"),
];

/// Pure tables, which may be as long as what they list.
const TABLES: &[&str] = &["seccomp/table.rs"];

/// Where `unsafe` may stand: the kernel's interface, the child, the memory that both share, and single calls that take
/// or give raw descriptors.
const UNSAFE: &[&str] = &[
    "sys/",
    "child/",
    "script/value.rs",
    "launch/spawn.rs",
    "launch/userns.rs",
    "launch/layout.rs",
    "lifecycle/foreground/terminal.rs",
    "main.rs",
];

#[test]
fn no_file_is_too_long() {
    let long: Vec<String> = all()
        .iter()
        .filter(|source| source.text.lines().count() > LONGEST && !TABLES.contains(&&*source.path))
        .map(|source| format!("src/{}: {} lines", source.path, source.text.lines().count()))
        .collect();
    assert!(long.is_empty(), "longer than {LONGEST} lines:\n{}", long.join("\n"));
}

#[test]
fn no_function_is_too_long() {
    let mut long: Vec<(String, String)> = Vec::new();
    for source in all().iter().filter(|source| !source.is_test()) {
        let functions = functions(&source.text).into_iter().filter(|(_, lines)| *lines > LONGEST_FUNCTION);
        long.extend(functions.map(|(name, _)| (source.path.clone(), name)));
    }
    long.sort();
    let mut lists: Vec<_> = LISTS.iter().map(|(file, name)| ((*file).to_owned(), (*name).to_owned())).collect();
    lists.sort();
    assert_eq!(long, lists, "longer than {LONGEST_FUNCTION} lines, on the left; what may be, on the right");
}

/// The functions of a file as rustfmt writes it, each with its number of lines.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(at) = words.iter().position(|word| *word == "fn") else { continue };
        let kinds = ["const", "unsafe", "extern", "\"C\""];
        if line.ends_with(';') || !words[..at].iter().all(|word| word.starts_with("pub") || kinds.contains(word)) {
            continue;
        }
        let end = lines[start..].iter().position(|line| line.trim_end() == format!("{}}}", " ".repeat(indent)));
        let name = words[at + 1].split(['(', '<']).next().unwrap();
        found.extend(end.map(|end| (name.to_owned(), end + 1)));
    }
    found
}

#[test]
fn the_reader_counts_functions() {
    let text = "pub const fn one(a: A) {\n    // fn no\n    fn two() {\n    }\n}\nfn none();\n    pub(super) fn three<T>(\n        a: T,\n    ) {\n    }\n";
    let found = functions(text);
    let expected = [("one", 5), ("two", 2), ("three", 4)].map(|(name, lines)| (name.to_owned(), lines));
    assert_eq!(found, expected);
}

#[test]
fn half_of_the_files_are_short() {
    let mut lengths: Vec<usize> = all().iter().map(|source| source.text.lines().count()).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= 150, "the median file has {median} lines");
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = all()
        .iter()
        .filter(|source| !source.is_test() && !source.text.starts_with("//! "))
        .map(|source| format!("src/{}", source.path))
        .collect();
    assert!(silent.is_empty(), "do not begin with `//!`:\n{}", silent.join("\n"));
}

#[test]
fn unsafe_stands_where_it_may() {
    let mut wrong = Vec::new();
    for source in all().iter().filter(|source| !UNSAFE.iter().any(|place| source.path.starts_with(place))) {
        for (line, code) in source.code() {
            let words = code.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
            if words.into_iter().any(|word| word == "unsafe" || word == "unsafe_code") {
                wrong.push(format!("src/{}:{line}: {}", source.path, code.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "unsafe outside its places:\n{}", wrong.join("\n"));
}

/// A list that allows more than there is would let new `unsafe` in unseen.
#[test]
fn every_place_for_unsafe_has_some() {
    let sources = all();
    for place in UNSAFE {
        let has = |source: &crate::source::Source| source.code().any(|(_, code)| code.contains("unsafe"));
        let there = sources.iter().any(|source| source.path.starts_with(place) && has(source));
        assert!(there, "src/{place} has no unsafe any more: take it off the list");
    }
}
