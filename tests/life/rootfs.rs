//! config.md, "Root", and config-linux.md: root file system, devices, masked and read-only paths.

use std::os::unix::fs::{MetadataExt, symlink};

use serde_json::{Value, json};

use crate::support::{Bundle, Report, guarded};

/// `root.readonly`: nothing below the root can be written when it's true.
#[test]
fn readonly() {
    guarded(|host| {
        for (readonly, outcome) in [(true, "EROFS"), (false, "ok")] {
            let bundle = Bundle::new()
                .deeds(&["report", "--write", "/", "--write", "/etc"])
                .edit(|config| config["root"]["readonly"] = json!(readonly));
            let report = host.report(&bundle);
            assert_eq!((report.probe("write /").as_str(), report.probe("write /etc").as_str()), (outcome, outcome));
            assert_eq!(report.mount_has("/", "ro"), readonly);
        }
    });
}

/// `root.path`: relative to the bundle, or absolute.
#[test]
fn absolute_path() {
    guarded(|host| {
        let bundle = Bundle::new();
        let path = bundle.rootfs();
        let bundle = bundle.edit(|config| config["root"]["path"] = json!(path));
        assert_eq!(host.report(&bundle)["process"]["exe"], "/payload");
    });
}

/// `root.path`: "A directory MUST exist at the path declared by the field".
#[test]
fn missing() {
    guarded(|host| {
        let bundle = Bundle::new().edit(|config| config["root"]["path"] = json!("none"));
        host.run(&bundle).fails_with("none");
    });
}

/// The host's file system is out of reach: the root is the rootfs and its `..` too.
#[test]
fn nothing_of_the_host() {
    guarded(|host| {
        let secret = host.canaries().join("secret");
        let secret = secret.to_str().unwrap();
        let above = format!("/../../../../..{secret}");
        let bundle = Bundle::new().deeds(&["report", "--stat", secret, "--stat", &above, "--read", "/.."]);
        let report = host.report(&bundle);
        assert_eq!(report["stats"][secret]["error"], "ENOENT");
        assert_eq!(report["stats"][&above]["error"], "ENOENT");
        assert_eq!(report["reads"]["/.."], json!(["bin", "dev", "etc", "payload", "proc", "sys", "tmp"]));
        // What is mounted is what the config has, on the rootfs, masks aside.
        let targets = report["mounts"].as_array().unwrap().iter().map(|mount| mount["target"].as_str().unwrap());
        let known = ["/dev", "/proc", "/sys"];
        let strange: Vec<_> =
            targets.filter(|one| *one != "/" && !known.iter().any(|start| one.starts_with(start))).collect();
        assert_eq!(strange, [""; 0]);
    });
}

/// `--no-pivot`, for a host whose root can't be pivoted away from: the host's file system is out of reach all the same.
#[test]
fn no_pivot() {
    guarded(|host| {
        let secret = host.canaries().join("secret");
        let above = format!("/../../../../..{}", secret.to_str().unwrap());
        let bundle = Bundle::new().deeds(&["report", "--stat", &above, "--read", "/.."]);
        let path = bundle.path().to_str().unwrap();
        let ran = host.runtime().call(["run", "--no-pivot", "--bundle", path, "jar"]).ok();
        let report = Report::parse(&ran.stdout);
        assert_eq!(report["stats"][&above]["error"], "ENOENT");
        assert_eq!(report["reads"]["/.."], json!(["bin", "dev", "etc", "payload", "proc", "sys", "tmp"]));
        assert_eq!(report.mounts("/").len(), 1, "one root");
    });
}

/// "Default Devices": kind, numbers, and anybody may use them.
#[test]
fn default_devices() {
    guarded(|host| {
        let report = host.report(&Bundle::new().deeds(&["report", "--open", "/dev/null:rw", "--open", "/dev/zero:r"]));
        let numbers =
            [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];
        for (name, major, minor) in numbers {
            let device = &report["devices"][format!("/dev/{name}")];
            assert_eq!((&device["kind"], &device["mode"]), (&json!("char"), &json!(0o666)), "{name}");
            assert_eq!((&device["major"], &device["minor"]), (&json!(major), &json!(minor)), "{name}");
            assert_eq!((&device["uid"], &device["gid"]), (&json!(0), &json!(0)), "{name}");
        }
        assert_eq!((report.probe("open /dev/null:rw"), report.probe("open /dev/zero:r")), ("ok".into(), "ok".into()));
        assert!(report["devices"]["/dev/console"].is_null(), "a console without a terminal");
    });
}

/// runtime-linux.md, "Dev symbolic links", and `/dev/ptmx`.
#[test]
fn device_links() {
    guarded(|host| {
        let report = host.report(&Bundle::new().deeds(&["report", "--open", "/dev/ptmx:rw"]));
        let links = [("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")];
        for (name, end) in links {
            let link = &report["devices"][format!("/dev/{name}")]["link"];
            assert_eq!(link, &format!("/proc/self/fd{end}"));
        }
        let link = report["devices"]["/dev/ptmx"]["link"].as_str().unwrap();
        assert!(["pts/ptmx", "/dev/pts/ptmx"].contains(&link), "{link}");
        assert_eq!(report.probe("open /dev/ptmx:rw"), "ok");
    });
}

