//! No config makes the road to a plan panic, and a plan that comes of it can be shown.

use onggi::plan::{Host, Plan, human, json};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{plan, plan_of};

/// A place in a JSON document: at each level the member with this number, counted round.
fn place() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..64_usize, 1..6)
}

/// Values of every type, and those at which code goes wrong.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::sample::select(vec![
            0,
            1,
            -1,
            i64::from(u32::MAX),
            i64::from(u32::MAX) + 1,
            i64::MAX,
            i64::MIN
        ])
        .prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        prop::sample::select(WORDS.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(WORDS.to_vec()), inner), 0..4).prop_map(
                |members| Value::Object(
                    members
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect()
                )
            ),
        ]
    })
}

const WORDS: &[&str] = &[
    "",
    "/",
    "..",
    "../..",
    "\0",
    "a\0",
    "/proc",
    "/proc/self/fd/3",
    "/dev",
    "\u{202e}",
    "=",
    "A=",
    "user",
    "network",
    "mount",
    "path",
    "type",
    "bind",
    "rbind",
    "remount",
    "ro",
    "rro",
    "tmpfs",
    "cgroup",
    "c",
    "a",
    "gid=5",
    "size=",
    "=size",
    ",,",
    "\"",
    "\\",
    "CAP_SYS_ADMIN",
    "CAP_X",
    "net.ipv4.ip_forward",
    "kernel.shmmax",
    "1.3.0",
    "rshared",
    "destination",
    "source",
    "options",
    "size",
    "hostID",
    "containerID",
    "-1",
];

fn change(config: &mut Value, place: &[usize], value: Value) {
    let Some((&number, rest)) = place.split_first() else {
        return *config = value;
    };
    let member = match config {
        Value::Array(members) if !members.is_empty() => {
            let length = members.len();
            members.get_mut(number % length)
        }
        Value::Object(members) if !members.is_empty() => {
            let length = members.len();
            members.values_mut().nth(number % length)
        }
        _ => return *config = value,
    };
    if let Some(member) = member {
        change(member, rest, value);
    }
}

fn show(plan: &Plan) {
    assert!(human(plan).contains("program"));
    assert!(json(plan).is_object());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_changed(changes in prop::collection::vec((place(), value()), 1..4), user: bool) {
        let mut config: Value = serde_json::from_str(include_str!("fixtures/everything.json")).unwrap();
        for (place, value) in changes {
            change(&mut config, &place, value);
        }
        let host = if user { Host::example_user() } else { Host::example() };
        match plan(&config, &host) {
            Ok(plan) => show(&plan),
            Err(error) => {
                prop_assert!(!error.problems.is_empty());
                prop_assert!(error.problems.iter().all(|problem| !problem.what.is_empty()));
            }
        }
    }

    #[test]
    fn whatever_bytes_there_are(at in 0..20_000_usize, byte: u8, cut in 0..20_000_usize) {
        let mut config = include_bytes!("fixtures/everything.json").to_vec();
        let length = config.len();
        config[at % length] = byte;
        config.truncate(length - cut % 64);
        if let Ok(plan) = plan_of(config, &Host::example()) {
            show(&plan);
        }
    }
}

#[test]
fn the_changes_are_real() {
    let mut config = json!({"a": [1, 2]});
    change(&mut config, &[7, 3], json!(0));
    assert_eq!(config, json!({"a": [1, 0]}));
}
