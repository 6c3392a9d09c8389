//! The names that the bundle room looks for are exactly those that are parsed.

use std::collections::BTreeSet;

use oci_spec::runtime::{Process, Spec};
use onggi::bundle::names::table::{CONFIG, Kind, PROCESS};

use crate::fields;

/// Gone since 1.3.0; and the types have them in a spelling that no spec ever had.
const GONE: [&str; 2] = ["linux.intelRdt.enableCmt", "linux.intelRdt.enableMbm"];

/// Nothing is looked at below these.
const OTHER_SYSTEMS: [&str; 6] = ["solaris.", "windows.", "vm.", "zos.", "uidMappings[]", "gidMappings[]"];

#[test]
fn the_table_is_what_is_parsed() {
    let parsed = fields::of::<Spec>("").into_iter();
    let ours = |path: &String| {
        !GONE.contains(&path.as_str()) && !OTHER_SYSTEMS.iter().any(|section| path.starts_with(section))
    };
    let parsed: BTreeSet<String> = parsed.filter(ours).collect();
    assert!(parsed.len() > 150 && parsed.contains("linux.timeOffsets.*.secs"), "{parsed:#?}");
    assert_eq!(differences(&listed(CONFIG, ""), &parsed), "");
    assert_eq!(differences(&listed(PROCESS, "process"), &fields::of::<Process>("process").into_iter().collect()), "");
}

fn differences(listed: &BTreeSet<String>, parsed: &BTreeSet<String>) -> String {
    let lacking = parsed.difference(listed).map(|path| format!("lacking: {path}\n"));
    lacking.chain(listed.difference(parsed).map(|path| format!("not parsed: {path}\n"))).collect()
}

fn listed(kind: Kind, path: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(kind, path, &mut found);
    found
}

fn collect(kind: Kind, path: &str, found: &mut BTreeSet<String>) {
    let (fields, path) = match kind {
        Kind::Value | Kind::Required => return,
        Kind::Map(of) => {
            let path = format!("{path}.*");
            found.insert(path.clone());
            return collect(*of, &path, found);
        }
        Kind::Object(fields) => (fields, path.to_owned()),
        Kind::List(fields) => (fields, format!("{path}[]")),
    };
    assert!(fields.len() <= 64, "{path}: the walk has a bit for each field");
    for (name, kind) in fields {
        let path = if path.is_empty() { (*name).to_owned() } else { format!("{path}.{name}") };
        found.insert(path.clone());
        collect(*kind, &path, found);
    }
}
