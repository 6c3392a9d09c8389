//! config-linux.md, "Namespaces" (`time`) and "Offset for Time Namespace".

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::json;

use crate::support::{Bundle, Host, Report, guarded, guarded_rootless};

const DAY: i64 = 86_400;

fn inode(pid: &str, name: &str) -> u64 {
    fs::metadata(format!("/proc/{pid}/ns/{name}")).unwrap().ino()
}

fn uptime() -> i64 {
    let text = fs::read_to_string("/proc/uptime").unwrap();
    text.split('.').next().unwrap().parse().unwrap()
}

/// A new time namespace: ten days later by the one clock, a minute and a half by the other.
fn later(bundle: Bundle) -> Bundle {
    bundle.namespace("time", None).edit(|config| {
        config["linux"]["timeOffsets"] =
            json!({"monotonic": {"secs": 10 * DAY, "nanosecs": 7}, "boottime": {"secs": 90}});
    })
}

/// Whether the clocks are where [`later`] moves them, in a namespace that is not ours.
#[track_caller]
fn is_later(report: &Report) {
    assert_ne!(report["namespaces"]["time"], inode("self", "time"));
    let words: Vec<&str> = report["id_maps"]["time_offsets"].as_str().unwrap().split_whitespace().collect();
    assert_eq!(words, ["monotonic", "864000", "7", "boottime", "90", "0"]);
    let boot = report["clocks"]["boottime"].as_i64().unwrap() - uptime();
    assert!((80..=91).contains(&boot), "{boot}");
    let both = report["clocks"]["monotonic"].as_i64().unwrap() - report["clocks"]["boottime"].as_i64().unwrap();
    assert!((both - 10 * DAY + 90).abs() < 60, "{both}");
}

fn lacks_time(host: &Host) -> bool {
    host.lacks(&["runc", "crun"], "1.1 has no time namespaces, 1.8 fails at offsets")
}

/// "Container runtimes MUST write these values to the /proc/PID/timens_offsets"
#[test]
fn offsets() {
    guarded(|host| {
        if lacks_time(host) {
            return;
        }
        is_later(&host.report(&later(Bundle::new())));
        let plain = Bundle::new().namespace("time", None);
        let report = host.report(&plain);
        assert_ne!(report["namespaces"]["time"], inode("self", "time"));
        let after = report["clocks"]["boottime"].as_i64().unwrap();
        assert!((uptime() - after).abs() < 10);
    });
}

/// Back by an hour, where the host is up for so long; before its beginning no clock can stand.
#[test]
fn back() {
    guarded(|host| {
        if lacks_time(host) {
            return;
        }
        let by = |secs: i64| {
            Bundle::new().namespace("time", None).edit(|config| {
                config["linux"]["timeOffsets"] = json!({"boottime": {"secs": secs, "nanosecs": 1}});
            })
        };
        let back = uptime() / 2;
        let report = host.report(&by(-back));
        let gone = uptime() - report["clocks"]["boottime"].as_i64().unwrap();
        assert!((back - 2..back + 10).contains(&gone), "{gone} of {back}");
        let output = host.run(&by(-uptime() - 1000));
        assert_ne!(output.status, 0);
        if host.runtime().is_onggi() {
            output.fails_with("linux.timeOffsets: a clock would stand before 0").fails_with("uptime");
        }
    });
}

/// A second process is in the same time.
#[test]
fn exec() {
    guarded(|host| {
        if lacks_time(host) {
            return;
        }
        for bundle in [later(Bundle::new()), later(Bundle::new()).without_namespace("pid")] {
            let holder = host.start(&bundle.deeds(&["say", "ready", "sleep"]));
            let wanted = inode(&holder.pid().to_string(), "time");
            let report = Report::parse(&holder.exec(&[], &["report"]).ok().stdout);
            holder.force_delete();
            assert_eq!(report["namespaces"]["time"], wanted);
            is_later(&report);
        }
    });
}

/// Joined by path, alone and together with a pid namespace.
#[test]
fn joined() {
    guarded(|host| {
        if lacks_time(host) {
            return;
        }
        let holder = host.start(&later(Bundle::new()).deeds(&["say", "ready", "sleep"]));
        let pid = holder.pid().to_string();
        for kinds in [&["time"][..], &["pid", "time"], &["time", "ipc"]] {
            let guest = kinds
                .iter()
                .fold(Bundle::new(), |bundle, kind| bundle.namespace(kind, Some(&format!("/proc/{pid}/ns/{kind}"))));
            let report = Report::parse(&host.runtime().run(&guest, "guest").run().ok().stdout);
            for kind in kinds {
                assert_eq!(report["namespaces"][kind], inode(&pid, kind), "{kind} of {kinds:?}");
            }
            is_later(&report);
        }
        holder.force_delete();
    });
}

/// It belongs to the user namespace, new or joined, whose root may move its clocks.
#[test]
fn user_namespace() {
    guarded(|host| {
        if lacks_time(host) {
            return;
        }
        let bundle = later(super::namespaces::mapped(true));
        is_later(&host.report(&bundle));
        let holder = host.start(&super::namespaces::mapped(true).deeds(&["say", "ready", "sleep"]));
        let user = format!("/proc/{}/ns/user", holder.pid());
        let guest = later(super::namespaces::mapped(true)).namespace("user", Some(&user)).edit(|config| {
            let linux = config["linux"].as_object_mut().unwrap();
            linux.remove("uidMappings");
            linux.remove("gidMappings");
        });
        let output = host.runtime().run(&guest, "guest").run();
        holder.force_delete();
        is_later(&Report::parse(&output.ok().stdout));
    });
}

/// A bundle of an ordinary user with a thousand subordinate ids from 500,000 on.
pub fn subordinate(uid: u32, gid: u32) -> Bundle {
    Bundle::rootless(uid, gid).edit(|config| {
        let map = |own: u32| {
            json!([{"containerID": 0, "hostID": own, "size": 1}, {"containerID": 1, "hostID": 500_000, "size": 1000}])
        };
        config["linux"]["uidMappings"] = map(uid);
        config["linux"]["gidMappings"] = map(gid);
    })
}

/// An ordinary user's.
#[test]
fn rootless() {
    guarded_rootless(|host| {
        if lacks_time(host) {
            return;
        }
        let (uid, gid) = host.user();
        is_later(&host.report(&later(Bundle::rootless(uid, gid))));
        if let Some(_ids) = host.subordinate_ids(500_000, 1000) {
            is_later(&host.report(&later(subordinate(uid, gid))));
        }
        // A namespace without a root.
        let bundle = later(Bundle::rootless(uid, gid)).edit(|config| {
            config["linux"]["uidMappings"] = json!([{"containerID": 7, "hostID": uid, "size": 1}]);
            config["linux"]["gidMappings"] = json!([{"containerID": 7, "hostID": gid, "size": 1}]);
            config["process"]["user"] = json!({"uid": 7, "gid": 7});
        });
        is_later(&host.report(&bundle));
    });
}
