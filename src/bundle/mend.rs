//! What a strict parser refuses and engines nevertheless write.
//!
//! The types of oci-spec are stricter than the Go types that every engine was made with. There, `null` is the same as
//! absent, an absent string is empty, and the last of two equal keys wins (`serde_json::Value` does that for us). A capability is
//! any string, and one that this build does not know must not keep a container from starting (spec: config, Linux
//! Process: warn). Only the slow way through here pays for it.

use oci_spec::runtime::{LinuxResources, Spec};
use serde_json::{Map, Value, json};

use crate::error::Problem;

/// Mends a whole config.json.
pub fn config(config: &mut Value, warnings: &mut Vec<Problem>) {
    // In a map null is a member all the same: one with nothing set.
    for map in ["/linux/netDevices", "/linux/resources/rdma"] {
        let members = config.pointer_mut(map).and_then(Value::as_object_mut).into_iter().flatten();
        members.filter(|(_, member)| member.is_null()).for_each(|(_, member)| *member = json!({}));
    }
    drop_nulls(config);
    let Some(config) = config.as_object_mut() else {
        return;
    };
    // The sections of other systems: never looked at, so they need not be right.
    for section in ["windows", "solaris", "vm", "zos", "uidMappings", "gidMappings"] {
        if config.remove(section).is_some() && !section.ends_with("Mappings") {
            warnings.push(Problem::new(section, "is not looked at on Linux"));
        }
    }
    if let Some(of) = config.get_mut("process") {
        process(of, warnings);
    }
    for mount in members(config.get_mut("mounts")) {
        fill(mount, "destination", json!(""));
    }
    for kind in members_of_object(config.get_mut("hooks")) {
        for hook in members(Some(kind)) {
            fill(hook, "path", json!(""));
        }
    }
    if let Some(linux) = config.get_mut("linux").and_then(Value::as_object_mut) {
        self::linux(linux, warnings);
    }
}

/// Mends a process object.
pub fn process(process: &mut Value, warnings: &mut Vec<Problem>) {
    drop_nulls(process);
    let Some(process) = process.as_object_mut() else {
        return;
    };
    fill(process, "user", json!({}));
    fill(process, "cwd", json!(""));
    scheduling(process);
    let Some(sets) = process.get_mut("capabilities").and_then(Value::as_object_mut) else {
        return;
    };
    for (set, names) in sets {
        let Some(names) = names.as_array_mut() else {
            continue;
        };
        let mut index = 0;
        names.retain(|name| {
            let unknown = name.as_str().filter(|name| serde_json::from_value::<Known>(json!(name)).is_err());
            if let Some(name) = unknown {
                let place = format!("process.capabilities.{set}[{index}]");
                warnings.push(Problem::new(place, format!("unknown capability \"{name}\" is left out")));
            }
            index += 1;
            unknown.is_none()
        });
    }
}

/// The spec's names of scheduling flags, and those that oci-spec derives from its own for them.
pub const FLAGS: [(&str, &str); 2] =
    [("SCHED_FLAG_RESET_ON_FORK", "SCHED_RESET_ON_FORK"), ("SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_D_L_OVERRUN")];

/// Flags by the spec's names; an empty list of processors asks for nothing.
fn scheduling(process: &mut Map<String, Value>) {
    let flags = process.get_mut("scheduler").and_then(|scheduler| scheduler.get_mut("flags"));
    for flag in flags.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some((_, known)) = FLAGS.iter().find(|(name, _)| flag == name) {
            *flag = json!(known);
        }
    }
    if let Some(lists) = process.get_mut("execCPUAffinity").and_then(Value::as_object_mut) {
        lists.retain(|_, list| list != "");
    }
}

type Known = oci_spec::runtime::Capability;

fn linux(linux: &mut Map<String, Value>, warnings: &mut Vec<Problem>) {
    if let Some(resources) = linux.get_mut("resources") {
        device_rules(resources);
    }
    let Some(architectures) = linux.get_mut("seccomp").and_then(|seccomp| seccomp.get_mut("architectures")) else {
        return;
    };
    let Some(architectures) = architectures.as_array_mut() else {
        return;
    };
    let mut index = 0;
    architectures.retain(|name| {
        let unknown =
            name.as_str().filter(|name| serde_json::from_value::<oci_spec::runtime::Arch>(json!(name)).is_err());
        if let Some(name) = unknown {
            // To leave one out only makes the filter stricter: calls of an architecture that is not listed are refused.
            let place = format!("linux.seccomp.architectures[{index}]");
            warnings.push(Problem::new(place, format!("unknown architecture \"{name}\" is left out")));
        }
        index += 1;
        unknown.is_none()
    });
}

/// Mends the resources of `update`.
pub fn resources(resources: &mut Value, _: &mut Vec<Problem>) {
    drop_nulls(resources);
    device_rules(resources);
}

