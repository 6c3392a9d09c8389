//! Mounts of the types `cgroup` and `cgroup2`: the container's cgroup, with and without a cgroup namespace.

use std::fs;
use std::os::unix::fs::chown;

use serde_json::json;

use crate::support::{Bundle, guarded, guarded_rootless};

const AT: &str = "/sys/fs/cgroup";
/// A file that every cgroup has and that its owner may write.
const FILE: &str = "/sys/fs/cgroup/cgroup.max.depth";

fn bundle(kind: &str, options: &[&str]) -> Bundle {
    let options = [&["nosuid", "noexec", "nodev"], options].concat();
    Bundle::new()
        .without_mount(AT)
        .mount(json!({"destination": AT, "type": kind, "source": "cgroup", "options": options}))
        .deeds(&["report", "--write", FILE, "--read", "/sys/fs/cgroup/cgroup.procs"])
}

/// Where a container without a cgroup namespace finds itself.
const OWN: &str = "/sys/fs/cgroup/jars/seen/cgroup.procs";

fn on_the_host(bundle: Bundle) -> Bundle {
    bundle
        .without_namespace("cgroup")
        .deeds(&["report", "--write", OWN, "--write", FILE, "--read", OWN])
        .edit(|config| config["linux"]["cgroupsPath"] = json!("/jars/seen"))
}

fn in_user_namespace(bundle: Bundle) -> Bundle {
    let map = json!([{"containerID": 0, "hostID": 100_000, "size": 65536}]);
    bundle.namespace("user", None).edit(|config| {
        config["linux"]["uidMappings"] = map.clone();
        config["linux"]["gidMappings"] = map;
    })
}

/// Both types show the container's own cgroup, that can be written unless `ro` is asked for.
#[test]
fn both_types() {
    guarded(|host| {
        for kind in ["cgroup", "cgroup2"] {
            for (option, outcome) in [("ro", "EROFS"), ("rw", "ok")] {
                let report = host.report(&bundle(kind, &[option]));
                let what = format!("{kind} {option}");
                assert_eq!(report.mount(AT)["fstype"], "cgroup2", "{what}");
                assert_eq!(report.mount(AT)["root"], "/", "{what}");
                assert!(["nosuid", "noexec", "nodev"].iter().all(|one| report.mount_has(AT, one)), "{what}");
                assert_eq!(report["reads"]["/sys/fs/cgroup/cgroup.procs"], "1\n", "{what}");
                assert_eq!(report.probe(&format!("write {FILE}")), outcome, "{what}");
            }
        }
    });
}

/// Without a cgroup namespace it is what the host has, where the container is found by its path in /proc/self/cgroup.
#[test]
fn without_a_namespace() {
    guarded(|host| {
        for (option, outcome) in [("ro", "EROFS"), ("rw", "ok")] {
            let report = host.report(&on_the_host(bundle("cgroup", &[option])));
            assert_eq!(report["cgroup"]["path"], "/jars/seen");
            assert_eq!(report.mount(AT)["fstype"], "cgroup2");
            assert_eq!(report["reads"][OWN], "1\n", "{option}");
            assert_eq!(report.probe(&format!("write {OWN}")), outcome, "{option}");
            let _ = fs::remove_dir("/sys/fs/cgroup/jars");
        }
    });
}

/// In a user namespace it is mounted as well, with and without a cgroup namespace, and read-only where that is asked.
#[test]
fn in_a_user_namespace() {
    guarded(|host| {
        for namespace in [true, false] {
            for option in ["ro", "rw"] {
                let bundle = in_user_namespace(bundle("cgroup", &[option]));
                let (bundle, own) =
                    if namespace { (bundle, "/sys/fs/cgroup/cgroup.procs") } else { (on_the_host(bundle), OWN) };
                let report = host.report(&bundle);
                assert_eq!(report.mount(AT)["fstype"], "cgroup2", "{namespace} {option}");
                assert!(report.mount_has(AT, option), "{namespace} {option}: {}", report.mount(AT));
                assert_eq!(report["reads"][own], "1\n", "{namespace} {option}");
                // The directory is the host root's, so it is refused either way.
                let outcome = report.probe(&format!("write {FILE}"));
                assert!(["EROFS", "EACCES"].contains(&&*outcome), "{namespace} {option}: {outcome}");
                let _ = fs::remove_dir("/sys/fs/cgroup/jars");
            }
        }
    });
}

/// CVE-2023-25809: an ordinary user's container sees the host's cgroups, some of which are the user's. None can be written.
#[test]
fn cve_2023_25809_ordinary_user() {
    guarded_rootless(|host| {
        if !host.has_world() || host.lacks(&["crun", "runc"], "of before the advisory, or with other ways") {
            return;
        }
        let (uid, gid) = host.user();
        let own = format!("{AT}/own");
        fs::create_dir_all(format!("{own}/below")).unwrap();
        let files = [own.clone(), format!("{own}/below")].map(|dir| format!("{dir}/cgroup.max.depth"));
        for path in [&own, &format!("{own}/below")].into_iter().chain(&files) {
            chown(path, Some(uid), Some(gid)).unwrap();
        }
        let writes = ["report", "--write", &files[0], "--write", &files[1], "--write", &own];
        let cgroup =
            |options: &[&str]| json!({"destination": AT, "type": "cgroup", "source": "cgroup", "options": options});
        let plain = || Bundle::rootless(uid, gid).without_namespace("cgroup").deeds(&writes);
        // As `spec --rootless` of others writes it: /sys bound with all below it, read-only; and with a mount of its own.
        for bundle in [plain(), plain().mount(cgroup(&["ro"])), plain().mount(cgroup(&[]))] {
            let report = host.report(&bundle);
            for path in [&files[0], &files[1], &own] {
                assert_eq!(report.probe(&format!("write {path}")), "EROFS", "{path}: {:#}", bundle.config()["mounts"]);
            }
        }
        fs::remove_dir(format!("{own}/below")).unwrap();
        fs::remove_dir(own).unwrap();
    });
}
