//! Files that can be read in one go, rooms that say what they are for, `unsafe` where it is looked for.

use crate::source::all;

/// The longest that a file may be, in lines.
const LONGEST: usize = 400;

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
