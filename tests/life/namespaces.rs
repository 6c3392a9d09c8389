//! config-linux.md, "Namespaces", "User namespace mappings", `sysctl`; config.md, "Hostname".

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};

use serde_json::{Value, json};

use crate::support::{Bundle, Report, guarded};

/// The kinds of the config and their names in /proc.
const KINDS: [(&str, &str); 6] =
    [("pid", "pid"), ("network", "net"), ("ipc", "ipc"), ("uts", "uts"), ("mount", "mnt"), ("cgroup", "cgroup")];

fn inode(pid: &str, name: &str) -> u64 {
    fs::metadata(format!("/proc/{pid}/ns/{name}")).unwrap().ino()
}

/// "If path is not specified, the runtime MUST create a new container namespace of type type."
#[test]
fn new() {
    guarded(|host| {
        let report = host.report(&Bundle::new());
        for (kind, name) in KINDS {
            assert_ne!(report["namespaces"][name], inode("self", name), "{kind}");
        }
        assert_eq!(report["namespaces"]["user"], inode("self", "user"));
        assert_eq!(report["namespaces"]["time"], inode("self", "time"));
    });
}

/// "If a namespace type is not specified in the namespaces array, the container MUST inherit the
/// runtime namespace of that type."
#[test]
fn inherited() {
    guarded(|host| {
        for (kind, name) in KINDS {
            if kind == "mount" || kind == "pid" {
                continue; // Without its own mounts it has no /proc to look into: see below. Without pid it is in lifecycle.
            }
            let mut bundle = Bundle::new().without_namespace(kind);
            if kind == "uts" {
                bundle = bundle.edit(|config| drop(config.as_object_mut().unwrap().remove("hostname")));
            }
            let report = host.report(&bundle);
            assert_eq!(report["namespaces"][name], inode("self", name), "{kind}");
        }
    });
}

/// Without a mount namespace nothing is mounted; the rootfs is the root even so, of what `exec` adds, too. createContainer hooks
/// run.
#[test]
fn mount_inherited() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "wants a /proc in the rootfs, or makes mounts on the host") {
            return;
        }
        let ran = host.folder().join("ran");
        let bundle = Bundle::new()
            .without_namespace("mount")
            .deeds(&["touch", "/tmp/by-run", "say", "ready", "sleep"])
            .edit(|config| {
                config["root"]["readonly"] = json!(false);
                config["mounts"] = json!([]);
                config["linux"]["maskedPaths"] = json!([]);
                config["linux"]["readonlyPaths"] = json!([]);
                config["process"]["cwd"] = json!("/work");
                let hook = json!({"path": "/bin/sh", "args": ["sh", "-c", format!("pwd > {}", ran.display())]});
                config["hooks"]["createContainer"] = json!([hook]);
            });
        let container = host.start(&bundle);
        assert_eq!(inode(&container.pid().to_string(), "mnt"), inode("self", "mnt"));
        container.exec(&["--cwd", "/tmp"], &["touch", "by-exec"]).ok();
        container.force_delete();
        for made in ["tmp/by-run", "tmp/by-exec", "work"] {
            assert!(bundle.rootfs().join(made).exists(), "{made}");
        }
        assert_eq!(fs::read_to_string(ran).unwrap().trim_end(), bundle.rootfs().to_str().unwrap());
    });
}

/// "The runtime MUST place the container process in the namespace associated with that path."
#[test]
fn joined() {
    guarded(|host| {
        let holder = host.start(&Bundle::new().deeds(&["say", "ready", "sleep"]));
        let pid = holder.pid().to_string();
        let mut bundle = Bundle::new();
        for (kind, name) in KINDS {
            if kind != "mount" && kind != "cgroup" {
                bundle = bundle.namespace(kind, Some(&format!("/proc/{pid}/ns/{name}")));
            }
        }
        let bundle = bundle.edit(|config| drop(config.as_object_mut().unwrap().remove("hostname")));
        let output = host.runtime().run(&bundle, "guest").run().ok();
        let report = Report::parse(&output.stdout);
        let wanted: Vec<u64> = KINDS.iter().map(|(_, name)| inode(&pid, name)).collect();
        holder.force_delete();
        for ((kind, name), wanted) in KINDS.iter().zip(wanted) {
            let joined = report["namespaces"][name] == wanted;
            assert_eq!(joined, *kind != "mount" && *kind != "cgroup", "{kind}");
        }
        assert_ne!(report["process"]["pid"], 1);
        assert_eq!(report["names"]["hostname"], "jar", "the holder's");
    });
}

