//! The spec's JSON schemas (tests/schema), with the few keywords that they use. One that is not known fails the test.

use std::path::Path;

use serde_json::Value;

/// What is wrong with `value` by the schema in `file`: a sentence each, with the place.
pub fn problems(file: &str, value: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    check(file, &load(file), value, "", &mut problems);
    problems
}

fn load(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn check(file: &str, schema: &Value, value: &Value, place: &str, problems: &mut Vec<String>) {
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$ref" => {
                let (other, pointer) = rule.as_str().unwrap().split_once('#').unwrap();
                let other = if other.is_empty() { file } else { other };
                check(other, load(other).pointer(pointer).unwrap(), value, place, problems);
            }
            "type" => {
                let right = match rule.as_str().unwrap() {
                    "object" => value.is_object(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "null" => value.is_null(),
                    other => panic!("the type {other} is not known here"),
                };
                if !right {
                    problems.push(format!("{place}: {value} is no {rule}"));
                }
            }
            "enum" if !rule.as_array().unwrap().contains(value) => {
                problems.push(format!("{place}: {value} is none of {rule}"));
            }
            "minimum" if value.as_i64().is_some_and(|value| value < rule.as_i64().unwrap()) => {
                problems.push(format!("{place}: {value} is less than {rule}"));
            }
            // No rule, or one that holds.
            "$schema" | "description" | "enum" | "minimum" => {}
            "required" => {
                let missing =
                    rule.as_array().unwrap().iter().filter(|name| value.get(name.as_str().unwrap()).is_none());
                problems.extend(missing.map(|name| format!("{place}: {name} is missing")));
            }
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        check(file, rule, value, &format!("{place}/{name}"), problems);
                    }
                }
            }
            "patternProperties" => {
                let rule = rule.get(".{1,}").expect("no other pattern is known here");
                for (name, value) in value.as_object().into_iter().flatten().filter(|(name, _)| !name.is_empty()) {
                    check(file, rule, value, &format!("{place}/{name}"), problems);
                }
            }
            "oneOf" => {
                let fits = rule.as_array().unwrap().iter().filter(|rule| {
                    let mut problems = Vec::new();
                    check(file, rule, value, place, &mut problems);
                    problems.is_empty()
                });
                let fits = fits.count();
                if fits != 1 {
                    problems.push(format!("{place}: {value} fits {fits} of the alternatives, not one"));
                }
            }
            other => panic!("the keyword {other} is not known here"),
        }
    }
}

/// The checker itself sees what is wrong.
#[test]
fn sees_what_is_wrong() {
    let wrong = serde_json::json!({"id": 1, "status": "asleep", "pid": -1, "bundle": "/", "annotations": {"a": 1}});
    let problems = problems("state-schema.json", &wrong);
    for words in [
        "/id: 1 is no",
        "/status: \"asleep\" is none of",
        "/pid: -1 is less",
        "\"ociVersion\" is missing",
        "/annotations: ",
    ] {
        assert!(problems.iter().any(|problem| problem.contains(words)), "{words} in {problems:?}");
    }
    assert_eq!(problems.len(), 5, "{problems:?}");
}
