//! Masked paths.

use std::fs;
use std::os::unix::fs::symlink;

use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use serde_json::json;

use crate::support::{Bundle, guarded};

const MASKED: &str = "/proc/keys";

/// CVE-2025-31133: whatever the image has as /dev/null, what covers a masked file is the host's 1:3; or nothing runs.
#[test]
fn cve_2025_31133_null_of_the_image() {
    guarded(|host| {
        for kind in ["link", "fifo", "zero", "directory", "file", "missing"] {
            let mut bundle = Bundle::new().deeds(&["report", "--stat", MASKED]);
            for mount in ["/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"] {
                bundle = bundle.without_mount(mount);
            }
            let null = bundle.rootfs().join("dev/null");
            let mode = Mode::from_bits_truncate(0o666);
            match kind {
                "link" => symlink("/etc/passwd", &null).unwrap(),
                "fifo" => nix::unistd::mkfifo(&null, mode).unwrap(),
                "zero" => mknod(&null, SFlag::S_IFCHR, mode, makedev(1, 5)).unwrap(),
                "directory" => fs::create_dir(&null).unwrap(),
                "file" => fs::write(&null, "").unwrap(),
                _ => {}
            }
            let output = host.run(&bundle);
            if kind == "missing" {
                output.ok();
            } else {
                output.fails_with("/dev/null");
            }
        }
    });
}

/// A masked file is covered by the host's own node: through a writable mount the container's root could give it other
/// permissions or another owner, for the whole machine.
#[test]
fn cover_cannot_be_changed() {
    guarded(|host| {
        if !host.is_onggi() || fs::metadata(MASKED).is_err() {
            return;
        }
        let report = host.report(&Bundle::new());
        let own = report.mount(MASKED)["options"].as_array().unwrap();
        assert!(own.iter().any(|option| option == "ro"), "{own:?}");
    });
}

/// Where the host's /dev is shared, as systemd has it, a copy of one of its nodes is a peer of the original: what a
/// container mounted on its own would cover the host's. So no copy stays one, of the null device that covers masked files
/// or, in a user namespace, of any device.
#[test]
fn devices_of_the_host_have_no_peers() {
    guarded(|host| {
        let none: Option<&str> = None;
        // In the test's own mount namespace; it ends with the test.
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SHARED, none).unwrap();
        let ids = json!([{"containerID": 0, "hostID": 100_000, "size": 65_536}]);
        let mapped = Bundle::new().namespace("user", None).edit(|config| {
            config["linux"]["uidMappings"] = ids.clone();
            config["linux"]["gidMappings"] = ids.clone();
        });
        for (bundle, nodes) in [(Bundle::new(), &[MASKED][..]), (mapped, &[MASKED, "/dev/null", "/dev/zero"])] {
            let report = host.report(&bundle);
            for node in nodes {
                let propagation = report.mount(node)["propagation"].as_str().unwrap_or_default().to_owned();
                assert!(!propagation.contains("shared"), "{node}: {propagation}");
            }
        }
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
    });
}
