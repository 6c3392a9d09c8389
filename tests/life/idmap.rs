//! config.md, "Mounts": `uidMappings`, `gidMappings`, `idmap`, `ridmap`: files that show other owners than they have.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use serde_json::{Value, json};

use crate::support::{Bundle, Host, Report, guarded, guarded_rootless, no_mapped_tmpfs};

/// A tmpfs of the host with a file of uid 3 and gid 4, and another tmpfs below it with one of uid 5: unmounted when dropped.
/// So it doesn't matter what /tmp lies on.
struct Source(PathBuf);

impl Source {
    fn new(host: &Host) -> Self {
        let path = host.folder().join("source");
        fs::create_dir(&path).unwrap();
        tmpfs(&path);
        let below = path.join("below");
        fs::create_dir(&below).unwrap();
        tmpfs(&below);
        for (file, uid, gid) in [("file", 3, 4), ("below/file", 5, 6)] {
            fs::write(path.join(file), file).unwrap();
            chown(path.join(file), Some(uid), Some(gid)).unwrap();
        }
        Self(path)
    }

    fn bind(&self, options: &[&str], map: Option<(u32, u32, u32)>) -> Value {
        mapped(json!({"destination": "/data", "type": "bind", "source": self.0, "options": options}), map)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let _ = umount2(&self.0.join("below"), MntFlags::MNT_DETACH);
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

fn tmpfs(at: &Path) {
    mount(Some("tmpfs"), at, Some("tmpfs"), MsFlags::empty(), Some("mode=755")).unwrap();
}

/// `of` with one range for users and groups: first inside, first outside, how many.
fn mapped(mut of: Value, map: Option<(u32, u32, u32)>) -> Value {
    if let Some((inside, outside, size)) = map {
        let ranges = json!([{"containerID": inside, "hostID": outside, "size": size}]);
        of["uidMappings"] = ranges.clone();
        of["gidMappings"] = ranges;
    }
    of
}

const LOOK: [&str; 7] = ["report", "--stat", "/data", "--stat", "/data/file", "--stat", "/data/below/file"];

/// In a user namespace of its own, whose ids begin at 100000 on the host.
fn in_user_namespace() -> Bundle {
    let bundle = Bundle::new();
    // The rootfs is not that of its root, who so can't make mount points.
    bundle.directory("data");
    bundle.namespace("user", None).edit(|config| {
        let map = json!([{"containerID": 0, "hostID": 100_000, "size": 65536}]);
        config["linux"]["uidMappings"] = map.clone();
        config["linux"]["gidMappings"] = map;
    })
}

fn owner(report: &Report, path: &str) -> (u64, u64) {
    let stat = &report["stats"][path];
    (stat["uid"].as_u64().unwrap_or(u64::MAX), stat["gid"].as_u64().unwrap_or(u64::MAX))
}

const NOBODY: (u64, u64) = (65534, 65534);

/// Without a user namespace the mappings are those of the mount; what is mounted below follows with `ridmap` alone.
#[test]
fn own_mappings() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "has other or no mappings of a mount's own") || no_mapped_tmpfs() {
            return;
        }
        let source = Source::new(host);
        for (option, below) in [("idmap", (5, 6)), ("ridmap", (1005, 1006))] {
            let bundle = Bundle::new().deeds(&LOOK).mount(source.bind(&["rbind", option], Some((0, 1000, 100))));
            let report = host.report(&bundle);
            assert_eq!(owner(&report, "/data"), (1000, 1000));
            assert_eq!(owner(&report, "/data/file"), (1003, 1004));
            assert_eq!(owner(&report, "/data/below/file"), below, "{option}");
        }
    });
}

/// Mappings without the option are mappings: it is there to make runtimes refuse that don't know them.
#[test]
fn option_left_out() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "has other or no mappings of a mount's own") || no_mapped_tmpfs() {
            return;
        }
        let source = Source::new(host);
        let bundle = Bundle::new().deeds(&LOOK).mount(source.bind(&["bind"], Some((3, 7, 1))));
        let report = host.report(&bundle);
        assert_eq!(owner(&report, "/data/file").0, 7);
        assert_eq!(owner(&report, "/data"), NOBODY, "what is not mapped is nobody's");
    });
}

