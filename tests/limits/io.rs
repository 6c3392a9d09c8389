//! config-linux.md, "Block IO", on a disk of the virtual machine that holds nothing.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::kit::{has, limited, of, read, start_as, until, written};
use crate::support::{Bundle, Host, guarded};

/// The disk that is there to be written to, in the virtual machine only: elsewhere it may be anybody's.
fn disk() -> Option<(u64, u64)> {
    std::env::var_os("ONGGI_VM")?;
    let number = read(Path::new("/sys/block/vdc"), "dev");
    let (major, minor) = number.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Held by a test that uses the disk for as long as others would disturb it, or it them.
pub fn alone() -> MutexGuard<'static, ()> {
    static DISK: Mutex<()> = Mutex::new(());
    DISK.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn needs() -> Option<(u64, u64)> {
    if !has(&["io"]) {
        return None;
    }
    let disk = disk();
    if disk.is_none() {
        crate::support::skipped("a disk to write to is in the virtual machine only (make vm-test)");
    }
    disk
}

/// Each field's file and its value there.
#[test]
fn every_field_is_written() {
    guarded(|host| {
        let Some((major, minor)) = needs() else { return };
        let rate = |rate: u64| json!([{"major": major, "minor": minor, "rate": rate}]);
        let io = json!({"blockIO": {
            "throttleReadBpsDevice": rate(1_000_000), "throttleWriteBpsDevice": rate(2_000_000),
            "throttleReadIOPSDevice": rate(30), "throttleWriteIOPSDevice": rate(40),
        }});
        let [max] = written(host, &io, ["io.max"]);
        assert_eq!(max, format!("{major}:{minor} rbps=1000000 wbps=2000000 riops=30 wiops=40"));
    });
}

/// The weights are BFQ's where it is loaded, as it is in the virtual machine.
#[test]
fn weights_are_written() {
    guarded(|host| {
        let Some((major, minor)) = needs() else { return };
        let io = json!({"blockIO": {"weight": 300, "weightDevice": [{"major": major, "minor": minor, "weight": 700}]}});
        let [weights] = written(host, &io, ["io.bfq.weight"]);
        assert_eq!(weights, format!("default 300\n{major}:{minor} 700"));
        // By its own name, and where BFQ is not in charge.
        let [weights] = written(host, &json!({"unified": {"io.weight": "default 200"}}), ["io.weight"]);
        assert_eq!(weights.lines().next(), Some("default 200"));
    });
}

/// A disk that is not there is refused by name.
#[test]
fn a_disk_that_is_not_there() {
    guarded(|host| {
        if needs().is_none() {
            return;
        }
        let io = json!({"blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 240, "rate": 1000}]}});
        let output = host.run(&limited(&io, &["exit", "0"]));
        let output = output.fails_with("linux.resources.blockIO.throttleReadBpsDevice[0]");
        assert!(output.stderr.contains("no such block device"), "{output:?}");
    });
}

/// With the disk as /dev/disk.
pub fn on_disk(bundle: Bundle, (major, minor): (u64, u64)) -> Bundle {
    bundle.edit(|config| {
        config["linux"]["devices"] =
            json!([{"path": "/dev/disk", "type": "b", "major": major, "minor": minor, "fileMode": 0o600}]);
        config["linux"]["resources"]["devices"] = json!([
            {"allow": false, "access": "rwm"},
            {"allow": true, "type": "b", "major": major, "minor": minor, "access": "rw"},
        ]);
    })
}

/// How long `deeds` take on the disk under these limits, in milliseconds.
fn takes(host: &Host, disk: (u64, u64), io: &Value, what: &str, count: &str, kibibytes: &str) -> u64 {
    let bundle = limited(&json!({"blockIO": io}), &["disk", what, "/dev/disk", count, kibibytes]);
    host.run(&on_disk(bundle, disk)).ok().stdout.trim().parse().unwrap()
}

/// Two MiB at one MiB a second take two seconds, written and read; forty requests at twenty a second too.
#[test]
fn limits_are_felt() {
    let _alone = alone();
    guarded(|host| {
        let Some(disk) = needs() else { return };
        let limit = |name: &str, rate: u64| json!({name: [{"major": disk.0, "minor": disk.1, "rate": rate}]});
        let table = [
            ("throttleWriteBpsDevice", 1 << 20, "write", "8", "256"),
            ("throttleReadBpsDevice", 1 << 20, "read", "8", "256"),
            ("throttleWriteIOPSDevice", 20, "write", "40", "4"),
            ("throttleReadIOPSDevice", 20, "read", "40", "4"),
        ];
        for (name, rate, what, count, kibibytes) in table {
            let bound = takes(host, disk, &limit(name, rate), what, count, kibibytes);
            // The emulator may stand still once, but not each time.
            let mut free = takes(host, disk, &json!({}), what, count, kibibytes);
            for _ in 0..2 {
                if bound <= 2 * free {
                    free = free.min(takes(host, disk, &json!({}), what, count, kibibytes));
                }
            }
            // The first slice, a tenth of a second or so, is free.
            assert!(bound >= 1500 && bound > 2 * free, "{name}: {free} ms without, {bound} ms with the limit");
        }
    });
}

/// Two that read all the time share the disk by their weights. Each has several processes that read, so that it never has
/// nothing to ask for, and the virtual machine's disk is slower than they are.
#[test]
fn weight_is_felt() {
    let _alone = alone();
    guarded(|host| {
        let Some(disk) = needs() else { return };
        let start = |id: &str, weight: u64| {
            // Each time the disk from its start to its end, for longer than the test.
            let mut deeds = vec!["crowd", "4"];
            deeds.extend(["disk", "read", "/dev/disk", "4000", "64"].repeat(20));
            start_as(host, &on_disk(limited(&json!({"blockIO": {"weight": weight}}), &deeds), disk), id)
        };
        let (heavy, light) = (start("heavy", 1000), start("light", 50));
        let folders = [of(heavy.pid()), of(light.pid())];
        let used = || folders.each_ref().map(|folder| bytes_read(folder, disk));
        until("both have begun", || used().iter().all(|&bytes| bytes > 0));
        let before = used();
        until("the heavy one had 16 MiB", || used()[0] >= before[0] + (16 << 20));
        let after = used();
        let (heavy_read, light_read) = (after[0] - before[0], after[1] - before[1]);
        assert!(heavy_read > 4 * light_read, "{heavy_read} and {light_read} bytes");
        heavy.force_delete();
        light.force_delete();
    });
}

/// What io.stat counts for the disk.
fn bytes_read(folder: &Path, (major, minor): (u64, u64)) -> u64 {
    let text = read(folder, "io.stat");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{major}:{minor} ")));
    let word = line.and_then(|line| line.split(' ').find_map(|word| word.strip_prefix("rbytes=")));
    word.map_or(0, |bytes| bytes.parse().unwrap())
}
