//! Annotations that ask for properties: `org.systemd.property.KillSignal`.
//!
//! Whoever writes an image's labels may write annotations, and some properties do something on the host (CVE-2024-3154: they
//! ran a command there). So only those are taken that root allows.

use std::collections::{BTreeMap, HashMap};

use oci_spec::runtime::Spec;

use super::value::{Property, Value};
use crate::error::Problem;

/// What the names of such annotations begin with.
pub const PREFIX: &str = "org.systemd.property.";

/// What is ours to say: without these the unit would not be the container's.
const OURS: [&str; 5] = ["PIDs", "Slice", "Delegate", "Description", "CollectMode"];

/// Whether the annotations of a config have such among them.
pub fn asked(spec: &Spec) -> bool {
    spec.annotations().as_ref().is_some_and(|all| all.keys().any(|name| name.starts_with(PREFIX)))
}

/// The properties that are allowed, and a note for each that is not.
pub(super) fn properties(
    annotations: Option<&HashMap<String, String>>,
    allowed: &[String],
) -> Result<(Vec<Property>, Vec<Problem>), Vec<Problem>> {
    let (mut properties, mut notes, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    let all: BTreeMap<_, _> = annotations.into_iter().flatten().collect();
    for (annotation, text) in all {
        let Some(name) = annotation.strip_prefix(PREFIX) else { continue };
        let place = format!("annotations[{annotation:?}]");
        if OURS.contains(&name) {
            notes.push(Problem::new(place, "not applied: this property is the runtime's to set"));
        } else if !allowed.iter().any(|one| one == name) {
            let what = "not applied: annotations set properties of systemd units only where root allows it";
            notes
                .push(Problem::new(place, what).hint(format!("a line {name:?} in /etc/onggi/systemd-properties does")));
        } else {
            match property(name, text) {
                Ok(property) => properties.push(property),
                Err(what) => problems.push(Problem::new(place, what)),
            }
        }
    }
    if problems.is_empty() { Ok((properties, notes)) } else { Err(problems) }
}

/// One property. Where the name ends in `Sec` the value is in seconds, and becomes what D-Bus has: microseconds.
fn property(name: &str, text: &str) -> Result<Property, String> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("is not the name of a property".into());
    }
    let value = parse(text.trim()).ok_or_else(|| {
        format!("{text:?} is not a value as GVariant writes them: true, 5, uint64 5, 'text' or ['text', 'text']")
    })?;
    match name.strip_suffix("Sec").filter(|base| !base.ends_with('U')) {
        None => Ok(Property::new(name, value)),
        Some(base) => Ok(Property::new(&format!("{base}USec"), Value::Number(microseconds(&value)?))),
    }
}

fn microseconds(seconds: &Value) -> Result<u64, String> {
    let whole = match seconds {
        Value::Int32(number) => u64::try_from(*number).ok(),
        Value::Int64(number) => u64::try_from(*number).ok(),
        Value::Word(number) => Some(u64::from(*number)),
        Value::Number(number) => Some(*number),
        Value::Real(number) if (0.0..1e12).contains(number) => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range by the match")]
            return Ok((number * 1e6) as u64);
        }
        _ => None,
    };
    whole.and_then(|seconds| seconds.checked_mul(1_000_000)).ok_or_else(|| "must be a number of seconds".into())
}

/// A value in GVariant's text form (GLib: GVariant Text Format), as far as properties need it.
fn parse(text: &str) -> Option<Value> {
    match text {
        "true" => return Some(Value::Flag(true)),
        "false" => return Some(Value::Flag(false)),
        "@as []" => return Some(Value::Texts(Vec::new())),
        _ => {}
    }
    if text.starts_with(['"', '\'']) {
        let (string, rest) = string(text)?;
        return rest.is_empty().then_some(Value::Text(string));
    }
    if let Some(list) = text.strip_prefix('[') {
        return strings(list).map(Value::Texts);
    }
    match text.split_once(' ').map(|(kind, number)| (kind, number.trim())) {
        Some(("int32", number)) => number.parse().ok().map(Value::Int32),
        Some(("int64", number)) => number.parse().ok().map(Value::Int64),
        Some(("uint32", number)) => number.parse().ok().map(Value::Word),
        Some(("uint64", number)) => number.parse().ok().map(Value::Number),
        Some(("double", number)) => real(number),
        Some(_) => None,
        None => text.parse().ok().map(Value::Int32).or_else(|| text.contains('.').then(|| real(text)).flatten()),
    }
}

fn real(text: &str) -> Option<Value> {
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::Real)
}

