//! From bytes to types, with the place of every mistake.

use std::path::Path;

use oci_spec::runtime::{LinuxResources, Process, Spec};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::names::{self, table};
use super::{mend, not_json};
use crate::error::{Error, Problem, Result};

/// Parses a config.json; `file` is its name for error messages.
pub fn config(bytes: &[u8], file: &Path) -> Result<(Spec, Vec<Problem>)> {
    parse(bytes, &file.display().to_string(), &WHOLE)
}

/// Parses the process object of `exec --process`; `file` is its name for error messages (`-` reads as standard input).
///
/// Returns the process and what was tolerated. Problems are placed as in config.json: `process.cwd: ...`.
pub fn load_process(bytes: &[u8], file: &str) -> Result<(Process, Vec<Problem>)> {
    parse(bytes, file, &PROCESS)
}

/// Parses the resources of `update`; `file` is their name for error messages.
///
/// Problems are placed as in config.json: `linux.resources.memory.limit: ...`. `version` is the container's
/// `ociVersion`, which decides what a limit of 0 processes means.
pub fn load_resources(bytes: &[u8], file: &str, version: &str) -> Result<(LinuxResources, Vec<Problem>)> {
    let (mut resources, warnings) = parse(bytes, file, &RESOURCES)?;
    if !warnings.is_empty() && resources == LinuxResources::default() {
        unwrapped(bytes, file)?;
    }
    mend::drop_unasked_pids(&mut resources, version, || serde_json::from_slice(bytes).unwrap_or_default());
    Ok((resources, warnings))
}

/// An error for a whole config, or a part of one, where resources alone are wanted: nothing of it would be done.
fn unwrapped(bytes: &[u8], file: &str) -> Result<()> {
    let json: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let Some(place) = ["linux.resources", "resources"].into_iter().find(|place| {
        let pointer = format!("/{}", place.replace('.', "/"));
        json.pointer(&pointer).is_some_and(Value::is_object)
    }) else {
        return Ok(());
    };
    let hint = format!("give that object alone: jq .{place} FILE | onggi update --resources - ID");
    Err(Error::new(file, format!("has its limits in {place}, where they are not looked for")).hint(hint))
}

/// What is parsed.
struct Subject {
    /// Where in a config it lies.
    prefix: &'static str,
    names: table::Kind,
    mend: fn(&mut Value, &mut Vec<Problem>),
}

const WHOLE: Subject = Subject { prefix: "", names: table::CONFIG, mend: mend::config };
const PROCESS: Subject = Subject { prefix: "process", names: table::PROCESS, mend: mend::process };
const RESOURCES: Subject = Subject { prefix: "linux.resources", names: table::RESOURCES, mend: mend::resources };

/// The straight way for a config that is right, with a glance at its names; only one that is not pays for being mended or
/// explained.
fn parse<T: DeserializeOwned>(bytes: &[u8], file: &str, of: &Subject) -> Result<(T, Vec<Problem>)> {
    // Asked once, and not again for each string in it.
    let json = not_json::text(bytes, file)?;
    match serde_json::from_str(json) {
        // Serde takes an array for an object whose members all may be absent.
        Ok(_) if !json.trim_ascii_start().starts_with('{') => Err(Error::new(file, "must be a JSON object")),
        Ok(parsed) => names::look(json, of.names, of.prefix).into_result(Some(parsed)),
        Err(cause) => mended(json, file, of, &cause),
    }
}

fn mended<T: DeserializeOwned>(
    json: &str,
    file: &str,
    of: &Subject,
    first: &serde_json::Error,
) -> Result<(T, Vec<Problem>)> {
    let mut value: Value =
        serde_json::from_str(json).map_err(|cause| not_json::explain(&cause, &without_position(&cause), json, file))?;
    let mut found = names::look(json, of.names, of.prefix);
    (of.mend)(&mut value, &mut found.warnings);
    // Through text once more, so that there is one deserializer of all these types in the program and not two.
    let text = value.to_string();
    let parsed = match serde_json::from_str(&text) {
        Ok(parsed) => Some(parsed),
        Err(cause) => {
            let path = names::path(&text, of.names, place_of(&cause, text.as_bytes()));
            let mut problems = wrong_type(&cause, &path, of.prefix, file, first).problems;
            // What it says of, or in, an array in an object's place has been said better.
            problems.retain(|problem| !found.errors.iter().any(|known| within(&problem.place, &known.place)));
            found.errors.append(&mut problems);
            None
        }
    };
    found.into_result(parsed)
}

/// Where in `text`, which is one line, the value lies that an error is about: a byte that belongs to it.
fn place_of(cause: &serde_json::Error, text: &[u8]) -> usize {
    let end = cause.column();
    let missing = cause.to_string().starts_with("missing field");
    // What is missing is told at the end of its object; of a member that was refused, so is the last one.
    let last = end.checked_sub(1).filter(|last| !missing && text.get(*last) == Some(&b'}'));
    last.unwrap_or(end)
}