/// "The runtime MUST generate an error if path is not associated with a namespace of type type."
#[test]
fn joined_of_another_type() {
    guarded(|host| {
        if host.lacks(&["crun"], "1.8 leaves its cgroup behind") {
            return;
        }
        let bundle = Bundle::new().namespace("ipc", Some("/proc/self/ns/uts"));
        assert_ne!(host.run(&bundle).status, 0);
        let bundle = Bundle::new().namespace("ipc", Some("/proc/self/ns/none"));
        host.run(&bundle).fails_with("/proc/self/ns/none");
    });
}

/// "If a namespaces field contains duplicated namespaces with same type, the runtime MUST generate an error."
#[test]
fn twice() {
    guarded(|host| {
        if host.lacks(&["crun"], "takes a namespace twice") {
            return;
        }
        let bundle = Bundle::new().edit(|config| {
            config["linux"]["namespaces"].as_array_mut().unwrap().push(json!({"type": "ipc"}));
        });
        assert_ne!(host.run(&bundle).status, 0);
    });
}

/// `hostname`, felt inside and not outside (the guard looks at the host's).
#[test]
fn hostname() {
    guarded(|host| {
        let bundle = Bundle::new().edit(|config| config["hostname"] = json!("other.example"));
        assert_eq!(host.report(&bundle)["names"]["hostname"], "other.example");
    });
}

/// `domainname`, since version 1.1 of the spec.
#[test]
fn domainname() {
    guarded(|host| {
        if host.lacks(&["runc", "crun"], "older than domainname") {
            return;
        }
        let bundle = Bundle::new().edit(|config| config["domainname"] = json!("jars.example"));
        assert_eq!(host.report(&bundle)["names"]["domainname"], "jars.example");
    });
}

/// A new network namespace has a loopback that works.
#[test]
fn loopback() {
    guarded(|host| {
        let report = host.report(&Bundle::new());
        assert_eq!(report["network"], json!({"interfaces": ["lo"], "lo_up": true}));
    });
}

/// `linux.sysctl`: values of the container's own namespaces.
#[test]
fn sysctl() {
    guarded(|host| {
        let names =
            ["net.ipv4.ip_unprivileged_port_start", "kernel.shm_rmid_forced", "kernel.msgmax", "fs.mqueue.msg_max"];
        let mut deeds = vec!["report"];
        deeds.extend(names.iter().flat_map(|name| ["--sysctl", name]));
        let bundle = Bundle::new().deeds(&deeds).edit(|config| {
            config["linux"]["sysctl"] = json!({
                "net.ipv4.ip_unprivileged_port_start": "77",
                "kernel.shm_rmid_forced": "1",
                "kernel.msgmax": "12345",
                "fs.mqueue.msg_max": "20",
            });
        });
        let report = host.report(&bundle);
        let values: Vec<&Value> = names.iter().map(|name| &report["sysctls"][name]).collect();
        assert_eq!(values, ["77", "1", "12345", "20"]);
    });
}

/// A sysctl that isn't of a namespace of the container's own would change the host: refused.
#[test]
fn sysctl_of_the_host() {
    guarded(|host| {
        let run = |bundle: Bundle, name: &str| {
            let bundle = bundle.edit(|config| config["linux"]["sysctl"] = json!({name: "1"}));
            host.run(&bundle).fails_with(name);
        };
        run(Bundle::new(), "kernel.pid_max");
        run(Bundle::new().without_namespace("ipc"), "kernel.shm_rmid_forced");
        run(Bundle::new().without_namespace("network"), "net.ipv4.ip_forward");
    });
}

pub fn mapped(readonly: bool) -> Bundle {
    let bundle = Bundle::new().namespace("user", None).edit(|config| {
        config["linux"]["uidMappings"] = json!([
            {"containerID": 0, "hostID": 100_000, "size": 1000},
            {"containerID": 1000, "hostID": 200_000, "size": 10},
        ]);
        config["linux"]["gidMappings"] = json!([{"containerID": 0, "hostID": 100_000, "size": 65_536}]);
        config["root"]["readonly"] = json!(readonly);
    });
    for folder in ["", "tmp", "dev", "proc", "sys", "etc"] {
        chown(bundle.rootfs().join(folder), Some(100_000), Some(100_000)).unwrap();
    }
    bundle
}