/// `linux.devices`: kind, numbers, mode, owner, in a directory that has to be made.
#[test]
fn more_devices() {
    guarded(|host| {
        let stats = ["report", "--stat", "/dev/a", "--stat", "/dev/deep/er/b", "--stat", "/dev/pipe"];
        let bundle = Bundle::new().deeds(&stats).edit(|config| {
            config["linux"]["devices"] = json!([
                {"path": "/dev/a", "type": "c", "major": 10, "minor": 229, "fileMode": 0o640, "uid": 7, "gid": 8},
                {"path": "/dev/deep/er/b", "type": "b", "major": 7, "minor": 99, "fileMode": 0o600},
                {"path": "/dev/pipe", "type": "p", "fileMode": 0o622},
            ]);
        });
        let report = host.report(&bundle);
        let seen = |path: &str| {
            let file = &report["stats"][path];
            ["kind", "major", "minor", "mode", "uid", "gid"].map(|fact| file[fact].clone())
        };
        assert_eq!(json!(seen("/dev/a")), json!(["char", 10, 229, 0o640, 7, 8]));
        assert_eq!(json!(seen("/dev/deep/er/b")), json!(["block", 7, 99, 0o600, 0, 0]));
        assert_eq!(json!(seen("/dev/pipe")), json!(["fifo", 0, 0, 0o622, 0, 0]));
    });
}

/// `linux.maskedPaths`: a file is empty, a directory is empty, a path that isn't there is nobody's trouble.
#[test]
fn masked_paths() {
    guarded(|host| {
        let reads = ["report", "--read", "/etc/secret", "--read", "/etc/folder", "--write", "/etc/folder"];
        let bundle = Bundle::new().file("etc/secret", "secret").file("etc/folder/secret", "secret").deeds(&reads).edit(
            |config| {
                config["root"]["readonly"] = json!(false);
                config["linux"]["maskedPaths"] = json!(["/etc/secret", "/etc/folder", "/etc/none"]);
            },
        );
        let report = host.report(&bundle);
        assert_eq!(report["reads"]["/etc/secret"], "");
        assert_eq!(report["reads"]["/etc/folder"], json!([]));
        assert_eq!(report.probe("write /etc/folder"), "EROFS");
        assert!(!bundle.rootfs().join("etc/none").exists());
    });
}

/// `linux.readonlyPaths`: what lies there can be read, not written.
#[test]
fn readonly_paths() {
    guarded(|host| {
        let probes =
            ["report", "--write", "/etc/folder", "--write", "/etc/file", "--write", "/etc", "--read", "/etc/file"];
        let bundle = Bundle::new().file("etc/file", "text").deeds(&probes).edit(|config| {
            config["root"]["readonly"] = json!(false);
            config["linux"]["readonlyPaths"] = json!(["/etc/folder", "/etc/file", "/etc/none"]);
        });
        bundle.directory("etc/folder");
        let report = host.report(&bundle);
        assert_eq!(report.probe("write /etc/folder"), "EROFS");
        assert_eq!(report.probe("write /etc/file"), "EROFS");
        assert_eq!(report.probe("write /etc"), "ok");
        assert_eq!(report["reads"]["/etc/file"], "text");
    });
}

/// Read-only paths below `/proc` can't be written even by root with all rights.
#[test]
fn readonly_proc_sys() {
    guarded(|host| {
        let probes = ["report", "--write", "/proc/sys/kernel/hostname", "--write", "/proc/fs"];
        let bundle = Bundle::new().deeds(&probes).edit(|config| {
            let all = json!(["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]);
            config["process"]["capabilities"] = json!({"bounding": all, "permitted": all, "effective": all});
        });
        let report = host.report(&bundle);
        assert_eq!(report.probe("write /proc/sys/kernel/hostname"), "EROFS");
        assert_eq!(report.probe("write /proc/sys/kernel/hostname"), "EROFS");
        assert!(report.mount_has("/proc/fs", "ro"));
    });
}

/// `linux.rootfsPropagation`: that of the container's root mount.
#[test]
fn propagation() {
    guarded(|host| {
        if host.lacks(&["runc"], "makes the root mount private whatever is asked") {
            return;
        }
        for (wanted, seen) in [("private", "private"), ("shared", "shared"), ("unbindable", "unbindable")] {
            let bundle = Bundle::new().edit(|config| config["linux"]["rootfsPropagation"] = json!(wanted));
            assert_eq!(host.report(&bundle).mount("/")["propagation"], seen);
        }
    });
}

/// A link in the rootfs leads inside the rootfs, wherever it points.
#[test]
fn links_stay_inside() {
    guarded(|host| {
        let outside = host.folder().join("outside");
        std::fs::create_dir(&outside).unwrap();
        let bundle = Bundle::new().edit(|config| config["process"]["cwd"] = json!("/link"));
        symlink(&outside, bundle.rootfs().join("link")).unwrap();
        let inside = bundle.directory(outside.to_str().unwrap().trim_start_matches('/'));
        let mount = json!({"destination": "/link/here", "type": "tmpfs", "source": "tmpfs"});
        let bundle = bundle.mount(mount);
        let report = host.report(&bundle);
        let target = format!("{}/here", outside.display());
        assert_eq!(report.mount(&target)["fstype"], "tmpfs");
        assert_eq!(report["process"]["cwd"], outside.to_str().unwrap());
        assert!(inside.join("here").is_dir());
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    });
}

/// What a container makes in a root that can be written belongs to its user, and stays.
#[test]
fn written_files_stay() {
    guarded(|host| {
        let bundle = Bundle::new().deeds(&["write", "/tmp/new", "text"]).edit(|config| {
            config["root"]["readonly"] = json!(false);
            config["process"]["user"] = json!({"uid": 1000, "gid": 1001});
        });
        std::fs::set_permissions(bundle.rootfs().join("tmp"), std::os::unix::fs::PermissionsExt::from_mode(0o777))
            .unwrap();
        host.run(&bundle).ok();
        let file = bundle.rootfs().join("tmp/new").metadata().unwrap();
        assert_eq!((file.uid(), file.gid(), file.mode() & 0o777), (1000, 1001, 0o644));
    });
}

/// A list of strings from a report.
pub fn strings(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().filter_map(Value::as_str).collect()
}
