//! config.md, "Mounts": what can be bound, and what a bind keeps of its source.

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::Mode;
use serde_json::{Value, json};

use crate::support::{Bundle, Host, Report, guarded, guarded_rootless};

/// A tmpfs of the host with these flags, which has another one below it; both are shared with nobody but themselves.
struct Tree(PathBuf);

impl Tree {
    fn new(host: &Host, top: MsFlags, below: MsFlags) -> Self {
        let path = host.folder().join("tree");
        fs::create_dir(&path).unwrap();
        mount(Some("top"), &path, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        fs::create_dir(path.join("below")).unwrap();
        mount(Some("below"), &path.join("below"), Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        for (at, flags) in [(path.join("below"), below), (path.clone(), top)] {
            let bind = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | flags;
            mount(None::<&str>, &at, None::<&str>, bind, None::<&str>).unwrap();
        }
        Self(path)
    }

    fn shared(self) -> Self {
        mount(None::<&str>, &self.0, None::<&str>, MsFlags::MS_SHARED | MsFlags::MS_REC, None::<&str>).unwrap();
        self
    }

    fn bind(&self, at: &str, options: &[&str]) -> Value {
        json!({"destination": at, "type": "bind", "source": self.0, "options": options})
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = umount2(&self.0.join("below"), MntFlags::MNT_DETACH);
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

/// MS_NOSYMFOLLOW of mount(2), which nix has no name for.
fn nosymfollow() -> MsFlags {
    MsFlags::from_bits_retain(256)
}

/// The options that say something of the mount alone, sorted, without relatime, which is how mounts are.
fn own(report: &Report, target: &str) -> Vec<String> {
    let mut all: Vec<String> = super::rootfs::strings(&report.mount(target)["options"])
        .into_iter()
        .filter(|one| !["rw", "relatime"].contains(one))
        .map(str::to_owned)
        .collect();
    all.sort();
    all
}

/// "Linux mount options", the recursive ones: on a source that has nothing each sets its attribute, on all mounts of the tree.
#[test]
fn recursive_options_set() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "refuses rnoatime, or lacks some of them") {
            return;
        }
        let tree = Tree::new(host, MsFlags::empty(), MsFlags::empty());
        let words = ["rro", "rnosuid", "rnodev", "rnoexec", "rnosymfollow", "rnoatime", "rnodiratime"];
        let mut bundle = Bundle::new();
        for word in words {
            bundle = bundle.mount(tree.bind(&format!("/{word}"), &["rbind", word]));
        }
        let report = host.report(&bundle);
        for word in words {
            for at in [format!("/{word}"), format!("/{word}/below")] {
                assert_eq!(own(&report, &at), [&word[1..]], "{word} at {at}");
            }
        }
    });
}

/// The same on a source that has everything: each takes its attribute away, from all mounts of the tree.
#[test]
fn recursive_options_clear() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "lacks some of the recursive options") {
            return;
        }
        let all = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        let all = all | MsFlags::MS_NOATIME | MsFlags::MS_NODIRATIME | nosymfollow();
        let tree = Tree::new(host, all, all);
        let words = [
            ("rrw", "ro"),
            ("rsuid", "nosuid"),
            ("rdev", "nodev"),
            ("rexec", "noexec"),
            ("rsymfollow", "nosymfollow"),
            ("ratime", "noatime"),
            ("rrelatime", "noatime"),
            ("rstrictatime", "noatime"),
            ("rdiratime", "nodiratime"),
        ];
        let mut bundle = Bundle::new().mount(tree.bind("/kept", &["rbind"]));
        for (word, _) in words {
            bundle = bundle.mount(tree.bind(&format!("/{word}"), &["rbind", word]));
        }
        let report = host.report(&bundle);
        let kept = own(&report, "/kept");
        assert_eq!(kept, ["noatime", "nodev", "nodiratime", "noexec", "nosuid", "nosymfollow", "ro"]);
        for (word, gone) in words {
            let wanted: Vec<&String> = kept.iter().filter(|one| *one != gone).collect();
            for at in [format!("/{word}"), format!("/{word}/below")] {
                assert_eq!(own(&report, &at).iter().collect::<Vec<_>>(), wanted, "{word} at {at}");
            }
        }
        assert!(report.mount_has("/ratime/below", "relatime") && report.mount_has("/rrelatime/below", "relatime"));
        assert!(!report.mount_has("/rstrictatime/below", "relatime"));
    });
}

