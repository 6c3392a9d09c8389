//! What `features` claims, against what is done with a config that asks for it. Whoever adds a claim has to say here what
//! it means: a yes or no that nothing here knows fails the test.

use std::collections::BTreeSet;

use oci_spec::runtime::{
    Features, LinuxNamespaceType, LinuxSeccompAction, LinuxSeccompFilterFlag, LinuxSeccompOperator, Spec,
};
use onggi::bundle::check::check;
use onggi::lifecycle::features::features;
use onggi::plan::{Host, options};
use serde_json::{Value, json};

use crate::{default_config, fields, plan};

/// A yes or no, and a config that is accepted exactly if it is a yes: pointers into the default config and their values.
type Claim = (&'static str, &'static [(&'static str, &'static str)]);

const MAPPED: &str = r#"{"destination": "/m", "source": "/srv", "options": ["bind"],
    "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 9}], "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 9}]}"#;

const CLAIMS: [Claim; 9] = [
    ("/linux/apparmor/enabled", &[("/process/apparmorProfile", r#""docker-default""#)]),
    ("/linux/selinux/enabled", &[("/process/selinuxLabel", r#""u:r:t:s0""#)]),
    ("/linux/intelRdt/enabled", &[("/linux/intelRdt", r#"{"closID": "guaranteed"}"#)]),
    ("/linux/intelRdt/schemata", &[("/linux/intelRdt", r#"{"closID": "g", "schemata": ["L3:0=f"]}"#)]),
    ("/linux/intelRdt/monitoring", &[("/linux/intelRdt", r#"{"closID": "g", "enableMonitoring": true}"#)]),
    ("/linux/netDevices/enabled", &[("/linux/netDevices", r#"{"eth7": {"name": "blue"}}"#)]),
    ("/linux/mountExtensions/idmap/enabled", &[("/mounts/-", MAPPED)]),
    ("/linux/seccomp/enabled", &[("/linux/seccomp", r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#)]),
    ("/linux/cgroup/rdma", &[("/linux/resources/rdma", r#"{"mlx5_1": {"hcaHandles": 3}}"#)]),
];

/// Claims about what no config asks for: which cgroups the host has, and how `--systemd-cgroup` is obeyed (tests of
/// `cgroup` and `cli` hold those).
const OF_THE_HOST: [&str; 4] =
    ["/linux/cgroup/v1", "/linux/cgroup/v2", "/linux/cgroup/systemd", "/linux/cgroup/systemdUser"];

#[test]
fn it_is_what_the_spec_describes() {
    let claimed = features();
    // Through the spec's types and back: what they don't know would be lost, and a word that is none refused.
    let parsed: Features = serde_json::from_value(claimed.clone()).unwrap();
    let mut back = serde_json::to_value(&parsed).unwrap();
    back["linux"].as_object_mut().unwrap().retain(|_, member| !member.is_null());
    assert_eq!(back, claimed);
    let fields = fields::of::<Features>("");
    assert!(fields.len() > 30, "{fields:#?}");
    for field in fields.iter().filter(|field| !field.ends_with('*')) {
        let there = claimed.pointer(&format!("/{}", field.replace('.', "/"))).is_some();
        // These three are claimed by being there, and the next test looks whether they may be missing.
        let may_lack = ["linux.memoryPolicy", "linux.intelRdt.schemata", "linux.intelRdt.monitoring"];
        assert!(there || may_lack.iter().any(|lacking| field.starts_with(lacking)), "nothing is said of {field}");
    }
}

#[test]
fn yes_and_no_are_true() {
    let claimed = features();
    for (pointer, edits) in CLAIMS {
        let yes = claimed.pointer(pointer) == Some(&json!(true));
        let said = refused(edits);
        assert_eq!(said.is_empty(), yes, "{pointer}: {edits:?}: {said:?}");
    }
    let said = refused(&[("/linux/memoryPolicy", r#"{"mode": "MPOL_BIND", "nodes": "0"}"#)]);
    assert_eq!(said.is_empty(), claimed.pointer("/linux/memoryPolicy").is_some(), "{said:?}");
    let mut answers = Vec::new();
    booleans(&claimed, "", &mut answers);
    let known = |pointer: &str| CLAIMS.iter().any(|(of, _)| *of == pointer) || OF_THE_HOST.contains(&pointer);
    answers.retain(|pointer| !known(pointer));
    assert_eq!(answers, [""; 0], "say in this file how these are found true");
}

#[test]
fn versions_are_accepted() {
    let claimed = features();
    for version in [&claimed["ociVersionMin"], &claimed["ociVersionMax"]] {
        let found = found(&[("/ociVersion", &version.to_string())]);
        assert_eq!((found.errors, found.warnings), (vec![], vec![]), "{version}");
    }
    assert!(!found(&[("/ociVersion", r#""1.4.0""#)]).warnings.is_empty());
}

#[test]
fn hooks_are_those_that_a_config_may_have() {
    let all = fields::of::<Spec>("").into_iter();
    let all: BTreeSet<String> = all
        .filter_map(|path| path.strip_prefix("hooks.").filter(|kind| !kind.contains('.')).map(str::to_owned))
        .collect();
    assert_eq!(strings("/hooks"), all);
    for kind in all {
        assert_eq!(refused(&[("/hooks", &format!(r#"{{"{kind}": [{{"path": "/bin/true"}}]}}"#))]), [""; 0]);
    }
}

#[test]
fn namespaces_are_those_that_are_made() {
    let claimed = strings("/linux/namespaces");
    for kind in fields::words::<LinuxNamespaceType>() {
        let mut config = default_config();
        let namespaces = config.pointer_mut("/linux/namespaces").unwrap().as_array_mut().unwrap();
        namespaces.retain(|namespace| namespace["type"] != kind);
        namespaces.push(json!({"type": kind}));
        if kind == "user" {
            let map = json!([{"containerID": 0, "hostID": 1000, "size": 100}]);
            config["linux"]["uidMappings"] = map.clone();
            config["linux"]["gidMappings"] = map;
        }
        let made = plan(&config, &Host::example()).map_err(|error| error.to_string());
        assert_eq!(made.is_ok(), claimed.contains(&kind), "{kind}: {:?}", made.err());
    }
}

#[test]
fn capabilities_are_known() {
    let claimed = strings("/linux/capabilities");
    let list = json!(claimed).to_string();
    let config = edited(&[("/process/capabilities/bounding", &list), ("/process/capabilities/permitted", &list)]);
    let plan = plan(&config, &Host::example()).unwrap();
    assert_eq!(plan.warnings, []);
    assert!(claimed.len() >= 41 && claimed.contains("CAP_CHECKPOINT_RESTORE"), "{claimed:?}");
}

#[test]
fn mount_options_are_those_of_the_table() {
    let claimed = strings("/mountOptions");
    assert_eq!(claimed, options::names().map(str::to_owned).collect());
    for word in claimed {
        let mapped = word == "idmap" || word == "ridmap";
        let mut accepted = false;
        for mut mount in [
            json!({"destination": "/m", "source": "/srv", "options": ["bind"]}),
            json!({"destination": "/m", "source": "tmpfs", "type": "tmpfs", "options": []}),
        ] {
            mount["options"].as_array_mut().unwrap().push(json!(word));
            if mapped {
                mount["uidMappings"] = json!([{"containerID": 0, "hostID": 1000, "size": 9}]);
                mount["gidMappings"] = mount["uidMappings"].clone();
            }
            accepted |= plan(&edited(&[("/mounts/-", &mount.to_string())]), &Host::example()).is_ok();
        }
        let expected = !mapped || features().pointer("/linux/mountExtensions/idmap/enabled") == Some(&json!(true));
        assert_eq!(accepted, expected, "{word}");
    }
}

#[test]
fn seccomp_takes_what_is_named() {
    for action in fields::words::<LinuxSeccompAction>() {
        let rule = json!({"names": ["getcwd"], "action": action});
        let mut profile = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]});
        if action == "SCMP_ACT_NOTIFY" {
            profile["listenerPath"] = json!("/run/agent.sock");
        }
        assert_eq!(compiles(&profile), strings("/linux/seccomp/actions").contains(&action), "{action}");
    }
    for operator in fields::words::<LinuxSeccompOperator>() {
        let rule = json!({"names": ["getcwd"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": operator}]});
        let profile = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]});
        assert_eq!(compiles(&profile), strings("/linux/seccomp/operators").contains(&operator), "{operator}");
    }
    for arch in strings("/linux/seccomp/archs") {
        let rule = json!({"names": ["getcwd"], "action": "SCMP_ACT_ERRNO"});
        let profile = json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": [arch], "syscalls": [rule]});
        assert!(compiles(&profile), "{arch}");
    }
    let (known, supported) = (strings("/linux/seccomp/knownFlags"), strings("/linux/seccomp/supportedFlags"));
    assert!(supported.is_subset(&known));
    assert!(known.is_subset(&fields::words::<LinuxSeccompFilterFlag>().into_iter().collect()));
    for flag in known {
        let mut profile = json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": [flag]});
        if flag == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" {
            profile["listenerPath"] = json!("/run/agent.sock");
            profile["syscalls"] = json!([{"names": ["getcwd"], "action": "SCMP_ACT_NOTIFY"}]);
        }
        assert!(compiles(&profile), "{flag}");
    }
}

fn compiles(profile: &Value) -> bool {
    plan(&edited(&[("/linux/seccomp", &profile.to_string())]), &Host::example()).is_ok()
}

/// What the check says of the default config with these edits.
fn found(edits: &[(&str, &str)]) -> onggi::bundle::Findings {
    check(&serde_json::from_value(edited(edits)).unwrap())
}

fn refused(edits: &[(&str, &str)]) -> Vec<String> {
    found(edits).errors.iter().map(ToString::to_string).collect()
}

fn edited(edits: &[(&str, &str)]) -> Value {
    let mut config = default_config();
    for (pointer, value) in edits {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let value: Value = serde_json::from_str(value).unwrap();
        match config.pointer_mut(parent).unwrap() {
            Value::Array(members) => members.push(value),
            object => object[key] = value,
        }
    }
    config
}

/// The words of one of the lists.
fn strings(pointer: &str) -> BTreeSet<String> {
    serde_json::from_value(features().pointer(pointer).unwrap().clone()).unwrap()
}

fn booleans(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Bool(_) => found.push(pointer.to_owned()),
        Value::Object(members) => {
            for (name, member) in members {
                booleans(member, &format!("{pointer}/{name}"), found);
            }
        }
        _ => {}
    }
}
