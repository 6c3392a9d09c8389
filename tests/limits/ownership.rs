//! config-linux.md, "Cgroup ownership": who owns the cgroup of a container that has a user namespace.

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::json;

use crate::kit::{has, of, sleeper};
use crate::support::{Bundle, Report, guarded};

const ROOT_INSIDE: u32 = 100_000;

fn in_user_namespace(bundle: Bundle, access: &str) -> Bundle {
    bundle
        .without_mount("/sys/fs/cgroup")
        .mount(json!({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
                      "options": ["nosuid", "noexec", "nodev", access]}))
        .namespace("user", None)
        .edit(|config| {
            let ids = json!([{"containerID": 0, "hostID": ROOT_INSIDE, "size": 65536}]);
            config["linux"]["uidMappings"] = ids.clone();
            config["linux"]["gidMappings"] = ids;
            config["linux"]["resources"]["pids"] = json!({"limit": 40});
        })
}

/// With a cgroup namespace and a writable mount, the container's root owns the directory and what the kernel says can be
/// delegated, and nothing of the limits. So it can make cgroups, move its processes there, and not raise its own limits.
#[test]
fn writable() {
    guarded(|host| {
        if !has(&["pids"]) {
            return;
        }
        let container = host.start(&in_user_namespace(sleeper(&json!({})), "rw"));
        let folder = of(container.pid());
        let owner = |file: &str| fs::metadata(folder.join(file)).unwrap().uid();
        assert_eq!(owner("."), ROOT_INSIDE);
        let delegated = fs::read_to_string("/sys/kernel/cgroup/delegate").unwrap();
        for file in delegated.lines().filter(|file| folder.join(file).exists()) {
            assert_eq!(owner(file), ROOT_INSIDE, "{file}");
        }
        for file in ["pids.max", "cgroup.events", "cgroup.type"] {
            assert_eq!(owner(file), 0, "{file}");
        }
        let deeds = [
            "mkdir",
            "/sys/fs/cgroup/mine",
            "write",
            "/sys/fs/cgroup/mine/cgroup.procs",
            "0",
            "report",
            "--write",
            "/sys/fs/cgroup",
            "--open",
            "/sys/fs/cgroup/pids.max:w",
        ];
        let report = Report::parse(&container.exec(&[], &deeds).ok().stdout);
        assert_eq!(report["cgroup"]["path"], "/mine");
        assert_eq!(report.probe("open /sys/fs/cgroup/pids.max:w"), "EACCES");
        container.force_delete();
        assert!(!folder.exists());
    });
}

/// Read-only, or without a cgroup namespace, nothing is handed over.
#[test]
fn not_writable() {
    guarded(|host| {
        if !has(&["pids"]) {
            return;
        }
        for bundle in [
            in_user_namespace(sleeper(&json!({})), "ro"),
            in_user_namespace(sleeper(&json!({})), "rw").without_namespace("cgroup").without_mount("/sys/fs/cgroup"),
        ] {
            let container = host.start(&bundle);
            let folder = of(container.pid());
            assert_eq!(fs::metadata(&folder).unwrap().uid(), 0);
            container.force_delete();
        }
    });
}