/// A recursive option and one of the top mount alone: the former holds for all of them, whichever comes first.
#[test]
fn recursive_and_plain() {
    guarded(|host| {
        let tree = Tree::new(host, MsFlags::empty(), MsFlags::empty());
        let bundle = Bundle::new()
            .mount(tree.bind("/a", &["rbind", "rro", "rw"]))
            .mount(tree.bind("/b", &["rbind", "rw", "rro", "noexec"]));
        let report = host.report(&bundle);
        assert_eq!((own(&report, "/a"), own(&report, "/a/below")), (vec!["ro".to_owned()], vec!["ro".to_owned()]));
        assert_eq!(own(&report, "/b"), ["noexec", "ro"]);
        assert_eq!(own(&report, "/b/below"), ["ro"]);
    });
}

/// `nosymfollow` is felt: a link there leads nowhere.
#[test]
fn nosymfollow_is_felt() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "older than nosymfollow") {
            return;
        }
        let source = host.folder().join("source");
        fs::create_dir(&source).unwrap();
        fs::write(source.join("file"), "text").unwrap();
        symlink("file", source.join("link")).unwrap();
        let bind = |at: &str, option: &str| json!({"destination": at, "type": "bind", "source": source, "options": ["bind", option]});
        let bundle = Bundle::new()
            .deeds(&["report", "--read", "/no/link", "--read", "/yes/link"])
            .mount(bind("/no", "nosymfollow"))
            .mount(bind("/yes", "symfollow"));
        let report = host.report(&bundle);
        assert_eq!(report["reads"]["/no/link"], json!({"error": "ELOOP"}));
        assert_eq!(report["reads"]["/yes/link"], "text");
    });
}

/// Files, sockets, FIFOs and devices are bound on files, which are made where they are missing; `nodev` closes the device.
#[test]
fn what_is_no_directory() {
    guarded(|host| {
        let at = |name: &str| host.folder().join(name);
        fs::write(at("file"), "text").unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        nix::unistd::mkfifo(&at("fifo"), Mode::from_bits_truncate(0o666)).unwrap();
        let bind = |at: &str, source: &Path, more: &[&str]| {
            let options = [&["bind"], more].concat();
            json!({"destination": at, "type": "bind", "source": source, "options": options})
        };
        let mut deeds = vec!["report", "--open", "/mine/zero:r", "--open", "/mine/closed:r"];
        let kinds = [("file", "file"), ("socket", "socket"), ("fifo", "fifo")];
        let paths = kinds.map(|(name, _)| format!("/mine/{name}"));
        for path in &paths {
            deeds.extend(["--stat", path]);
        }
        let mut bundle = Bundle::new().deeds(&deeds);
        for ((name, _), path) in kinds.iter().zip(&paths) {
            bundle = bundle.mount(bind(path, &at(name), &["ro"]));
        }
        let zero = Path::new("/dev/zero");
        let report = host.report(&bundle.mount(bind("/mine/zero", zero, &["dev"])).mount(bind(
            "/mine/closed",
            zero,
            &["nodev"],
        )));
        for ((_, kind), path) in kinds.iter().zip(&paths) {
            assert_eq!(report["stats"][path]["kind"], *kind, "{path}");
        }
        assert_eq!(report.probe("open /mine/zero:r"), "ok");
        assert_eq!(report.probe("open /mine/closed:r"), "EACCES");
        assert!(fs::metadata(at("socket")).unwrap().file_type().is_socket());
    });
}

