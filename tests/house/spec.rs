//! docs/spec-1.3.md: every field has a row, every row a field, and what the rows point at is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use oci_spec::runtime::Spec;

use crate::fields;

/// A section of the page, and what its fields are below.
const SECTIONS: [(&str, &str); 7] = [
    ("The top, root, names", ""),
    ("mounts", "mounts[]."),
    ("process", "process."),
    ("hooks", "hooks."),
    ("linux, without resources and seccomp", "linux."),
    ("linux.resources", "linux.resources."),
    ("linux.seccomp", "linux.seccomp."),
];

/// What rows of a section are about that are no fields: the words of `mounts[].options`, each by the first of its row.
const WORDS: [&str; 14] = [
    "ro",
    "rro",
    "sync",
    "iversion",
    "noiversion",
    "silent",
    "loud",
    "defaults",
    "bind",
    "rbind",
    "remount",
    "private",
    "size=64k",
    "tmpcopyup",
];
const MORE_WORDS: [&str; 2] = ["idmap", "ridmap"];

/// The sections of other systems; and what is in the types, but in no version of the spec in this spelling.
const NOT_OURS: [&str; 8] = [
    "solaris.",
    "windows.",
    "vm.",
    "zos.",
    "uidMappings",
    "gidMappings",
    "linux.intelRdt.enableCmt",
    "linux.intelRdt.enableMbm",
];

/// Where a file that a column names may lie.
const FOLDERS: [(&str, &[&str]); 4] = [
    ("check", &["src/bundle/check", "src/bundle", "."]),
    ("plan", &["src/plan", "src/plan/cgroup"]),
    ("step", &["src/child", "src/lifecycle", "."]),
    ("where", &[".", "src/seccomp", "src/bundle", "src/child"]),
];

/// A row of a table: what its columns are called, and what is in them.
struct Row<'a> {
    section: &'a str,
    header: Vec<&'a str>,
    cells: Vec<&'a str>,
}

