//! Terminals where an image or a volume has laid something in the way.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::support::{Bundle, ConsoleSocket, Container, Ending, Host, Report, guarded};

fn terminal(bundle: Bundle) -> Bundle {
    bundle.deeds(&["report"]).edit(|config| config["process"]["terminal"] = json!(true))
}

/// CVE-2025-52565: a volume on /dev/pts whose names are links. A terminal comes from a devpts, or not at all.
#[test]
fn cve_2025_52565_pts() {
    guarded(|host| {
        let volume = host.folder().join("volume");
        fs::create_dir(&volume).unwrap();
        for (name, target) in [("ptmx", "ptmx"), ("0", "file"), ("1", "secret")] {
            symlink(host.canaries().join(target), volume.join(name)).unwrap();
        }
        let bundle = Bundle::new()
            .without_mount("/dev/pts")
            .mount(json!({"destination": "/dev/pts", "type": "bind", "source": volume, "options": ["rbind", "rw"]}));
        let bundle = terminal(bundle);
        let socket = ConsoleSocket::listen(host);
        let path = bundle.path().to_str().unwrap().to_owned();
        let line = ["create", "--console-socket", socket.path(), "--bundle", &path, "jar"];
        host.runtime().call(line).fails_with("/dev/pts");
    });
}

/// CVE-2026-41579: the image's own /dev has a link at console. The terminal is mounted on the link itself, which nobody
/// follows; the guard compares what it leads to.
#[test]
fn cve_2026_41579_console() {
    guarded(|host| {
        for target in ["file", "nowhere", "directory"] {
            let bundle = own_dev(Bundle::new());
            let link = bundle.rootfs().join("dev/console");
            symlink(host.canaries().join(target), &link).unwrap();
            let bundle = terminal(bundle);
            let report = in_terminal(host, &bundle);
            assert_eq!(report["devices"]["/dev/console"]["kind"], "char", "{target}");
            assert!(fs::symlink_metadata(link).unwrap().is_symlink());
        }
    });
}

/// CVE-2026-41579: the image's /dev is a link to a directory of the host, where a ptmx lies.
#[test]
fn cve_2026_41579_dev() {
    guarded(|host| {
        let bundle = own_dev(Bundle::new());
        let link = bundle.rootfs().join("dev");
        fs::remove_dir(&link).unwrap();
        symlink(host.canaries(), &link).unwrap();
        let bundle = terminal(bundle);
        let socket = ConsoleSocket::listen(host);
        let path = bundle.path().to_str().unwrap().to_owned();
        let line = ["create", "--console-socket", socket.path(), "--bundle", &path, "jar"];
        // That it is refused, or made inside, is all one: the guard compares the host's directory.
        let _ = host.runtime().call(line);
        let _ = host.runtime().call(["delete", "--force", "jar"]);
    });
}

/// A file where the console goes is covered, and stays as it was.
#[test]
fn console_over_a_file() {
    guarded(|host| {
        let bundle = own_dev(Bundle::new().file("dev/console", "of the image"));
        let console = bundle.rootfs().join("dev/console");
        let bundle = terminal(bundle);
        let report = in_terminal(host, &bundle);
        assert_eq!(report["devices"]["/dev/console"]["kind"], "char");
        assert_eq!(fs::read_to_string(console).unwrap(), "of the image");
    });
}

/// Without a file system of its own on /dev.
fn own_dev(mut bundle: Bundle) -> Bundle {
    for mount in ["/dev", "/dev/shm", "/dev/mqueue"] {
        bundle = bundle.without_mount(mount);
    }
    bundle
}

/// What the process reports in its terminal.
fn in_terminal(host: &Host, bundle: &Bundle) -> Report {
    let socket = ConsoleSocket::listen(host);
    let container = Container::launch(host.runtime(), &["create", "--console-socket", socket.path()], bundle, "jar");
    let (mut pty, _) = socket.receive();
    container.start();
    let report = Report::parse(&pty.line());
    assert_eq!(report["stdio"][0]["tty"], true);
    assert_eq!(container.ended(), Ending::Exit(0));
    container.delete();
    report
}