/// Every kind of propagation of a shared source, of the mount itself and of those below it.
#[test]
fn propagation_of_the_tree() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "has its own starting point") {
            return;
        }
        let tree = Tree::new(host, MsFlags::empty(), MsFlags::empty()).shared();
        let kinds = [
            ("private", "private", "slave"),
            ("rprivate", "private", "private"),
            ("slave", "slave", "slave"),
            ("rslave", "slave", "slave"),
            ("shared", "shared,slave", "slave"),
            ("rshared", "shared,slave", "shared,slave"),
            ("unbindable", "unbindable", "slave"),
            ("runbindable", "unbindable", "unbindable"),
        ];
        let mut bundle = Bundle::new();
        for (kind, ..) in kinds {
            bundle = bundle.mount(tree.bind(&format!("/{kind}"), &["rbind", kind]));
        }
        let report = host.report(&bundle);
        for (kind, top, below) in kinds {
            assert_eq!(report.mount(&format!("/{kind}"))["propagation"], top, "{kind}");
            assert_eq!(report.mount(&format!("/{kind}/below"))["propagation"], below, "below {kind}");
        }
    });
}

/// With a shared rootfs `rshared` reaches back to the host: what the container mounts there is seen on it, and gone with it.
#[test]
fn shared_with_the_host() {
    guarded(|host| {
        let tree = Tree::new(host, MsFlags::empty(), MsFlags::empty()).shared();
        let bundle = Bundle::new()
            .edit(|config| config["linux"]["rootfsPropagation"] = json!("rshared"))
            .mount(tree.bind("/data", &["rbind", "rshared"]));
        let propagation = host.report(&bundle).mount("/data")["propagation"].clone();
        assert!(propagation.as_str().unwrap().starts_with("shared"), "{propagation}");
    });
}

/// Not from a user namespace: who is root in there only, must not mount on the host, whatever the config shares.
#[test]
fn not_shared_from_a_user_namespace() {
    guarded(|host| {
        let tree = Tree::new(host, MsFlags::empty(), MsFlags::empty()).shared();
        let map = json!([{"containerID": 0, "hostID": 100_000, "size": 65536}]);
        for (option, wanted) in [("rshared", "shared,slave"), ("rbind", "slave")] {
            let bundle = Bundle::new()
                .namespace("user", None)
                .edit(|config| {
                    config["linux"]["uidMappings"] = map.clone();
                    config["linux"]["gidMappings"] = map.clone();
                    config["linux"]["rootfsPropagation"] = json!("shared");
                })
                .mount(tree.bind("/data", &["rbind", option]));
            bundle.directory("data");
            if host.lacks(&["crun"], "leaves it a peer of the host's") {
                return;
            }
            let report = host.report(&bundle);
            assert_eq!(report.mount("/data")["propagation"], wanted, "{option}");
            assert_eq!(report.mount("/data/below")["propagation"], wanted, "below {option}");
        }
    });
}

/// What the config binds on a standard device's path is what is there.
#[test]
fn over_a_standard_device() {
    guarded(|host| {
        let bundle = Bundle::new().deeds(&["report", "--stat", "/dev/random", "--stat", "/dev/null"]).mount(
            json!({"destination": "/dev/random", "type": "bind", "source": "/dev/urandom", "options": ["bind"]}),
        );
        let report = host.report(&bundle);
        let minor = |path: &str| report["stats"][path]["minor"].clone();
        assert_eq!((minor("/dev/random"), minor("/dev/null")), (json!(9), json!(3)));
    });
}

/// A new file system is remounted like a bind: the options of this one mount change.
#[test]
fn remount_of_a_new_file_system() {
    guarded(|host| {
        let tmpfs =
            |options: &[&str]| json!({"destination": "/tmp", "type": "tmpfs", "source": "t", "options": options});
        let bundle = Bundle::new()
            .deeds(&["report", "--write", "/tmp"])
            .mount(tmpfs(&["nosuid", "size=64k"]))
            .mount(tmpfs(&["remount", "ro", "nosuid"]));
        let report = host.report(&bundle);
        assert!(report.mount_has("/tmp", "nosuid") && report.mount_has("/tmp", "size=64k"));
        assert_eq!(report.probe("write /tmp"), "EROFS");
        assert_eq!(report.mounts("/tmp").len(), 1);
    });
}