/// Without mappings of its own, those of the container's new user namespace: files of the host's root are the container's.
#[test]
fn mappings_of_the_container() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "has no ridmap") || no_mapped_tmpfs() {
            return;
        }
        let source = Source::new(host);
        let look = [&LOOK[..], &["--write", "/data"]].concat();
        let bundle = in_user_namespace().deeds(&look).mount(source.bind(&["rbind", "ridmap"], None));
        let report = host.report(&bundle);
        assert_eq!(owner(&report, "/data"), (0, 0));
        assert_eq!(owner(&report, "/data/file"), (3, 4));
        assert_eq!(report.probe("write /data"), "ok");
        assert_eq!(owner(&report, "/data/below/file"), (5, 6));
        // Without it they are nobody's.
        let plain = in_user_namespace().deeds(&look).mount(source.bind(&["rbind"], None));
        let report = host.report(&plain);
        assert_eq!(owner(&report, "/data"), NOBODY);
        assert_eq!(report.probe("write /data"), "EACCES");
    });
}

/// What the container makes there is on the host as if the container's ids were the host's.
#[test]
fn files_that_are_made() {
    guarded(|host| {
        if host.lacks(&["runc"], "1.1 has no idmap") || no_mapped_tmpfs() {
            return;
        }
        let source = Source::new(host);
        let bundle =
            in_user_namespace().deeds(&["write", "/data/new", "text"]).mount(source.bind(&["bind", "idmap"], None));
        host.run(&bundle).ok();
        let file = source.0.join("new").metadata().unwrap();
        assert_eq!((file.uid(), file.gid()), (0, 0));
    });
}

/// Mappings of its own in a container with a user namespace: they lead to ids of the host, which its namespace may have or not.
#[test]
fn own_mappings_in_a_user_namespace() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "has other or no mappings of a mount's own") || no_mapped_tmpfs() {
            return;
        }
        let source = Source::new(host);
        let bundle = in_user_namespace().deeds(&LOOK).mount(source.bind(&["bind", "idmap"], Some((3, 100_010, 2))));
        let report = host.report(&bundle);
        assert_eq!(owner(&report, "/data/file"), (10, 11));
        assert_eq!(owner(&report, "/data"), NOBODY);
    });
}

/// In a user namespace that is joined its mappings, whatever they are.
#[test]
fn joined_user_namespace() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "has no idmap there") || no_mapped_tmpfs() {
            return;
        }
        let source = Source::new(host);
        let other = host.start(&in_user_namespace().deeds(&["say", "ready", "sleep"]));
        let user = format!("/proc/{}/ns/user", other.pid());
        let bundle = Bundle::new()
            .namespace("user", Some(&user))
            .file("data/covered", "")
            .deeds(&LOOK)
            .mount(source.bind(&["rbind", "ridmap"], None));
        let report = Report::parse(&host.runtime().run(&bundle, "second").run().ok().stdout);
        assert_eq!(owner(&report, "/data/file"), (3, 4));
        assert_eq!(owner(&report, "/data/below/file"), (5, 6));
        other.force_delete();
    });
}

/// A new tmpfs: with mappings of its own, with the container's, with a mode, with what it covers, read-only when filled.
#[test]
fn new_file_systems() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "maps bind mounts only") || no_mapped_tmpfs() {
            return;
        }
        let tmpfs = |more: &[&str], map| {
            let options = [&["idmap"], more].concat();
            mapped(json!({"destination": "/data", "type": "tmpfs", "source": "mine", "options": options}), map)
        };
        let look = ["report", "--stat", "/data", "--stat", "/data/file", "--write", "/data"];
        let report = host.report(&Bundle::new().deeds(&look).mount(tmpfs(&["mode=700"], Some((0, 20, 9)))));
        assert_eq!((owner(&report, "/data"), &report["stats"]["/data"]["mode"]), ((20, 20), &json!(0o700)));
        let bundle = in_user_namespace().deeds(&look).file("data/file", "text").mount(tmpfs(&["tmpcopyup"], None));
        fs::set_permissions(bundle.rootfs().join("data"), std::os::unix::fs::PermissionsExt::from_mode(0o1775))
            .unwrap();
        chown(bundle.rootfs().join("data/file"), Some(100_007), Some(100_008)).unwrap();
        let report = host.report(&bundle);
        assert_eq!((owner(&report, "/data"), &report["stats"]["/data"]["mode"]), ((0, 0), &json!(0o1775)));
        assert_eq!(owner(&report, "/data/file"), (7, 8));
        assert_eq!((report.probe("write /data"), &report.mount("/data")["source"]), ("ok".into(), &json!("mine")));
        let report = host.report(&in_user_namespace().deeds(&look).mount(tmpfs(&["ro", "tmpcopyup"], None)));
        assert_eq!(report.probe("write /data"), "EROFS");
    });
}

