//! Containers of who is not the machine's root: of the root of a user namespace, of a container's root, of an ordinary user;
//! with each kind of namespace new, shared and joined.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use serde_json::json;

use crate::support::{Bundle, Container, Host, Invocation, Output, Report, guarded, guarded_rootless};

/// Those that a container without a user namespace can have for itself in somebody's user namespace.
const KINDS: [(&str, &str); 7] = [
    ("pid", "pid"),
    ("network", "net"),
    ("ipc", "ipc"),
    ("uts", "uts"),
    ("cgroup", "cgroup"),
    ("mount", "mnt"),
    ("time", "time"),
];

fn inode(pid: i32, name: &str) -> u64 {
    fs::metadata(format!("/proc/{pid}/ns/{name}")).unwrap().ino()
}

/// The command in a new user namespace, as its root.
fn unshared(invocation: Invocation, host: &Host) -> Output {
    let said = |name: &str| host.folder().join(name);
    let mut output = invocation
        .with(|command| {
            let words: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
            let program = command.get_program().to_owned();
            let variables: Vec<_> =
                command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
            *command = Command::new("unshare");
            command.arg("-Ur").arg(program).args(words);
            for (name, value) in variables {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
            let file = |name| fs::File::create(said(name)).unwrap();
            command.stdout(file("out")).stderr(file("err"));
        })
        .run();
    output.stdout = fs::read_to_string(said("out")).unwrap();
    output.stderr = fs::read_to_string(said("err")).unwrap();
    output
}

/// The root of a user namespace makes containers in it, with and without another one for them.
#[test]
fn in_a_user_namespace() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        // Only one id is mapped, and that is not 5.
        unshared(host.runtime().run(&Bundle::new(), "jar"), host).fails_with("the user namespace may not map");
        let plain = Bundle::new().namespace("time", None).edit(|config| {
            config["mounts"][2]["options"] = json!(["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]);
        });
        let report = Report::parse(&unshared(host.runtime().run(&plain, "jar"), host).ok().stdout);
        for (kind, name) in KINDS {
            assert_ne!(report["namespaces"][name], inode(std::process::id().cast_signed(), name), "{kind}");
        }
        assert_eq!(report["id_maps"]["uid"], json!([[0, 0, 1]]));
        assert_eq!(report.caps("effective"), ["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"]);
        assert_eq!(report["devices"]["/dev/null"]["kind"], "char");
        assert_eq!(report["network"]["lo_up"], true);
        let own = Bundle::rootless(0, 0).namespace("network", None).namespace("time", None);
        let report = Report::parse(&unshared(host.runtime().run(&own, "jar"), host).ok().stdout);
        assert_eq!(report["process"]["pid"], 1);
    });
}

/// In a container with a user namespace, another container.
#[test]
fn in_a_container() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let plain = || {
            let bundle = Bundle::new().without_mount("/sys/fs/cgroup");
            bundle.edit(|config| config["process"]["capabilities"] = json!({}))
        };
        for covered in [false, true] {
            let report = Report::parse(&host.run(&outer(host, &plain(), covered)).ok().stdout);
            assert_eq!((&report["process"]["pid"], &report["names"]["hostname"]), (&json!(1), &json!("jar")));
            assert_eq!(report.mount("/proc")["fstype"], "proc");
            assert_eq!(report["id_maps"]["uid"][0], json!([0, 100_000, 1000]));
        }
        // One more user namespace between.
        let own = || {
            plain().namespace("user", None).edit(|config| {
                let map = json!([{"containerID": 0, "hostID": 0, "size": 1000}]);
                config["linux"]["uidMappings"] = map.clone();
                config["linux"]["gidMappings"] = map;
            })
        };
        let report = Report::parse(&host.run(&outer(host, &own(), false)).ok().stdout);
        assert_eq!(report["id_maps"]["uid"], json!([[0, 0, 1000]]));
        // Where /proc is covered in part, the kernel gives it no open one (mount_too_revealing): the covered one will do.
        host.run(&outer(host, &own(), true)).fails_with("mounts[0] /proc: a new proc can't be made");
        let bound = own().without_namespace("pid").without_mount("/sys").edit(|config| {
            config["mounts"][0] =
                json!({"destination": "/proc", "type": "bind", "source": "/proc", "options": ["rbind"]});
            config["linux"]["maskedPaths"] = json!([]);
            config["linux"]["readonlyPaths"] = json!([]);
        });
        let report = Report::parse(&host.run(&outer(host, &bound, true)).ok().stdout);
        assert_eq!(report["names"]["hostname"], "jar");
    });
}

