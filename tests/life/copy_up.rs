//! config.md, "Linux mount options": `tmpcopyup`, a tmpfs that begins with what it covers.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::json;

use crate::support::{Bundle, guarded};

/// `tmpcopyup`: the tmpfs begins with what it covers, and what is written to it stays in it.
#[test]
fn all_of_it() {
    guarded(|host| {
        let mut deeds =
            vec!["write", "/data/file", "new", "report", "--read", "/data", "--read", "/data/folder/deep/large"];
        for path in ["/data", "/data/folder", "/data/link", "/data/secret", "/data/folder/deep/large"] {
            deeds.extend(["--stat", path]);
        }
        let bundle = Bundle::new()
            .file("data/file", "a text")
            .file("data/secret", "a secret")
            .file("data/folder/deep/large", &"large ".repeat(10_000))
            .deeds(&deeds)
            .mount(json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]}));
        let covered = bundle.rootfs().join("data");
        symlink("/etc/../nowhere", covered.join("link")).unwrap();
        for (path, mode) in [("", 0o1755), ("folder", 0o751), ("secret", 0o4640)] {
            chown(covered.join(path), Some(5), Some(6)).unwrap();
            fs::set_permissions(covered.join(path), Permissions::from_mode(mode)).unwrap();
        }
        let report = host.report(&bundle);
        assert_eq!(report.mount("/data")["fstype"], "tmpfs");
        assert_eq!(report["reads"]["/data"], json!(["file", "folder", "link", "secret"]));
        assert_eq!(report["reads"]["/data/folder/deep/large"], "large ".repeat(10_000));
        let owned = |path: &str| ["mode", "uid", "gid"].map(|fact| report["stats"][path][fact].clone());
        assert_eq!(owned("/data"), [0o1755, 0, 0]);
        assert_eq!(owned("/data/folder"), [0o751, 5, 6]);
        assert_eq!(owned("/data/secret"), [0o4640, 5, 6]);
        assert_eq!(owned("/data/folder/deep/large"), [0o644, 0, 0]);
        assert_eq!(report["stats"]["/data/link"]["link"], "/etc/../nowhere");
        assert_eq!(fs::read_to_string(covered.join("file")).unwrap(), "a text");
    });
}

/// `tmpcopyup` copies files, directories and links: what has no content is left out.
#[test]
fn fifos_are_left_out() {
    guarded(|host| {
        if host.lacks(&["runc"], "fails at a FIFO") {
            return;
        }
        let bundle = Bundle::new()
            .file("data/file", "a text")
            .deeds(&["report", "--read", "/data"])
            .mount(json!({"destination": "/data", "type": "tmpfs", "source": "t", "options": ["tmpcopyup"]}));
        mkfifo(&bundle.rootfs().join("data/fifo"), Mode::S_IRWXU).unwrap();
        assert_eq!(host.report(&bundle)["reads"]["/data"], json!(["file"]));
    });
}

/// `tmpcopyup` and `ro`: it is filled first.
#[test]
fn read_only() {
    guarded(|host| {
        let bundle = Bundle::new()
            .file("data/file", "a text")
            .deeds(&["report", "--read", "/data/file", "--write", "/data"])
            .mount(json!({"destination": "/data", "type": "tmpfs", "source": "t", "options": ["ro", "tmpcopyup"]}));
        let report = host.report(&bundle);
        assert_eq!(report["reads"]["/data/file"], "a text");
        assert_eq!(report.probe("write /data"), "EROFS");
    });
}

/// `tmpcopyup` of more than fits is an error that says so, and nothing is left.
#[test]
fn too_large() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "says it in words of its own") {
            return;
        }
        let options = ["tmpcopyup", "size=4k"];
        let bundle = Bundle::new()
            .file("data/file", &"large ".repeat(10_000))
            .mount(json!({"destination": "/data", "type": "tmpfs", "source": "t", "options": options}));
        host.run(&bundle)
            .fails_with("/data: what it covers can't be copied into it (tmpcopyup): No space left on device");
    });
}

/// `tmpcopyup` of a directory that the rootfs doesn't have: an empty one.
#[test]
fn of_nothing() {
    guarded(|host| {
        let bundle = Bundle::new()
            .edit(|config| config["root"]["readonly"] = json!(false))
            .deeds(&["report", "--read", "/none"])
            .mount(json!({"destination": "/none", "type": "tmpfs", "source": "t", "options": ["tmpcopyup"]}));
        assert_eq!(host.report(&bundle)["reads"]["/none"], json!([]));
    });
}
