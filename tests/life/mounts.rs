//! config.md, "Mounts": order, options, kinds, mount points that have to be made.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use serde_json::json;

use crate::support::{Bundle, guarded};

/// "The runtime MUST mount entries in the listed order."
#[test]
fn order() {
    guarded(|host| {
        let tmpfs = |destination: &str| json!({"destination": destination, "type": "tmpfs", "source": "tmpfs"});
        // One over the other, and one below the other's top.
        let bundle = Bundle::new().mount(tmpfs("/tmp")).mount(tmpfs("/tmp/below")).mount(tmpfs("/tmp"));
        let wanted: Vec<String> = bundle.config()["mounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|mount| mount["destination"].as_str().unwrap().to_owned())
            .collect();
        let report = host.report(&bundle);
        let targets = report["mounts"].as_array().unwrap().iter().map(|mount| mount["target"].as_str().unwrap());
        let seen: Vec<&str> = targets.filter(|target| wanted.iter().any(|one| one == target)).collect();
        assert_eq!(seen, wanted);
        assert_eq!(report.mounts("/tmp").len(), 2);
    });
}

/// The kinds of file system of the usual mounts, with their options and data.
#[test]
fn usual_file_systems() {
    guarded(|host| {
        let report = host.report(&Bundle::new().deeds(&["report", "--stat", "/dev/shm", "--stat", "/dev/mqueue"]));
        let kinds = [
            ("/proc", "proc"),
            ("/dev", "tmpfs"),
            ("/dev/pts", "devpts"),
            ("/dev/shm", "tmpfs"),
            ("/dev/mqueue", "mqueue"),
            ("/sys", "sysfs"),
            ("/sys/fs/cgroup", "cgroup2"),
        ];
        for (target, kind) in kinds {
            assert_eq!(report.mount(target)["fstype"], kind, "{target}");
        }
        let has = [
            ("/dev", "nosuid"),
            ("/dev", "size=65536k"),
            ("/dev", "mode=755"),
            ("/dev/pts", "gid=5"),
            ("/dev/pts", "mode=620"),
            ("/dev/pts", "ptmxmode=666"),
            ("/dev/shm", "noexec"),
            ("/sys", "ro"),
            ("/sys/fs/cgroup", "ro"),
        ];
        for (target, option) in has {
            assert!(report.mount_has(target, option), "{option} in {}", report.mount(target));
        }
        assert_eq!(report["stats"]["/dev/shm"]["mode"], 0o1777);
        assert_eq!(report["stats"]["/dev/mqueue"]["mode"], 0o1777);
    });
}

/// "Linux mount options": those that a mount shows of itself.
#[test]
fn options() {
    guarded(|host| {
        let table: [(&[&str], &[&str], &[&str]); 10] = [
            (&["ro"], &["ro"], &["rw"]),
            (&["rw"], &["rw"], &["ro"]),
            (&["nosuid"], &["nosuid"], &["nodev"]),
            (&["nodev"], &["nodev"], &["nosuid"]),
            (&["noexec"], &["noexec"], &["nosuid"]),
            (&["noatime"], &["noatime"], &["relatime"]),
            (&["nodiratime"], &["nodiratime"], &["noatime"]),
            (&["relatime"], &["relatime"], &["noatime"]),
            (&["strictatime"], &[], &["relatime", "noatime"]),
            (&["sync"], &["sync"], &["ro"]),
        ];
        let mut bundle = Bundle::new();
        for (number, (options, _, _)) in table.iter().enumerate() {
            let destination = format!("/tmp/{number}");
            bundle.directory(&destination[1..]);
            bundle =
                bundle.mount(json!({"destination": destination, "type": "tmpfs", "source": "t", "options": options}));
        }
        let report = host.report(&bundle);
        for (number, (options, has, lacks)) in table.iter().enumerate() {
            let target = format!("/tmp/{number}");
            let mount = report.mount(&target);
            assert!(has.iter().all(|one| report.mount_has(&target, one)), "{options:?} give {mount}");
            let own = super::rootfs::strings(&mount["options"]);
            assert!(!lacks.iter().any(|one| own.contains(one)), "{options:?} give {mount}");
        }
    });
}

/// Of two options that contradict one another the later one holds; `defaults` is not an option of its own.
#[test]
fn later_option_holds() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "keeps the stricter of two options, or doesn't know defaults") {
            return;
        }
        let options = json!(["nosuid", "suid", "ro", "rw", "noexec", "defaults", "exec", "dev", "nodev"]);
        let bundle =
            Bundle::new().mount(json!({"destination": "/tmp", "type": "tmpfs", "source": "t", "options": options}));
        let report = host.report(&bundle);
        assert_eq!(report.mount("/tmp")["options"], json!(["rw", "nodev", "relatime"]));
    });
}