/// A container whose process is onggi, which runs `inner`. Its /proc is whole, or covered as usual.
fn outer(host: &Host, inner: &Bundle, covered: bool) -> Bundle {
    let program = host.runtime().program();
    let outer = super::namespaces::mapped(true)
        .mount(json!({"destination": "/inner", "type": "bind", "source": inner.path(), "options": ["rbind"]}))
        .mount(json!({"destination": "/onggi", "type": "bind", "source": program, "options": ["bind", "ro"]}))
        .mount(json!({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}))
        .edit(|config| {
            let all = json!([
                "CAP_SYS_ADMIN",
                "CAP_SETUID",
                "CAP_SETGID",
                "CAP_SETPCAP",
                "CAP_SYS_CHROOT",
                "CAP_MKNOD",
                "CAP_CHOWN",
                "CAP_DAC_OVERRIDE",
                "CAP_NET_ADMIN",
                "CAP_KILL",
                "CAP_SYS_RESOURCE",
                "CAP_FOWNER",
                "CAP_SETFCAP",
            ]);
            let process = &mut config["process"];
            process["capabilities"] = json!({"bounding": all, "effective": all, "permitted": all});
            process["noNewPrivileges"] = json!(false);
            process["args"] = json!(["/onggi", "--root", "/tmp/state", "run", "--bundle", "/inner", "inner"]);
            if !covered {
                config["linux"]["maskedPaths"] = json!([]);
                config["linux"]["readonlyPaths"] = json!([]);
            }
        });
    for name in ["inner", "tmp"] {
        outer.directory(name);
    }
    outer.file("onggi", "")
}

/// An ordinary user's container shares each kind with its maker, or has it for itself.
#[test]
fn rootless() {
    guarded_rootless(|host| {
        if !host.is_onggi() {
            return;
        }
        let (uid, gid) = host.user();
        let bundle = Bundle::rootless(uid, gid).without_mount("/dev/mqueue").without_mount("/sys");
        for (kind, name) in KINDS {
            let ours = inode(std::process::id().cast_signed(), name);
            let seen = |bundle: &Bundle| host.report(bundle)["namespaces"][name].as_u64().unwrap();
            assert_ne!(seen(&with(&bundle, kind, true)), ours, "{kind}");
            if kind != "mount" && kind != "pid" {
                assert_eq!(seen(&with(&bundle, kind, false)), ours, "{kind}");
            }
        }
    });
}

/// The bundle with or without a namespace of its own of this kind.
fn with(bundle: &Bundle, kind: &str, own: bool) -> Bundle {
    let bundle = bundle.clone();
    if own {
        return bundle.namespace(kind, None);
    }
    bundle.without_namespace(kind).edit(|config| {
        if kind == "uts" {
            config.as_object_mut().unwrap().remove("hostname");
        }
    })
}

/// An ordinary user's container joins another of the same user: its user namespace, and what belongs to that.
#[test]
fn rootless_joined() {
    guarded_rootless(|host| {
        if !host.is_onggi() {
            return;
        }
        let (uid, gid) = host.user();
        let bundle = Bundle::rootless(uid, gid).without_mount("/dev/mqueue").without_mount("/sys");
        let holder = bundle.clone().namespace("network", None).namespace("time", None);
        let mut holder =
            Container::launch(host.runtime(), &["create"], &holder.deeds(&["say", "ready", "sleep"]), "holder");
        holder.start();
        assert_eq!(holder.line(), "ready");
        let join = |bundle: Bundle, kind: &str, name: &str| {
            bundle.namespace(kind, Some(&format!("/proc/{}/ns/{name}", holder.pid())))
        };
        for (kind, name) in KINDS {
            if kind == "mount" {
                continue;
            }
            let guest = join(join(bundle.clone(), "user", "user"), kind, name).edit(|config| {
                config.as_object_mut().unwrap().remove("hostname");
                let linux = config["linux"].as_object_mut().unwrap();
                linux.remove("uidMappings");
                linux.remove("gidMappings");
            });
            let report = Report::parse(&host.runtime().run(&guest, "guest").run().ok().stdout);
            for name in ["user", name] {
                assert_eq!(report["namespaces"][name], inode(holder.pid(), name), "{name} with {kind}");
            }
        }
        holder.force_delete();
    });
}