/// In a user namespace a bind keeps what its source may not, whatever else it asks for.
#[test]
fn locked_flags_are_kept() {
    guarded(|host| {
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        let tree = Tree::new(host, flags, flags | MsFlags::MS_RDONLY);
        let map = json!([{"containerID": 0, "hostID": 100_000, "size": 65536}]);
        let bundle = Bundle::new()
            .namespace("user", None)
            .edit(|config| {
                config["linux"]["uidMappings"] = map.clone();
                config["linux"]["gidMappings"] = map;
            })
            .mount(tree.bind("/plain", &["rbind"]))
            .mount(tree.bind("/ro", &["rbind", "ro"]))
            .mount(json!({"destination": "/plain", "options": ["bind", "remount", "ro"]}));
        bundle.directory("plain");
        bundle.directory("ro");
        if host.lacks(&["crun", "runc"], "takes them away") {
            return;
        }
        let report = host.report(&bundle);
        for target in ["/plain", "/ro", "/plain/below", "/ro/below"] {
            assert_eq!(own(&report, target), ["nodev", "noexec", "nosuid", "ro"], "{target}");
        }
    });
}

/// An ordinary user's container has them locked: what is not asked is kept, what can't be is an error that says so.
#[test]
fn locked_flags_of_an_ordinary_user() {
    guarded_rootless(|host| {
        if !host.has_world() || host.lacks(&["crun", "runc"], "takes other ways") {
            return;
        }
        let (uid, gid) = host.user();
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        let tree = Tree::new(host, flags, flags | MsFlags::MS_RDONLY);
        let bundle = |options: &[&str]| Bundle::rootless(uid, gid).mount(tree.bind("/tmp", options));
        let report = host.report(&bundle(&["rbind"]));
        assert_eq!(own(&report, "/tmp"), ["nodev", "noexec", "nosuid"]);
        assert_eq!(own(&report, "/tmp/below"), ["nodev", "noexec", "nosuid", "ro"]);
        let report = host.report(&bundle(&["rbind", "ro", "nosymfollow"]));
        assert_eq!(own(&report, "/tmp"), ["nodev", "noexec", "nosuid", "nosymfollow", "ro"]);
        for option in ["exec", "dev", "suid", "rrw"] {
            host.run(&bundle(&["rbind", option])).fails_with("can't be taken away");
        }
        // Not locked, because not there.
        host.run(&bundle(&["rbind", "rw", "symfollow"])).ok();
    });
}

/// File systems that are made of directories of the host, found although the host's tree is gone by then.
#[test]
fn overlay_of_the_host() {
    guarded(|host| {
        let at = |name: &str| host.folder().join(name).display().to_string();
        let base = host.folder().join("base");
        fs::create_dir(&base).unwrap();
        // An upper directory can't lie on an overlay, as /tmp may.
        mount(Some("base"), &base, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        for name in ["base/lower", "base/upper", "base/work"] {
            fs::create_dir(at(name)).unwrap();
        }
        fs::write(at("base/lower/file"), "text").unwrap();
        let options = [
            format!("lowerdir={}", at("base/lower")),
            format!("upperdir={},workdir={}", at("base/upper"), at("base/work")),
        ];
        let bundle = Bundle::new()
            .deeds(&["report", "--read", "/data/file", "--write", "/data"])
            .mount(json!({"destination": "/data", "type": "overlay", "source": "overlay", "options": options}));
        let report = host.report(&bundle);
        umount2(&base, MntFlags::MNT_DETACH).unwrap();
        assert_eq!(report["reads"]["/data/file"], "text");
        assert_eq!(report.probe("write /data"), "ok");
    });
}
