//! The plan for programs: one object, flags by their names, ids and sizes as numbers.

use std::ffi::{CStr, CString};

use serde_json::{Value, json};

use super::words::{attributes, device, io_class, namespaces, persona_name, policy, propagation, rlimit};
use crate::plan::cgroup::Place;
use crate::plan::{
    Cgroup, DEFAULT_HOOK_TIMEOUT, Device, DeviceKind, Hook, Hooks, IdRange, Mount, Namespaces, Parameter, Plan,
    Process, Source, caps, numa,
};
use crate::seccomp::Filter;

/// The plan as one JSON object. Text that is not UTF-8 (only a bundle's path can be) has replacement characters.
pub fn json(plan: &Plan) -> Value {
    json!({
        "warnings": plan.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "cgroup": cgroup(&plan.cgroup),
        "namespaces": plan_namespaces(&plan.namespaces),
        "idmap": plan.idmap.as_ref().map(|idmap| json!({"uids": ranges(&idmap.uids), "gids": ranges(&idmap.gids)})),
        "rootfs": {
            "path": plan.rootfs.path.to_string_lossy(),
            "readonly": plan.rootfs.readonly,
            "propagation": propagation(plan.rootfs.propagation),
        },
        "mounts": plan.mounts.iter().map(mount).collect::<Vec<_>>(),
        "devices": plan.devices.iter().map(device_node).collect::<Vec<_>>(),
        "links": plan.links.iter().map(|link| json!({"path": text(&link.path), "target": text(&link.target)})).collect::<Vec<_>>(),
        "maskedPaths": texts(&plan.masked),
        "readonlyPaths": texts(&plan.readonly),
        "hostname": plan.hostname.as_deref().map(text),
        "domainname": plan.domainname.as_deref().map(text),
        "sysctls": plan.sysctls.iter().map(|of| json!({"name": of.name, "file": text(&of.file), "value": text(&of.value)})).collect::<Vec<_>>(),
        "personality": plan.personality.map(persona_name),
        "process": process(&plan.process),
        "intelRdt": plan.rdt.as_ref().map(|of| json!({"closID": of.clos, "schemata": of.schemata, "enableMonitoring": of.monitoring})),
        "netDevices": plan.net_devices.iter().map(|of| json!({"host": of.host, "inside": of.inside})).collect::<Vec<_>>(),
        "mountLabel": plan.mount_label.as_deref().map(text),
        "memoryPolicy": plan.memory_policy.as_ref().map(|of| json!({"mode": numa::name(of.mode), "nodes": of.nodes})),
        "hooks": hooks(&plan.hooks),
        "seccomp": plan.seccomp.as_ref().map(seccomp),
        "listener": plan.listener,
    })
}

fn text(text: &CStr) -> String {
    text.to_string_lossy().into_owned()
}

fn texts(list: &[CString]) -> Vec<String> {
    list.iter().map(|of| text(of)).collect()
}

fn cgroup(cgroup: &Cgroup) -> Value {
    let place = match &cgroup.place {
        Place::Root(path) => json!({"root": path.to_string_lossy()}),
        Place::Relative(path) => json!({"relative": path.to_string_lossy()}),
        Place::Unset => Value::Null,
        Place::Systemd(unit) => {
            let properties = unit.properties.iter();
            let properties: serde_json::Map<_, _> =
                properties.map(|of| (of.name.clone(), Value::from(of.value.to_string()))).collect();
            json!({"systemd": unit.path("ID").to_string_lossy(), "user": unit.user, "properties": properties})
        }
    };
    let setting = |of: &crate::plan::cgroup::Setting| json!({"file": of.file, "value": of.value, "place": of.place});
    json!({
        "place": place,
        "settings": cgroup.settings.iter().map(setting).collect::<Vec<_>>(),
        "deviceProgram": {"instructions": cgroup.devices.instructions.len()},
    })
}

fn plan_namespaces(of: &Namespaces) -> Value {
    let join = of.join.iter().map(|join| json!({"type": namespaces(join.kind).concat(), "path": text(&join.path)}));
    json!({"new": namespaces(of.new), "join": join.collect::<Vec<_>>(), "timeOffsets": of.time_offsets.as_deref().map(|of| text(of).lines().map(str::to_owned).collect::<Vec<_>>())})
}

fn ranges(ranges: &[IdRange]) -> Vec<Value> {
    ranges.iter().map(|of| json!({"containerID": of.container, "hostID": of.host, "size": of.size})).collect()
}

