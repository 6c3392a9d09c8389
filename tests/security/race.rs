//! A neighbour who renames things on a shared volume while a container is being made.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use serde_json::json;

use crate::support::{Bundle, Report, guarded};

/// Calls `race` for each of `numbers` while a neighbour exchanges what is at `one` and at `other`, all the time.
fn while_exchanged(one: &Path, other: &Path, numbers: std::ops::Range<u32>, race: impl Fn(u32)) {
    /// Has the neighbour stop, also when the race ends with a panic.
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let (done, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let _stop = Stop(&done);
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE).unwrap();
                swaps.fetch_add(1, Ordering::Relaxed);
            }
        });
        numbers.for_each(race);
    });
    assert!(swaps.load(Ordering::Relaxed) > 100, "the neighbour was idle");
}

/// CVE-2021-30465, CVE-2024-45310: a directory on the way to mount points is exchanged with a link to `/` all the time. Every
/// container runs or fails cleanly, and nothing is made or mounted on the host (the guard compares).
#[test]
fn cve_2021_30465_exchange() {
    guarded(|host| {
        let volume = host.folder().join("volume");
        let (directory, link) = (volume.join("dir"), volume.join("link"));
        fs::create_dir_all(directory.join("sub")).unwrap();
        symlink("/", &link).unwrap();
        while_exchanged(&directory, &link, 0..40, |number| {
            let tmpfs = |at: String| json!({"destination": at, "type": "tmpfs", "source": "tmpfs"});
            let bundle = Bundle::new()
                .mount(json!({"destination": "/volume", "type": "bind", "source": volume, "options": ["rbind"]}))
                .mount(tmpfs("/volume/dir/sub".into()))
                .mount(tmpfs(format!("/volume/dir/swapped{number}")))
                .edit(|config| {
                    config["root"]["readonly"] = json!(false);
                    config["linux"]["maskedPaths"].as_array_mut().unwrap().push(json!("/volume/dir/sub"));
                    config["linux"]["readonlyPaths"].as_array_mut().unwrap().push(json!("/volume/dir"));
                });
            let output = host.run(&bundle);
            let clean = output.status == 0 || output.stderr.contains("mounts[") || output.stderr.contains("Paths[");
            let outside = Path::new("/").join(format!("swapped{number}"));
            assert!(clean, "{output:?}");
            assert!(!outside.exists(), "{} was made on the host", outside.display());
        });
    });
}

/// youki GHSA-3q8j-pf29-vwv8: a directory on the way to a read-only path is exchanged with another one all the time. Whichever
/// was found is read-only; that it was looked up twice, and the other half of the work done elsewhere, can't be.
#[test]
fn ghsa_3q8j_readonly() {
    guarded(|host| {
        let volume = host.folder().join("volume");
        let (one, two) = (volume.join("one"), volume.join("two"));
        for folder in [&one, &two] {
            fs::create_dir_all(folder.join("sub")).unwrap();
        }
        while_exchanged(&one, &two, 0..30, |_| {
            let bundle = Bundle::new()
                .mount(json!({"destination": "/volume", "type": "bind", "source": volume, "options": ["rbind"]}))
                .edit(|config| config["linux"]["readonlyPaths"] = json!(["/volume/one/sub"]));
            let output = host.run(&bundle);
            let report = Report::parse(&output.ok().stdout);
            let mounts = report["mounts"].as_array().unwrap();
            let sealed: Vec<_> = mounts
                .iter()
                .filter(|mount| mount.to_string().contains("/sub\""))
                .map(|mount| mount["options"].to_string())
                .collect();
            assert!(sealed.len() == 1 && sealed[0].contains("\"ro\""), "{sealed:?}");
        });
    });
}

/// The same with links that dangle: what is made where they lead is inside the rootfs, whatever the link is by then; and with
/// id-mapped mounts, which are made before the target is looked up.
#[test]
fn cve_2021_30465_dangling() {
    guarded(|host| {
        let volume = host.folder().join("volume");
        let outside = host.folder().join("outside");
        let (directory, link) = (volume.join("dir"), volume.join("link"));
        fs::create_dir_all(directory.join("sub")).unwrap();
        fs::create_dir(&outside).unwrap();
        symlink(outside.join("none"), &link).unwrap();
        let ids = json!([{"containerID": 0, "hostID": 1000, "size": 10}]);
        while_exchanged(&directory, &link, 0..40, |number| {
            let tmpfs = |at: String, options: &[&str]| {
                json!({"destination": at, "type": "tmpfs", "source": "tmpfs", "options": options,
                           "uidMappings": if options.is_empty() { json!([]) } else { ids.clone() },
                           "gidMappings": if options.is_empty() { json!([]) } else { ids.clone() }})
            };
            let bundle = Bundle::new()
                .mount(json!({"destination": "/volume", "type": "bind", "source": volume, "options": ["rbind"]}))
                .mount(tmpfs("/volume/dir/sub".into(), &[]))
                .mount(tmpfs(format!("/volume/dir/made{number}"), &["idmap"]))
                .mount(tmpfs(format!("/volume/link/deep{number}/../er"), &[]))
                .edit(|config| config["root"]["readonly"] = json!(false));
            let output = host.run(&bundle);
            let clean = output.status == 0 || output.stderr.contains("mounts[");
            let made: Vec<_> = fs::read_dir(&outside).unwrap().collect();
            assert!(clean, "{output:?}");
            assert!(made.is_empty(), "made on the host: {made:?}");
        });
    });
}
