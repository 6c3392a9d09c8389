//! Mistakes in a config, one at a time, and what is said of each.
//!
//! The tables are text files in `mistakes/`, one for each section of the config. A row is an edit of what `onggi spec` writes, or
//! several of them: `POINTER = VALUE`, where `-` at the end of a pointer appends, and a value left out removes. Below it, indented,
//! stands what is said: a line for each error, or, if there are none, for each warning.
//!
//! To add a row, write its edits and let `make golden` write what is said; then read that as a user would.

use std::fs;
use std::path::{Path, PathBuf};

use onggi::plan::Host;
use serde_json::Value;

use crate::{default_config, plan};

#[test]
fn each_mistake_is_named() {
    let update = std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always");
    let mut rows = 0;
    for table in tables() {
        let expected = fs::read_to_string(&table).unwrap();
        let said: Vec<String> = expected.trim().split("\n\n").map(row).collect();
        rows += said.len();
        let said = said.join("\n");
        if update {
            fs::write(&table, said).unwrap();
        } else {
            assert!(said == expected, "{}: what is said now:\n\n{said}", table.display());
        }
    }
    assert!(rows >= 150, "only {rows} rows found");
}

/// The text files beside this one.
fn tables() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plan/mistakes");
    let mut tables: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    tables.sort();
    tables
}

/// The edits of a row, and what is said of them now.
fn row(row: &str) -> String {
    let edits: Vec<&str> = row.lines().take_while(|line| !line.starts_with(' ')).collect();
    let mut config = default_config();
    for edit in &edits {
        apply(&mut config, edit);
    }
    format!("{}\n{}", edits.join("\n"), outcome(&config))
}

fn outcome(config: &Value) -> String {
    let lines: Vec<String> = match plan(config, &Host::example()) {
        Ok(plan) => plan.warnings.iter().map(|warning| format!("  warning: {warning}\n")).collect(),
        Err(error) => error.problems.iter().map(|problem| format!("  {problem}\n")).collect(),
    };
    if lines.is_empty() { "  fine\n".to_owned() } else { lines.concat() }
}

fn apply(config: &mut Value, edit: &str) {
    let (pointer, value) = edit.split_once(" =").expect(edit);
    let (parent, key) = pointer.rsplit_once('/').expect(edit);
    let parent = config.pointer_mut(parent).expect(edit);
    let value: Option<Value> =
        Some(value.trim()).filter(|text| !text.is_empty()).map(|text| serde_json::from_str(text).expect(edit));
    match (parent, value) {
        (Value::Array(members), Some(value)) if key == "-" => members.push(value),
        (Value::Array(members), Some(value)) => members[key.parse::<usize>().unwrap()] = value,
        (Value::Array(members), None) => _ = members.remove(key.parse().unwrap()),
        (Value::Object(members), Some(value)) => _ = members.insert(key.to_owned(), value),
        (Value::Object(members), None) => _ = members.remove(key).expect(edit),
        _ => panic!("{edit}"),
    }
}

#[test]
fn an_ordinary_user_needs_a_user_namespace() {
    let error = plan(&default_config(), &Host::example_user()).unwrap_err().to_string();
    assert_eq!(
        error,
        "linux.namespaces: user 1000 needs a user namespace to make a container \
         (add {\"type\": \"user\"} and id mappings; `onggi spec --rootless` writes both)"
    );
}

#[test]
fn many_mistakes_are_said_at_once() {
    let mut config = default_config();
    for edit in
        ["/process/cwd = \"\"", "/ociVersion =", "/linux/cgroupsPath = \"/..\"", "/linux/maskedPaths = [\"/\\u0000\"]"]
    {
        apply(&mut config, edit);
    }
    let places: Vec<String> =
        plan(&config, &Host::example()).unwrap_err().problems.into_iter().map(|problem| problem.place).collect();
    assert_eq!(places, ["ociVersion", "process.cwd", "linux.cgroupsPath", "linux.maskedPaths[0]"]);
}