fn device_rules(resources: &mut Value) {
    for rule in members(resources.get_mut("devices")) {
        // Docker's older clients write an empty type where they mean every type.
        if rule.get("type").is_some_and(|of| of == "") {
            rule.remove("type");
        }
    }
}

/// Removes every `null` member of every object, as if it were not there.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(members) => members.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn fill(object: &mut Map<String, Value>, key: &str, value: Value) {
    object.entry(key).or_insert(value);
}

fn members(array: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    array.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn members_of_object(object: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    object.and_then(Value::as_object_mut).into_iter().flat_map(|members| members.values_mut())
}

/// Takes out a limit on processes that nobody asked for. Parsed, `"pids": {}` looks like a limit of 0, which is one
/// since runtime-spec 1.3; under an earlier version engines wrote 0 for none.
pub fn unasked_pids(spec: &mut Spec, json: &[u8]) {
    let version = spec.version().clone();
    let Some(resources) = spec.linux_mut().as_mut().and_then(|linux| linux.resources_mut().as_mut()) else { return };
    drop_unasked_pids(resources, &version, || {
        let json: Value = serde_json::from_slice(json).unwrap_or_default();
        json.pointer("/linux/resources").cloned().unwrap_or_default()
    });
}

/// The same of resources alone; `json` reads them once more.
pub fn drop_unasked_pids(resources: &mut LinuxResources, version: &str, json: impl FnOnce() -> Value) {
    let asked = |json: &Value| json.pointer("/pids/limit").is_some_and(|limit| !limit.is_null());
    let old = ["1.0", "1.1", "1.2"].iter().any(|old| version.starts_with(old));
    let zero = resources.pids().as_ref().is_some_and(|pids| pids.limit() == 0);
    if zero && (old || !asked(&json())) {
        resources.set_pids(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(mut value: Value) -> (Value, Vec<String>) {
        let mut warnings = Vec::new();
        config(&mut value, &mut warnings);
        (value, warnings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn null_is_absent() {
        let (value, warnings) = mended(json!({"a": null, "b": [{"c": null, "d": 1}], "mounts": null}));
        assert_eq!(value, json!({"b": [{"d": 1}]}));
        let (value, _) = mended(json!({"linux": {"netDevices": {"eth1": null}, "sysctl": null}}));
        assert_eq!(value, json!({"linux": {"netDevices": {"eth1": {}}}}));
        assert_eq!(warnings, Vec::<String>::new());
    }

    #[test]
    fn what_go_would_make_empty_is_empty() {
        let (value, _) = mended(json!({"process": {}, "mounts": [{}], "hooks": {"poststop": [{}]}}));
        let filled = json!({
            "process": {"user": {}, "cwd": ""}, "mounts": [{"destination": ""}], "hooks": {"poststop": [{"path": ""}]}
        });
        assert_eq!(value, filled);
    }

    #[test]
    fn scheduling_flags_and_empty_lists() {
        let flags = json!(["SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", 3]);
        let (value, _) = mended(
            json!({"process": {"scheduler": {"flags": flags}, "execCPUAffinity": {"final": "", "initial": "0"}}}),
        );
        let flags = json!(["SCHED_FLAG_D_L_OVERRUN", "SCHED_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", 3]);
        assert_eq!(value["process"]["scheduler"]["flags"], flags);
        assert_eq!(value["process"]["execCPUAffinity"], json!({"initial": "0"}));
        for (_, known) in FLAGS {
            assert!(serde_json::from_value::<oci_spec::runtime::LinuxSchedulerFlag>(json!(known)).is_ok(), "{known}");
        }
    }

    #[test]
    fn unknown_capabilities_and_architectures_warn() {
        let (value, warnings) = mended(json!({
            "process": {"user": {}, "cwd": "/", "capabilities": {"bounding": ["CAP_KILL", "CAP_TIME_TRAVEL", 3]}},
            "linux": {"seccomp": {"architectures": ["SCMP_ARCH_Z80", "SCMP_ARCH_X86"]}}
        }));
        assert_eq!(value["process"]["capabilities"]["bounding"], json!(["CAP_KILL", 3]));
        assert_eq!(value["linux"]["seccomp"]["architectures"], json!(["SCMP_ARCH_X86"]));
        assert_eq!(
            warnings,
            [
                "process.capabilities.bounding[1]: unknown capability \"CAP_TIME_TRAVEL\" is left out",
                "linux.seccomp.architectures[0]: unknown architecture \"SCMP_ARCH_Z80\" is left out",
            ]
        );
    }

    #[test]
    fn other_systems_sections_are_not_looked_at() {
        let (value, warnings) = mended(json!({"vm": {}, "windows": 3, "hostname": "h"}));
        assert_eq!(value, json!({"hostname": "h"}));
        assert_eq!(warnings, ["windows: is not looked at on Linux", "vm: is not looked at on Linux"]);
    }
}