/// A new user namespace with mappings, made by root.
#[test]
fn user() {
    guarded(|host| {
        let report = host.report(&mapped(true));
        assert_ne!(report["namespaces"]["user"], inode("self", "user"));
        assert_eq!(report["id_maps"]["uid"], json!([[0, 100_000, 1000], [1000, 200_000, 10]]));
        assert_eq!(report["id_maps"]["gid"], json!([[0, 100_000, 65_536]]));
        assert_eq!(report["id_maps"]["setgroups"], "allow");
        assert_eq!(report["process"]["uid"]["real"], 0);
        assert_eq!(report.caps("effective"), ["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"]);
        assert_eq!(report.mount("/proc")["fstype"], "proc");
        assert_eq!(report["devices"]["/dev/null"]["kind"], "char");
        assert_eq!(report["network"]["lo_up"], true);
    });
}

/// One that maps no root: what the runtime makes belongs to the user of the process.
#[test]
fn user_without_root() {
    guarded(|host| {
        if host.lacks(&["runc"], "wants root to be mapped") {
            return;
        }
        let bundle = mapped(true).deeds(&["say", "ready", "report", "sleep"]).edit(|config| {
            let only = json!([{"containerID": 1000, "hostID": 200_000, "size": 10}]);
            config["linux"]["uidMappings"] = only.clone();
            config["linux"]["gidMappings"] = only;
            config["process"]["user"] = json!({"uid": 1003, "gid": 1004});
            // Nobody there is the group 5 of terminals.
            config["mounts"][2]["options"] = json!(["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]);
        });
        let mut container = host.start(&bundle);
        let report = container.report();
        assert_eq!(report["process"]["uid"]["real"], 1003);
        assert_eq!(report["process"]["gid"]["real"], 1004);
        assert_eq!(report["devices"]["/dev/null"]["kind"], "char");
        let shared = &report["devices"]["/dev/shm"];
        assert_eq!((&shared["uid"], &shared["gid"]), (&json!(1003), &json!(1004)));
        assert_eq!(report.caps("effective"), [""; 0]);
        let again = container.exec(&["--user", "1005:1006"], &["report"]).ok().stdout;
        assert!(again.contains(r#""real":1005"#) && again.contains(r#""real":1006"#), "{again}");
        container.force_delete();
        container.ended();
    });
}

/// What is made inside belongs outside to the id it's mapped to, also that of another user.
#[test]
fn user_owns_files() {
    guarded(|host| {
        let bundle = mapped(false).deeds(&["write", "/tmp/root", "text"]);
        host.run(&bundle).ok();
        let owner = |name: &str| bundle.rootfs().join("tmp").join(name).metadata().unwrap().uid();
        assert_eq!(owner("root"), 100_000);
        let bundle = mapped(false).deeds(&["write", "/tmp/other", "text"]).edit(|config| {
            config["process"]["user"] = json!({"uid": 1003, "gid": 5, "additionalGids": [6]});
        });
        fs::set_permissions(bundle.rootfs().join("tmp"), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        host.run(&bundle).ok();
        let file = bundle.rootfs().join("tmp/other").metadata().unwrap();
        assert_eq!((file.uid(), file.gid()), (200_003, 100_005));
    });
}

/// A user that the mapping doesn't have is an error, not another user.
#[test]
fn user_not_mapped() {
    guarded(|host| {
        let bundle = mapped(true).edit(|config| config["process"]["user"]["uid"] = json!(5000));
        assert_ne!(host.run(&bundle).status, 0);
    });
}

/// A user namespace and the namespaces that it owns are joined by path.
#[test]
fn user_joined() {
    guarded(|host| {
        if host.lacks(&["runc"], "1.1 wants mappings even for a namespace that has them") {
            return;
        }
        let holder = host.start(&mapped(true).deeds(&["say", "ready", "sleep"]));
        let pid = holder.pid().to_string();
        let mut bundle = mapped(true);
        for (kind, name) in [("user", "user"), ("network", "net"), ("ipc", "ipc")] {
            bundle = bundle.namespace(kind, Some(&format!("/proc/{pid}/ns/{name}")));
        }
        let bundle = bundle.edit(|config| {
            // The holder's mappings hold.
            let linux = config["linux"].as_object_mut().unwrap();
            linux.remove("uidMappings");
            linux.remove("gidMappings");
        });
        let output = host.runtime().run(&bundle, "guest").run();
        let wanted = ["user", "net", "ipc"].map(|name| inode(&pid, name));
        holder.force_delete();
        let report = Report::parse(&output.ok().stdout);
        assert_eq!(["user", "net", "ipc"].map(|name| report["namespaces"][name].as_u64().unwrap()), wanted);
        assert_eq!(report["id_maps"]["uid"][0], json!([0, 100_000, 1000]));
    });
}