/// Two mounts with equal mappings, one with others, and attributes besides.
#[test]
fn several_mounts() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "has other or no mappings of a mount's own") || no_mapped_tmpfs() {
            return;
        }
        let source = Source::new(host);
        let mut bundle =
            Bundle::new().deeds(&["report", "--stat", "/a/file", "--stat", "/b/file", "--stat", "/c/file"]);
        for (name, map) in [("/a", 10), ("/b", 20), ("/c", 10)] {
            let mut mount = source.bind(&["bind", "idmap", "ro", "noexec"], Some((0, map, 9)));
            mount["destination"] = json!(name);
            bundle = bundle.mount(mount);
        }
        let report = host.report(&bundle);
        let seen = ["/a/file", "/b/file", "/c/file"].map(|path| owner(&report, path).0);
        assert_eq!(seen, [13, 23, 13]);
        assert!(report.mount_has("/a", "idmapped") && report.mount_has("/a", "ro") && report.mount_has("/a", "noexec"));
    });
}

/// What can't be: nothing to map by, a file system that the kernel does not map, one list alone, the other kinds of mount.
#[test]
fn refused() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let source = Source::new(host);
        let fails = |mount: Value, words: &[&str]| {
            let output = host.run(&Bundle::new().mount(mount));
            assert_ne!(output.status, 0);
            assert!(words.iter().all(|word| output.stderr.contains(word)), "{words:?} in {}", output.stderr);
        };
        let map = Some((0, 1000, 10));
        fails(source.bind(&["bind", "idmap"], None), &["mounts[7] /data", "nothing to map by"]);
        let of = |kind: &str| json!({"destination": "/data", "type": kind, "source": kind, "options": ["idmap"]});
        fails(mapped(of("mqueue"), map), &["mounts[7] /data", "mqueue", "no Linux"]);
        fails(mapped(of("cgroup"), map), &["mounts[7] /data", "cgroups"]);
        let mut one = source.bind(&["bind", "idmap"], map);
        one.as_object_mut().unwrap().remove("gidMappings");
        fails(one, &["mounts[7] /data gidMappings", "go together"]);
        let proc = mapped(
            json!({"destination": "/data", "type": "bind", "source": "/proc", "options": ["bind", "idmap"]}),
            map,
        );
        fails(proc, &["mounts[7] /data", "proc can't be id-mapped"]);
    });
}

/// CVE-2021-43784: as many ranges as the kernel takes, and one more.
#[test]
fn many_ranges() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "has other or no mappings of a mount's own") || no_mapped_tmpfs() {
            return;
        }
        let source = Source::new(host);
        let with = |count: u32| {
            let ranges: Vec<Value> =
                (0..count).map(|id| json!({"containerID": id * 2, "hostID": 1000 + id * 2, "size": 1})).collect();
            let mut mount = source.bind(&["bind", "idmap"], None);
            mount["uidMappings"] = json!([{"containerID": 0, "hostID": 7000, "size": 100}]);
            mount["gidMappings"] = json!(ranges);
            Bundle::new().deeds(&LOOK).mount(mount)
        };
        assert_eq!(owner(&host.report(&with(340)), "/data/file"), (7003, 1004));
        for count in [341, 10_000] {
            host.run(&with(count)).fails_with("at most 340");
        }
        let wide = with(340).edit(|config| {
            for range in config["mounts"][7]["gidMappings"].as_array_mut().unwrap() {
                range["hostID"] = json!(4_000_000_000 + range["hostID"].as_u64().unwrap());
            }
        });
        host.run(&wide).fails_with("mounts[7] /data gidMappings: takes ");
    });
}

/// An ordinary user may not: it would take CAP_SYS_ADMIN over the file system.
#[test]
fn ordinary_user() {
    guarded_rootless(|host| {
        if !host.is_onggi() {
            return;
        }
        let (uid, gid) = host.user();
        for kind in ["bind", "tmpfs"] {
            let bundle = Bundle::rootless(uid, gid)
                .mount(json!({"destination": "/tmp", "type": kind, "source": "/tmp", "options": ["idmap"]}));
            host.run(&bundle).fails_with("an ordinary user can't have an id-mapped mount");
        }
    });
}