/// A bind mount has the options that it asks for, on a mount of its own.
#[test]
fn bind_options() {
    guarded(|host| {
        let source = host.folder().join("source");
        fs::create_dir(&source).unwrap();
        let options = json!(["bind", "ro", "nosuid", "nodev", "noexec"]);
        let bundle = Bundle::new()
            .deeds(&["report", "--write", "/tmp"])
            .mount(json!({"destination": "/tmp", "type": "bind", "source": source, "options": options}));
        let report = host.report(&bundle);
        for option in ["ro", "nosuid", "nodev", "noexec"] {
            assert!(report.mount_has("/tmp", option), "{}", report.mount("/tmp"));
        }
        assert_eq!(report.probe("write /tmp"), "EROFS");
        fs::write(source.join("file"), "the host still may write").unwrap();
    });
}

/// Words of fstab, volumes and file systems on a bind mount: without effect, as with mount(2); the others hold all the same.
#[test]
fn words_that_belong_to_no_bind() {
    guarded(|host| {
        let options =
            json!(["rbind", "z", "U", "nocopy", "x-mount.mkdir", "size=64k,mode=700", "nosuid", "ro", "nofail"]);
        let bundle = Bundle::new()
            .mount(json!({"destination": "/tmp", "type": "bind", "source": host.folder(), "options": options}));
        let report = host.report(&bundle);
        assert!(report.mount_has("/tmp", "ro") && report.mount_has("/tmp", "nosuid"), "{}", report.mount("/tmp"));
    });
}

/// `noexec` and `nodev` are felt.
#[test]
fn noexec_is_felt() {
    guarded(|host| {
        let bundle = Bundle::new();
        let rootfs = bundle.rootfs();
        let bind = |destination: &str, more: &[&str]| {
            let options: Vec<&str> = ["bind"].iter().chain(more).copied().collect();
            json!({"destination": destination, "type": "bind", "source": rootfs, "options": options})
        };
        let bundle = bundle
            .deeds(&["report", "--execute", "/a/payload", "--execute", "/b/payload"])
            .mount(bind("/a", &["noexec"]))
            .mount(bind("/b", &[]));
        let report = host.report(&bundle);
        assert_eq!(report.probe("execute /a/payload"), "EACCES");
        assert_eq!(report.probe("execute /b/payload"), "ok");
    });
}

/// "Mount points": `destination` is made where it's missing, a directory or, for a file, a file.
#[test]
fn mount_points_are_made() {
    guarded(|host| {
        let source = host.folder().join("file");
        fs::write(&source, "text").unwrap();
        let bundle = Bundle::new()
            .deeds(&["report", "--read", "/new/deep/file", "--write", "/new/folder"])
            .mount(json!({"destination": "/new/deep/file", "type": "bind", "source": source, "options": ["bind"]}))
            .mount(json!({"destination": "/new/folder", "type": "tmpfs", "source": "tmpfs"}));
        let report = host.report(&bundle);
        assert_eq!(report["reads"]["/new/deep/file"], "text");
        assert_eq!(report.probe("write /new/folder"), "ok");
    });
}