fn mount(mount: &Mount) -> Value {
    let source = match &mount.source {
        Source::Bind { path, recursive } => json!({"bind": text(path), "recursive": recursive}),
        Source::Remount => json!("remount"),
        Source::Cgroup => json!("cgroup"),
        Source::Filesystem { kind, source, parameters } => {
            json!({"type": text(kind), "source": text(source), "parameters": parameters.iter().map(parameter).collect::<Vec<_>>()})
        }
    };
    json!({
        "target": text(&mount.target),
        "source": source,
        "attributes": attributes(mount.attributes, ""),
        "recursiveAttributes": attributes(mount.recursive, "r"),
        "propagation": mount.propagation.iter().map(|flags| propagation(*flags)).collect::<Vec<_>>(),
        "readonlyLast": mount.readonly_last,
        "copyUp": mount.copy_up,
        "idmap": mount.idmap.as_ref().map(|idmap| json!({
            "recursive": idmap.recursive,
            "map": idmap.map.as_ref().map(|map| json!({"uids": ranges(&map.uids), "gids": ranges(&map.gids)})),
        })),
    })
}

fn parameter(parameter: &Parameter) -> String {
    match parameter {
        Parameter::Flag(flag) => text(flag),
        Parameter::Text(key, value) => format!("{}={}", text(key), text(value)),
    }
}

fn device_node(of: &Device) -> Value {
    json!({
        "path": text(&of.path), "type": device(of.mode).to_string(), "major": of.major, "minor": of.minor,
        "fileMode": of.mode & 0o7777, "uid": of.uid, "gid": of.gid,
        "how": if of.how == DeviceKind::Make { "make" } else { "bind" },
    })
}

fn process(process: &Process) -> Value {
    let sets = process.capabilities;
    let limit = |of: &crate::plan::Rlimit| json!({"type": rlimit(of.resource), "soft": of.soft, "hard": of.hard});
    json!({
        "args": texts(&process.args), "env": texts(&process.env), "cwd": text(&process.cwd),
        "user": {"uid": process.uid, "gid": process.gid, "additionalGids": process.groups, "umask": process.umask},
        "terminal": process.terminal,
        "consoleSize": process.console_size.map(|(rows, columns)| json!({"height": rows, "width": columns})),
        "capabilities": {
            "bounding": caps::names(sets.bounding), "effective": caps::names(sets.effective),
            "permitted": caps::names(sets.permitted), "inheritable": caps::names(sets.inheritable),
            "ambient": caps::names(sets.ambient),
        },
        "noNewPrivileges": process.no_new_privileges,
        "rlimits": process.rlimits.iter().map(limit).collect::<Vec<_>>(),
        "oomScoreAdj": process.oom_score_adj,
        "scheduler": process.scheduler.map(|of| json!({
            "policy": policy(of.policy), "flags": of.flags, "nice": of.nice, "priority": of.priority,
            "runtime": of.runtime, "deadline": of.deadline, "period": of.period,
        })),
        "ioPriority": process.io_priority.map(|both| json!({"class": io_class(both), "priority": both & 0x1fff})),
        "execCPUAffinity": {
            "initial": process.exec_affinity.initial.as_ref().map(ToString::to_string),
            "final": process.exec_affinity.last.as_ref().map(ToString::to_string),
        },
        "apparmorProfile": process.apparmor.as_deref().map(text),
        "selinuxLabel": process.selinux.as_deref().map(text),
    })
}

fn hooks(of: &Hooks) -> Value {
    let list = |hooks: &[Hook]| hooks.iter().map(hook).collect::<Vec<_>>();
    json!({
        "prestart": list(&of.prestart), "createRuntime": list(&of.create_runtime),
        "createContainer": list(&of.create_container), "startContainer": list(&of.start_container),
        "poststart": list(&of.poststart), "poststop": list(&of.poststop),
    })
}

fn hook(hook: &Hook) -> Value {
    let timeout = hook.timeout.unwrap_or(DEFAULT_HOOK_TIMEOUT).as_secs();
    json!({"path": text(&hook.path), "args": texts(&hook.args), "env": texts(&hook.env), "timeout": timeout})
}

fn seccomp(filter: &Filter) -> Value {
    json!({"instructions": filter.program.len(), "flags": filter.flags, "ignored": filter.ignored})
}