/// The string in quotes that `text` begins with, and what follows it.
fn string(text: &str) -> Option<(String, &str)> {
    let mut letters = text.char_indices();
    let (_, quote) = letters.next()?;
    let mut string = String::new();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\0' => return None,
            '\\' => string.push(match letters.next()?.1 {
                'n' => '\n',
                't' => '\t',
                plain @ ('\\' | '"' | '\'') => plain,
                _ => return None,
            }),
            letter if letter == quote => return Some((string, text[at + 1..].trim_start())),
            letter => string.push(letter),
        }
    }
    None
}

/// The rest of a list of strings, from behind its bracket.
fn strings(list: &str) -> Option<Vec<String>> {
    let mut all = Vec::new();
    let mut rest = list.trim_start();
    loop {
        if !rest.starts_with(['"', '\'']) {
            return None;
        }
        let (one, after) = string(rest)?;
        all.push(one);
        match after.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None => return (after == "]").then_some(all),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, text: &str, allowed: &[&str]) -> Result<(Vec<Property>, usize), String> {
        let annotations = HashMap::from([(format!("{PREFIX}{name}"), text.to_owned()), ("other".into(), "x".into())]);
        let allowed: Vec<_> = allowed.iter().map(|&name| name.to_owned()).collect();
        match properties(Some(&annotations), &allowed) {
            Ok((properties, notes)) => Ok((properties, notes.len())),
            Err(problems) => Err(problems[0].to_string()),
        }
    }

    #[test]
    fn only_what_root_allows() {
        assert_eq!(said("KillSignal", "37", &[]), Ok((vec![], 1)));
        assert_eq!(
            said("KillSignal", "37", &["KillSignal"]),
            Ok((vec![Property::new("KillSignal", Value::Int32(37))], 0))
        );
        assert_eq!(said("Delegate", "false", &["Delegate"]), Ok((vec![], 1)));
        assert_eq!(said("ExecStopPost", "nonsense", &["KillSignal"]), Ok((vec![], 1)), "not even looked at");
        let note = properties(Some(&HashMap::from([(format!("{PREFIX}X"), "1".into())])), &[]).unwrap().1;
        assert!(note[0].to_string().starts_with("annotations[\"org.systemd.property.X\"]: not applied: "), "{note:?}");
        let mut spec = Spec::default();
        assert!(!asked(spec.set_annotations(Some(HashMap::from([("x".into(), "1".into())])))));
        assert!(asked(spec.set_annotations(Some(HashMap::from([(format!("{PREFIX}X"), "1".into())])))));
    }

    #[test]
    fn values() {
        for (text, value) in [
            ("true", Value::Flag(true)),
            ("-5", Value::Int32(-5)),
            ("uint64 10000000", Value::Number(10_000_000)),
            ("uint32 5", Value::Word(5)),
            ("int64 -5", Value::Int64(-5)),
            ("1.5", Value::Real(1.5)),
            ("'inactive-or-failed'", Value::Text("inactive-or-failed".into())),
            ("\"a 'b' \\\"c\\\"\"", Value::Text("a 'b' \"c\"".into())),
            ("['a.service', \"b.service\"]", Value::Texts(vec!["a.service".into(), "b.service".into()])),
            ("@as []", Value::Texts(vec![])),
        ] {
            assert_eq!(said("X", text, &["X"]), Ok((vec![Property::new("X", value)], 0)), "{text}");
        }
        for bad in [
            "",
            "maybe",
            "'open",
            "'a' b",
            "[",
            "['a'",
            "['a',]",
            "['a'] x",
            "uint64 -1",
            "5000000000",
            "('a', 1)",
            "inf",
        ] {
            let problem = said("X", bad, &["X"]).unwrap_err();
            assert!(problem.contains("is not a value as GVariant writes them"), "{bad}: {problem}");
        }
    }

    #[test]
    fn seconds_become_microseconds() {
        let usec = |name: &str, number| Ok((vec![Property::new(name, Value::Number(number))], 0));
        assert_eq!(said("TimeoutStopSec", "90", &["TimeoutStopSec"]), usec("TimeoutStopUSec", 90_000_000));
        assert_eq!(said("TimeoutStopSec", "1.5", &["TimeoutStopSec"]), usec("TimeoutStopUSec", 1_500_000));
        assert_eq!(said("TimeoutStopUSec", "uint64 7", &["TimeoutStopUSec"]), usec("TimeoutStopUSec", 7));
        assert!(said("TimeoutStopSec", "'soon'", &["TimeoutStopSec"]).unwrap_err().contains("a number of seconds"));
        assert!(said("TimeoutStopSec", "-1", &["TimeoutStopSec"]).is_err());
    }
}