/// `bind` carries one mount, `rbind` those below it too.
#[test]
fn bind_and_rbind() {
    guarded(|host| {
        let source = host.folder().join("source");
        fs::create_dir_all(source.join("below")).unwrap();
        mount(Some("below"), &source.join("below"), Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        let bind = |destination: &str, option: &str| json!({"destination": destination, "type": "none", "source": source, "options": [option]});
        let bundle = Bundle::new().mount(bind("/one", "bind")).mount(bind("/all", "rbind"));
        let report = host.report(&bundle);
        assert_eq!(report.mounts("/one/below").len(), 0);
        assert_eq!(report.mount("/all/below")["source"], "below");
        umount2(&source.join("below"), MntFlags::empty()).unwrap();
    });
}

/// `ro` of an `rbind` is the top mount's, `rro` holds for all of them.
#[test]
fn recursive_readonly() {
    guarded(|host| {
        let source = host.folder().join("source");
        fs::create_dir_all(source.join("below")).unwrap();
        mount(Some("below"), &source.join("below"), Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        let bind = |destination: &str, option: &str| json!({"destination": destination, "type": "none", "source": source, "options": ["rbind", option]});
        let writes = ["report", "--write", "/top", "--write", "/top/below", "--write", "/all", "--write", "/all/below"];
        let bundle = Bundle::new().deeds(&writes).mount(bind("/top", "ro")).mount(bind("/all", "rro"));
        let report = host.report(&bundle);
        let outcome = |path: &str| report.probe(&format!("write {path}"));
        assert_eq!((outcome("/top"), outcome("/top/below")), ("EROFS".into(), "ok".into()));
        assert_eq!((outcome("/all"), outcome("/all/below")), ("EROFS".into(), "EROFS".into()));
        umount2(&source.join("below"), MntFlags::empty()).unwrap();
    });
}

/// A mount's propagation options.
#[test]
fn propagation() {
    guarded(|host| {
        if host.lacks(&["crun"], "1.8 leaves a bind mount private") {
            return;
        }
        let mut bundle = Bundle::new();
        let kinds = ["private", "rprivate", "shared", "rshared", "unbindable", "runbindable"];
        for kind in kinds {
            let destination = format!("/{kind}");
            let options = ["bind", kind];
            let source = host.folder();
            bundle =
                bundle.mount(json!({"destination": destination, "type": "bind", "source": source, "options": options}));
        }
        let report = host.report(&bundle);
        for kind in kinds {
            let wanted = if kind.starts_with("runb") { &kind[1..] } else { kind.trim_start_matches('r') };
            assert_eq!(report.mount(&format!("/{kind}"))["propagation"], wanted, "{kind}");
        }
    });
}

/// What the host mounts later on a shared source comes in by `rslave`, and not by `rprivate`.
#[test]
fn propagation_is_felt() {
    guarded(|host| {
        let source = host.folder().join("source");
        fs::create_dir_all(source.join("later")).unwrap();
        let none = None::<&str>;
        mount(Some(&source), &source, none, MsFlags::MS_BIND, none).unwrap();
        mount(none, &source, none, MsFlags::MS_SHARED, none).unwrap();
        let bind = |destination: &str, option: &str| json!({"destination": destination, "type": "bind", "source": source, "options": ["rbind", option]});
        let bundle = Bundle::new()
            .deeds(&["say", "ready", "sleep"])
            .edit(|config| config["linux"]["rootfsPropagation"] = json!("rslave"))
            .mount(bind("/slave", "rslave"))
            .mount(bind("/private", "rprivate"));
        let container = host.start(&bundle);
        mount(Some("later"), &source.join("later"), Some("tmpfs"), MsFlags::empty(), none).unwrap();
        let report = crate::support::Report::parse(&container.exec(&[], &["report"]).ok().stdout);
        container.force_delete();
        umount2(&source.join("later"), MntFlags::empty()).unwrap();
        umount2(&source, MntFlags::empty()).unwrap();
        assert_eq!(report.mount("/slave/later")["source"], "later");
        assert_eq!(report.mounts("/private/later").len(), 0);
    });
}

/// Data for the file system is handed on as it stands, also when it's made of several options.
#[test]
fn data() {
    guarded(|host| {
        let options = json!(["size=123k", "mode=0710", "uid=7", "nr_inodes=50", "noexec"]);
        let bundle = Bundle::new()
            .deeds(&["report", "--stat", "/tmp"])
            .mount(json!({"destination": "/tmp", "type": "tmpfs", "source": "mine", "options": options}));
        let report = host.report(&bundle);
        for option in ["size=124k", "nr_inodes=50", "mode=710", "uid=7", "noexec"] {
            assert!(report.mount_has("/tmp", option), "{option}: {}", report.mount("/tmp"));
        }
        assert_eq!(report.mount("/tmp")["source"], "mine");
        if !host.lacks(&["runc"], "gives a tmpfs the mode of what it covers, whatever its options say") {
            assert_eq!(report["stats"]["/tmp"]["mode"], 0o710);
        }
    });
}

/// A tmpfs without a mode has that of the directory it covers.
#[test]
fn tmpfs_takes_the_mode() {
    guarded(|host| {
        if host.lacks(&["crun"], "has its tmpfs as the kernel makes it") {
            return;
        }
        let bundle = Bundle::new()
            .deeds(&["report", "--stat", "/tmp"])
            .mount(json!({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}));
        let folder = bundle.rootfs().join("tmp");
        fs::set_permissions(folder, PermissionsExt::from_mode(0o1750)).unwrap();
        assert_eq!(host.report(&bundle)["stats"]["/tmp"]["mode"], 0o1750);
    });
}

/// A source that isn't there is an error that names it, and nothing is left.
#[test]
fn missing_source() {
    guarded(|host| {
        let source = host.folder().join("none");
        let bundle =
            Bundle::new().mount(json!({"destination": "/tmp", "type": "bind", "source": source, "options": ["bind"]}));
        host.run(&bundle).fails_with(source.to_str().unwrap());
    });
}

/// A file system that the kernel doesn't have is an error that names the mount.
#[test]
fn unknown_file_system() {
    guarded(|host| {
        let bundle = Bundle::new().mount(json!({"destination": "/tmp", "type": "nosuchfs", "source": "none"}));
        host.run(&bundle).fails_with("tmp");
    });
}

/// A read-only tmpfs in which a mount point has to be made becomes read-only after that.
#[test]
fn read_only_when_filled() {
    guarded(|host| {
        let tmpfs =
            |at: &str, option: &str| json!({"destination": at, "type": "tmpfs", "source": "t", "options": [option]});
        let bundle = Bundle::new()
            .deeds(&["report", "--write", "/tmp", "--write", "/tmp/below"])
            .mount(tmpfs("/tmp", "ro"))
            .mount(tmpfs("/tmp/below", "mode=777"));
        let report = host.report(&bundle);
        assert_eq!(report.probe("write /tmp"), "EROFS");
        assert_eq!(report.probe("write /tmp/below"), "ok");
    });
}