#[test]
fn every_field_has_a_row_and_every_row_a_field() {
    let all: BTreeSet<String> = fields::of::<Spec>("")
        .into_iter()
        .filter(|path| !NOT_OURS.iter().any(|other| path.starts_with(other)))
        .collect();
    let (page, mut covered, mut wrong) = (page(), BTreeSet::new(), Vec::new());
    for row in rows(&page) {
        let Some((_, prefix)) = SECTIONS.iter().find(|(title, _)| *title == row.section) else { continue };
        // What the command line has to say in a matter is no field.
        let names: Vec<&str> = code(row.cells[0]).into_iter().filter(|name| !name.starts_with('-')).collect();
        for name in &names {
            let meant = meant(&all, prefix, names[0], name);
            if meant.is_empty() && !WORDS.iter().chain(&MORE_WORDS).any(|word| name.split(' ').next() == Some(word)) {
                wrong.push(format!("the spec has no {prefix}{name}"));
            }
            covered.extend(meant);
        }
    }
    for field in &all {
        // What a field is made of may share its row.
        let has = |row: &String| {
            field.strip_prefix(row.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let is_object = all
            .iter()
            .any(|other| other.starts_with(&format!("{field}.")) || other.starts_with(&format!("{field}[].")));
        if !is_object && !covered.iter().any(has) {
            wrong.push(format!("no row for {field}"));
        }
    }
    assert!(all.len() > 150 && covered.len() > 80, "{} fields, {} in rows", all.len(), covered.len());
    assert!(wrong.is_empty(), "docs/spec-1.3.md:\n{}", wrong.join("\n"));
}

/// The fields that `name` in a row stands for: below the section; beside or below the row's first name; a name from the top; or that
/// of a member of all lists of the section (`path` of each hook).
fn meant(all: &BTreeSet<String>, prefix: &str, first: &str, name: &str) -> Vec<String> {
    let beside = first.rsplit_once('.').map_or("", |(object, _)| object);
    let candidates = [
        format!("{prefix}{name}"),
        format!("{prefix}{beside}.{name}"),
        format!("{prefix}{first}.{name}"),
        format!("{prefix}{first}[].{name}"),
        name.to_owned(),
    ];
    if let Some(field) = candidates.into_iter().find(|field| all.contains(field)) {
        return vec![field];
    }
    let member = format!("[].{name}");
    all.iter().filter(|field| field.starts_with(prefix) && field.ends_with(&member)).cloned().collect()
}

#[test]
fn every_test_that_a_row_names_is_there() {
    let (page, mut wrong, mut count) = (page(), Vec::new(), 0);
    for row in rows(&page) {
        let Some(tests) = row.header.iter().position(|title| *title == "test") else { continue };
        for part in row.cells[tests].split(',') {
            let unit = part.trim().starts_with("unit ");
            for name in code(part) {
                count += 1;
                if !(if unit { is_unit_test(name) } else { is_test(name) }) {
                    wrong.push(format!("{}: no test {name}", row.cells[0]));
                }
            }
        }
    }
    assert!(count > 120, "{count}");
    assert!(wrong.is_empty(), "docs/spec-1.3.md:\n{}", wrong.join("\n"));
}

/// `life::mounts::order` is `order` in tests/life/mounts.rs or in a file below tests/life/mounts; `life::copy_up` that whole file,
/// which may also be written as its path.
fn is_test(name: &str) -> bool {
    let path = format!("tests/{}", name.replace("::", "/"));
    if Path::new(&format!("{path}.rs")).is_file() || Path::new(name).is_file() {
        return true;
    }
    let Some((file, function)) = path.rsplit_once('/') else { return false };
    let holds = |path: &Path| fs::read_to_string(path).is_ok_and(|text| text.contains(&format!("fn {function}(")));
    let below = fs::read_dir(file).into_iter().flatten().flatten().any(|entry| holds(&entry.path()));
    below || holds(Path::new(&format!("{file}.rs")))
}

/// A file of src/ with tests of its own, or beside it in a tests.rs.
fn is_unit_test(file: &str) -> bool {
    fs::read_to_string(Path::new("src").join(file)).is_ok_and(|text| text.contains("#[test]"))
}

#[test]
fn every_file_that_a_row_names_is_there() {
    let (page, mut wrong, mut count) = (page(), Vec::new(), 0);
    for row in rows(&page) {
        for (title, cell) in row.header.iter().zip(&row.cells) {
            let Some((_, folders)) = FOLDERS.iter().find(|(column, _)| column == title) else { continue };
            for word in cell.split([' ', ',', ';', ':', '(', ')', '[', ']', '`']) {
                if word.strip_suffix(".rs").is_none() && !word.starts_with("src/") {
                    continue;
                }
                count += 1;
                let exists =
                    folders.iter().any(|folder| Path::new(folder).join(word.trim_start_matches("../")).exists());
                if !exists {
                    wrong.push(format!("{}: {title}: no file {word}", row.cells[0]));
                }
            }
        }
    }
    for link in page.split("](../").skip(1).filter_map(|rest| rest.split(')').next()) {
        if !Path::new(link).exists() {
            wrong.push(format!("a link to {link}"));
        }
    }
    assert!(count > 100, "{count}");
    assert!(wrong.is_empty(), "docs/spec-1.3.md:\n{}", wrong.join("\n"));
}

fn page() -> String {
    fs::read_to_string("docs/spec-1.3.md").unwrap()
}

fn rows(page: &str) -> Vec<Row<'_>> {
    let (mut section, mut header, mut rows) = ("", Vec::new(), Vec::new());
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            (section, header) = (title, Vec::new());
        }
        let Some(cells) = line.strip_prefix("| ").and_then(|rest| rest.strip_suffix('|')) else { continue };
        let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
        if header.is_empty() {
            header = cells;
        } else {
            assert_eq!(cells.len(), header.len(), "the columns of: {line}");
            rows.push(Row { section, header: header.clone(), cells });
        }
    }
    rows
}

/// What stands between backticks.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}
