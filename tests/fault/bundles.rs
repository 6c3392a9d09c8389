//! Bundles that reach as many steps as one container can.

use serde_json::{Value, json};

use crate::support::{Bundle, Host};

/// All kinds of mounts, devices, paths, parameters, hooks, limits, ids, capabilities, and a filter.
pub fn rich(host: &Host) -> Bundle {
    let source = host.folder().join("source");
    std::fs::create_dir_all(&source).unwrap();
    let hook = |kind: &str| json!([{"path": "/bin/true"}, {"path": "/bin/true", "args": [kind]}]);
    let caps = json!(["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"]);
    let bundle = Bundle::new()
        .deeds(&["exit", "0"])
        .file("etc/hosts", "")
        .namespace("time", None)
        .mount(json!({"destination": "/data", "type": "none", "source": source, "options": ["rbind", "rro", "rslave"]}))
        .mount(json!({"destination": "/etc/hosts", "type": "bind", "source": "/etc/hosts", "options": ["bind", "ro"]}))
        .mount(json!({"destination": "/data", "type": "none", "options": ["bind", "remount", "nosuid"]}))
        .mount(json!({"destination": "/sealed", "type": "tmpfs", "source": "none", "options": ["ro", "mode=700"]}))
        .edit(|config| {
            config["ociVersion"] = json!("1.3.0");
            config["domainname"] = json!("jars");
            config["hooks"] = json!({
                "prestart": hook("prestart"), "createRuntime": hook("createRuntime"),
                "createContainer": hook("createContainer"), "poststart": hook("poststart"),
                "poststop": hook("poststop"),
                "startContainer": [{"path": "/payload", "args": ["payload", "exit", "0"]}],
            });
            let process = &mut config["process"];
            process["user"] = json!({"uid": 1000, "gid": 1000, "additionalGids": [5, 6]});
            process["cwd"] = json!("/made/here");
            process["scheduler"] = json!({"policy": "SCHED_BATCH", "nice": 1});
            process["ioPriority"] = json!({"class": "IOPRIO_CLASS_BE", "priority": 5});
            process["execCPUAffinity"] = json!({"initial": "0", "final": "0"});
            process["capabilities"] = json!({
                "bounding": caps, "effective": caps, "permitted": caps, "inheritable": caps, "ambient": caps,
            });
            let limit = |name: &str| json!({"type": name, "soft": 256, "hard": 256});
            process["rlimits"] = json!([limit("RLIMIT_NOFILE"), limit("RLIMIT_CORE")]);
            let linux = &mut config["linux"];
            linux["devices"] = json!([
                {"path": "/dev/own/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 432, "uid": 1, "gid": 1},
            ]);
            // And it may be opened, or there would be a warning beside each error.
            let rules = linux["resources"]["devices"].as_array_mut().unwrap();
            rules.push(json!({"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"}));
            linux["sysctl"] = json!({"kernel.msgmax": "4096", "net.ipv4.ip_unprivileged_port_start": "80"});
            linux["personality"] = json!({"domain": "LINUX"});
            linux["timeOffsets"] = json!({"boottime": {"secs": 60}});
            linux["memoryPolicy"] = json!({"mode": "MPOL_PREFERRED", "nodes": "0"});
            linux["rootfsPropagation"] = json!("private");
            linux["seccomp"] = json!({
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}],
            });
        });
    bundle.directory("data");
    bundle.directory("sealed");
    bundle
}

/// The same in a user namespace of its own, made by root. What belongs to the host can't be made in it.
pub fn rich_user_namespace(host: &Host) -> Bundle {
    let map = json!([{"containerID": 0, "hostID": 100_000, "size": 65536}]);
    rich(host).namespace("user", None).edit(|config| {
        config["linux"]["uidMappings"] = map.clone();
        config["linux"]["gidMappings"] = map;
        config["linux"]["devices"] = json!([]);
        // The rootfs belongs to nobody in there, so nothing can be made in it.
        config["process"]["cwd"] = json!("/");
    })
}

/// With a terminal, without createContainer hooks, and with a filter that is loaded before the capabilities go.
pub fn rich_terminal(host: &Host) -> Bundle {
    rich(host).edit(|config| {
        config["process"]["terminal"] = json!(true);
        config["process"]["consoleSize"] = json!({"height": 20, "width": 70});
        config["process"]["noNewPrivileges"] = json!(false);
        config["hooks"].as_object_mut().unwrap().remove("createContainer");
    })
}

/// In the namespaces of process `pid`, but for its mounts.
pub fn rich_joined(host: &Host, pid: i32, kinds: &[(&str, &str)]) -> Bundle {
    let bundle = rich(host).edit(|config| {
        // These belong to the namespaces, which are somebody else's.
        for name in ["hostname", "domainname"] {
            config.as_object_mut().unwrap().remove(name);
        }
        config["linux"]["sysctl"] = Value::Null;
    });
    kinds.iter().fold(bundle, |bundle, (kind, file)| bundle.namespace(kind, Some(&format!("/proc/{pid}/ns/{file}"))))
}