/// Whether `place` is `object`, or lies in it: `mounts[1].options` in `mounts[1]`.
fn within(place: &str, object: &str) -> bool {
    place.strip_prefix(object).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// `process.user.uid: invalid type: string "x", expected u32`.
fn wrong_type(cause: &serde_json::Error, path: &str, prefix: &str, file: &str, first: &serde_json::Error) -> Error {
    let place = match (prefix, path) {
        ("", "") => file.to_owned(),
        (_, "") => prefix.to_owned(),
        ("", _) => path.to_owned(),
        (_, _) => format!("{prefix}.{path}"),
    };
    let what = without_position(cause);
    if place == file && what.ends_with(", expected an object") {
        return Error::new(file, "must be a JSON object");
    }
    if let Some(field) = what.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let object = if place == file { String::new() } else { format!("{place}.") };
        return Error::new(format!("{object}{field}"), "is missing");
    }
    // Mending loses the lines. The first attempt's is right if it stumbled over the same thing.
    let error = Error::new(place, what.clone());
    if what == without_position(first) { error.hint(format!("line {} of {file}", first.line())) } else { error }
}

/// What serde expected, in the words of JSON instead of Rust's.
const EXPECTED: [(&str, &str); 10] = [
    ("a sequence", "an array"),
    ("a map", "an object"),
    ("path string", "a string"),
    ("a boolean", "true or false"),
    ("i32", "a whole number from -2147483648 to 2147483647"),
    ("i64", "a whole number"),
    ("u16", "a whole number from 0 to 65535"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("u64", "a whole number from 0 to 18446744073709551615"),
    ("usize", "a whole number from 0 to 18446744073709551615"),
];

/// The message of `serde_json` without the position at its end, which we put elsewhere, and without Rust's types.
fn without_position(cause: &serde_json::Error) -> String {
    let text = cause.to_string();
    let text = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    if let Some(variants) = text.strip_prefix("unknown variant ") {
        let spelled = |text: String, (spec, ours): &(&str, &str)| text.replace(ours, spec);
        let variants = mend::FLAGS.iter().fold(variants.replace('`', "\""), spelled);
        return format!("unknown value {variants}");
    }
    if let Some(list) = text.strip_prefix("Invalid execCPUAffinity format: ") {
        return format!("\"{list}\" is no list of processors, such as 0-3,7");
    }
    let Some((found, expected)) = text.rsplit_once(", expected ") else {
        return text.to_owned();
    };
    let found = found_words(found);
    let words = EXPECTED.iter().find(|(rust, _)| *rust == expected).map(|(_, words)| *words);
    match words {
        Some(words) => format!("{found}, expected {words}"),
        None if expected.starts_with("struct ") || expected.starts_with("internally") => {
            format!("{found}, expected an object")
        }
        None => format!("{found}, expected {expected}"),
    }
}

/// What serde found, in the words of JSON, and no more of a value than tells which it is.
fn found_words(found: &str) -> String {
    match found {
        "invalid type: sequence" => return "invalid type: array".into(),
        "invalid type: map" => return "invalid type: object".into(),
        _ => {}
    }
    let found = found.replacen("floating point `", "number `", 1);
    match found.char_indices().nth(VALUE) {
        Some((end, _)) => format!("{}[...]\"", &found[..end]),
        None => found,
    }
}

/// The most letters of a value that stands in the wrong place.
const VALUE: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(config: &str) -> String {
        super::config(config.as_bytes(), Path::new("/b/config.json")).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_have_a_place() {
        assert_eq!(
            said("{\n  \"ociVersion\" 1}"),
            "/b/config.json: not JSON: line 2, column 16: expected `:` (there it reads \"1}\")"
        );
        assert_eq!(
            said("{\"process\":\n{\"user\":{\"uid\":\"x\"}, \"cwd\":\"/\"}}"),
            "process.user.uid: invalid type: string \"x\", expected a whole number from 0 to 4294967295 (line 2 of /b/config.json)"
        );
        assert_eq!(
            said("{\"process\": {\"user\":{\"uid\":-1}, \"cwd\":\"/\"}}"),
            "process.user.uid: invalid value: integer `-1`, expected a whole number from 0 to 4294967295 (line 1 of /b/config.json)"
        );
        assert_eq!(said("[]"), "/b/config.json: must be a JSON object");
        assert_eq!(said("7"), "/b/config.json: must be a JSON object");
        assert_eq!(said("{\"process\": [{\"a\": 1}]}"), "process: invalid type: array, expected an object");
        let long = said(&format!("{{\"process\": \"{}\"}}", "b ".repeat(5000)));
        assert!(long.contains("string \"b b b") && long.contains("[...]\", expected an object"), "{long}");
        assert!(long.len() < 400, "{long}");
        assert!(said("{\"hostname\": {}}").starts_with("hostname: invalid type: object, expected a string (line 1"));
        assert!(said("{\"hostname\": []}").starts_with("hostname: invalid type: array, expected a string (line 1"));
        assert!(said("{\"hostname\": 1.5}").starts_with("hostname: invalid type: number `1.5`, expected a string"));
    }

    #[test]
    fn a_process_alone_is_placed_as_in_a_config() {
        let (process, warnings) =
            load_process(br#"{"args":["a"],"capabilities":{"bounding":["CAP_NEW"]}}"#, "-").unwrap();
        assert_eq!(process.args().as_deref(), Some(&["a".to_owned()][..]));
        assert_eq!(warnings.len(), 1);
        let error = load_process(br#"{"user":{},"cwd":7}"#, "p.json").unwrap_err().to_string();
        assert_eq!(error, "process.cwd: invalid type: integer `7`, expected a string (line 1 of p.json)");
    }
}
