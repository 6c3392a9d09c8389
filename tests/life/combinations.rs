//! config-linux.md, "Namespaces": new, joined and shared with the host, each together with each.

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::json;

use crate::support::{Bundle, Container, Host, Report, guarded};

/// The kinds of the config and their names in /proc.
const KINDS: [(&str, &str); 8] = [
    ("user", "user"),
    ("pid", "pid"),
    ("network", "net"),
    ("ipc", "ipc"),
    ("uts", "uts"),
    ("mount", "mnt"),
    ("cgroup", "cgroup"),
    ("time", "time"),
];

/// How a container comes to a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    New,
    Joined,
    Shared,
}

type Row = [Way; 8];

/// 27 rows in which every way of every kind meets every way of every other: an orthogonal array of strength 2. Row
/// (a, b, c) has in each column another sum of the three, modulo 3.
fn rows() -> impl Iterator<Item = Row> {
    const COLUMNS: [[usize; 3]; 8] =
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 2, 0], [1, 1, 1]];
    let ways = [Way::New, Way::Joined, Way::Shared];
    (0..27).map(move |number| {
        let digits = [number / 9, number / 3 % 3, number % 3];
        COLUMNS.map(|column| ways[column.iter().zip(digits).map(|(factor, digit)| factor * digit).sum::<usize>() % 3])
    })
}

fn inode(pid: i32, name: &str) -> u64 {
    fs::metadata(format!("/proc/{pid}/ns/{name}")).unwrap().ino()
}

fn of(row: Row, kind: &str) -> Way {
    KINDS.iter().zip(row).find(|((one, _), _)| *one == kind).unwrap().1
}

/// The bundle of a row, whose joined namespaces are those of process `holder`.
fn bundle(row: Row, holder: i32) -> Bundle {
    let user = of(row, "user");
    let mut bundle = if user == Way::Shared { Bundle::new() } else { super::namespaces::mapped(true) };
    for ((kind, name), way) in KINDS.iter().zip(row) {
        bundle = match way {
            Way::New => bundle.namespace(kind, None),
            Way::Joined => bundle.namespace(kind, Some(&format!("/proc/{holder}/ns/{name}"))),
            Way::Shared => bundle.without_namespace(kind),
        };
    }
    // These file systems are for who owns the namespace that they show.
    bundle = bundle.without_mount("/sys").without_mount("/dev/mqueue").without_mount("/sys/fs/cgroup");
    if user == Way::New && of(row, "pid") != Way::New || user == Way::Joined && of(row, "pid") == Way::Shared {
        bundle = bundle.without_mount("/proc");
    }
    bundle.deeds(&["say", "ready", "sleep"]).edit(|config| {
        if of(row, "uts") != Way::New {
            config.as_object_mut().unwrap().remove("hostname");
        }
        if of(row, "mount") != Way::New {
            config["root"]["readonly"] = json!(false);
            config["mounts"] = json!([]);
            config["linux"]["maskedPaths"] = json!([]);
            config["linux"]["readonlyPaths"] = json!([]);
        }
        if user == Way::Joined {
            let linux = config["linux"].as_object_mut().unwrap();
            linux.remove("uidMappings");
            linux.remove("gidMappings");
        }
    })
}

/// The process of `row`, and one that `exec` adds, are where they are to be.
fn check(host: &Host, row: Row, holder: i32) {
    let bundle = bundle(row, holder);
    let mut container = Container::launch(host.runtime(), &["create"], &bundle, "guest");
    container.start();
    assert_eq!(container.line(), "ready");
    let program = bundle.config()["process"]["args"][0].as_str().unwrap().to_owned();
    let exec = host.runtime().call(["exec", "guest", &program, "report"]);
    let places = KINDS.map(|(_, name)| inode(container.pid(), name));
    container.force_delete();
    // Before it is reaped, who has its pid namespace can't end.
    container.ended();
    let report = Report::parse(&exec.ok().stdout);
    for (index, (kind, name)) in KINDS.into_iter().enumerate() {
        let (ours, theirs, place) = (inode(std::process::id().cast_signed(), name), inode(holder, name), places[index]);
        match row[index] {
            Way::New => assert!(place != ours && place != theirs, "{kind} is not new in {row:?}"),
            Way::Joined => assert_eq!(place, theirs, "{kind} in {row:?}"),
            Way::Shared => assert_eq!(place, ours, "{kind} in {row:?}"),
        }
        // Where there is no /proc of its pid namespace, a process can't tell.
        if !report["namespaces"]["pid"].is_null() {
            assert_eq!(report["namespaces"][name], place, "{kind} of exec in {row:?}");
        }
    }
}

/// Every pair of kinds in every pair of ways.
#[test]
fn pairs() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let sleeper = |bundle: Bundle| bundle.namespace("time", None).deeds(&["say", "ready", "sleep"]);
        let mut plain = Container::launch(host.runtime(), &["create"], &sleeper(Bundle::new()), "plain");
        let owned = sleeper(super::namespaces::mapped(true));
        let mut owned = Container::launch(host.runtime(), &["create"], &owned, "owned");
        for holder in [&mut plain, &mut owned] {
            holder.start();
            assert_eq!(holder.line(), "ready");
        }
        for row in rows() {
            // What belongs to the host's user namespace can't be joined from within another.
            let holder = if of(row, "user") == Way::Joined { &owned } else { &plain };
            check(host, row, holder.pid());
        }
        plain.force_delete();
        owned.force_delete();
    });
}

/// Each kind alone shared, joined, or new beside nothing new.
#[test]
fn alone() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let holder = Bundle::new().namespace("time", None).deeds(&["say", "ready", "sleep"]);
        let mut holder = Container::launch(host.runtime(), &["create"], &holder, "holder");
        holder.start();
        assert_eq!(holder.line(), "ready");
        for index in 0..KINDS.len() {
            for (way, others) in [(Way::Shared, Way::New), (Way::New, Way::Shared), (Way::Joined, Way::New)] {
                let mut row = [others; 8];
                row[index] = way;
                // Its user namespace is the host's own, which nobody can join again.
                if KINDS[index].0 != "user" || way != Way::Joined {
                    check(host, row, holder.pid());
                }
            }
        }
        holder.force_delete();
    });
}

/// The table is what it claims to be.
#[test]
fn rows_meet() {
    let rows: Vec<Row> = rows().collect();
    for (one, other) in (0..8).flat_map(|one| (0..one).map(move |other| (one, other))) {
        let met: std::collections::BTreeSet<_> = rows.iter().map(|row| (row[one] as u8, row[other] as u8)).collect();
        assert_eq!(met.len(), 9, "{one} and {other}");
    }
}
