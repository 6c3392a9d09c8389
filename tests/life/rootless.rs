//! An ordinary user's containers: `nobody`, where the tests run as root.

use serde_json::json;

use crate::support::{Bundle, Ending, Host, Report, guarded_rootless};

fn bundle(host: &Host) -> Bundle {
    let (uid, gid) = host.user();
    Bundle::rootless(uid, gid)
}

/// The single id that needs nobody's help: root inside is the user outside, and `setgroups` is denied.
#[test]
fn single_id() {
    guarded_rootless(|host| {
        let (uid, gid) = host.user();
        let report = host.report(&bundle(host));
        assert_eq!(report["id_maps"]["uid"], json!([[0, uid, 1]]));
        assert_eq!(report["id_maps"]["gid"], json!([[0, gid, 1]]));
        assert_eq!(report["id_maps"]["setgroups"], "deny");
        assert_eq!(report["process"]["uid"]["real"], 0);
        assert_eq!(report["names"]["hostname"], "jar");
        assert_eq!(report["process"]["pid"], 1);
        assert_eq!(report["process"]["no_new_privs"], true);
        assert_eq!(report.caps("effective"), ["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"]);
    });
}

/// Its mounts are those that the config has; devices are bound from the host and work.
#[test]
fn mounts_and_devices() {
    guarded_rootless(|host| {
        let report = host.report(&bundle(host).deeds(&[
            "report",
            "--open",
            "/dev/null:rw",
            "--write",
            "/",
            "--write",
            "/dev/shm",
        ]));
        for (target, kind) in [("/proc", "proc"), ("/dev", "tmpfs"), ("/dev/pts", "devpts"), ("/dev/mqueue", "mqueue")]
        {
            assert_eq!(report.mount(target)["fstype"], kind, "{target}");
        }
        assert!(report.mount_has("/", "ro"));
        assert!(report.mount_has("/sys", "ro"));
        assert_eq!(report.probe("open /dev/null:rw"), "ok");
        assert_eq!(report.probe("write /"), "EROFS");
        assert_eq!(report.probe("write /dev/shm"), "ok");
        assert_eq!(
            (&report["devices"]["/dev/null"]["major"], &report["devices"]["/dev/null"]["minor"]),
            (&json!(1), &json!(3))
        );
    });
}

/// A network namespace of its own has a loopback that works.
#[test]
fn network() {
    guarded_rootless(|host| {
        let bundle = bundle(host).namespace("network", None).without_mount("/sys");
        assert_eq!(host.report(&bundle)["network"], json!({"interfaces": ["lo"], "lo_up": true}));
    });
}

/// The whole life, with a process beside the first.
#[test]
fn life() {
    guarded_rootless(|host| {
        let mut container = host.create(&bundle(host).deeds(&["trap-term", "say", "ready", "sleep"]));
        assert_eq!(container.status(), "created");
        container.start();
        assert_eq!(container.line(), "ready");
        let report = Report::parse(&container.exec(&["--env", "A=b"], &["report"]).ok().stdout);
        assert_eq!(report["id_maps"]["uid"][0][0], 0);
        assert_eq!(report.env("A"), Some("b"));
        assert_eq!(report["names"]["hostname"], "jar");
        container.exec(&[], &["exit", "6"]).status(6);
        container.kill("TERM");
        assert_eq!(container.ended(), Ending::Exit(0));
        assert_eq!(container.status(), "stopped");
        container.delete();
    });
}

/// The exit status is passed on.
#[test]
fn status() {
    guarded_rootless(|host| {
        host.run(&bundle(host).deeds(&["exit", "11"])).status(11);
    });
}

/// What the user may not do is an error with nothing left: here the id of somebody else.
#[test]
fn foreign_id() {
    guarded_rootless(|host| {
        let (uid, _) = host.user();
        let bundle = bundle(host).edit(|config| {
            config["linux"]["uidMappings"] = json!([{"containerID": 0, "hostID": uid - 1, "size": 1}]);
        });
        assert_ne!(host.run(&bundle).status, 0);
    });
}

/// Subordinate ids, where newuidmap(1) is installed: many ids, of which files and processes can be.
#[test]
fn subordinate_ids() {
    guarded_rootless(|host| {
        let (uid, gid) = host.user();
        let Some(_ids) = host.subordinate_ids(500_000, 1000) else {
            return;
        };
        let bundle = bundle(host).edit(|config| {
            config["linux"]["uidMappings"] =
                json!([{"containerID": 0, "hostID": uid, "size": 1}, {"containerID": 1, "hostID": 500_000, "size": 1000}]);
            config["linux"]["gidMappings"] =
                json!([{"containerID": 0, "hostID": gid, "size": 1}, {"containerID": 1, "hostID": 500_000, "size": 1000}]);
            config["process"]["user"] = json!({"uid": 7, "gid": 8});
            if !host.lacks(&["runc"], "1.1 refuses supplementary groups to an ordinary user") {
                config["process"]["user"]["additionalGids"] = json!([9]);
            }
        });
        let report = host.report(&bundle);
        assert_eq!(report["id_maps"]["uid"], json!([[0, uid, 1], [1, 500_000, 1000]]));
        assert_eq!((&report["process"]["uid"]["real"], &report["process"]["gid"]["real"]), (&json!(7), &json!(8)));
    });
}
