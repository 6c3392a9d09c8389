//! A neighbour who renames things on a shared volume while a container is being made.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use serde_json::json;

use crate::support::{Bundle, Report, guarded};

/// CVE-2021-30465, CVE-2024-45310: a directory on the way to mount points is exchanged with a link to `/` all the time. Every
/// container runs or fails cleanly, and nothing is made or mounted on the host (the guard compares).
#[test]
fn cve_2021_30465_exchange() {
    guarded(|host| {
        let volume = host.folder().join("volume");
        let (directory, link) = (volume.join("dir"), volume.join("link"));
        fs::create_dir_all(directory.join("sub")).unwrap();
        symlink("/", &link).unwrap();
        let (done, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    renameat2(AT_FDCWD, &directory, AT_FDCWD, &link, RenameFlags::RENAME_EXCHANGE).unwrap();
                    swaps.fetch_add(1, Ordering::Relaxed);
                }
            });
            for number in 0..40 {
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
                let outside = std::path::Path::new("/").join(format!("swapped{number}"));
                let escaped = outside.exists();
                if !clean || escaped {
                    done.store(true, Ordering::Relaxed);
                }
                assert!(clean, "{output:?}");
                assert!(!escaped, "{} was made on the host", outside.display());
            }
            done.store(true, Ordering::Relaxed);
        });
        assert!(swaps.load(Ordering::Relaxed) > 100, "the neighbour was idle");
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
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    renameat2(AT_FDCWD, &one, AT_FDCWD, &two, RenameFlags::RENAME_EXCHANGE).unwrap();
                }
            });
            for _ in 0..30 {
                let bundle = Bundle::new()
                    .mount(json!({"destination": "/volume", "type": "bind", "source": volume, "options": ["rbind"]}))
                    .edit(|config| config["linux"]["readonlyPaths"] = json!(["/volume/one/sub"]));
                let output = host.run(&bundle);
                let mounts = output.stdout.contains("/volume/one/sub") || output.stdout.contains("/volume/two/sub");
                if output.status != 0 || !mounts {
                    done.store(true, Ordering::Relaxed);
                }
                let report = Report::parse(&output.ok().stdout);
                let mounts = report["mounts"].as_array().unwrap();
                let sealed: Vec<_> = mounts
                    .iter()
                    .filter(|mount| mount.to_string().contains("/sub\""))
                    .map(|mount| mount["options"].to_string())
                    .collect();
                if sealed.len() != 1 || !sealed[0].contains("\"ro\"") {
                    done.store(true, Ordering::Relaxed);
                }
                assert!(sealed.len() == 1 && sealed[0].contains("\"ro\""), "{sealed:?}");
            }
            done.store(true, Ordering::Relaxed);
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
        let (done, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    renameat2(AT_FDCWD, &directory, AT_FDCWD, &link, RenameFlags::RENAME_EXCHANGE).unwrap();
                    swaps.fetch_add(1, Ordering::Relaxed);
                }
            });
            let ids = json!([{"containerID": 0, "hostID": 1000, "size": 10}]);
            for number in 0..40 {
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
                if !clean || !made.is_empty() {
                    done.store(true, Ordering::Relaxed);
                }
                assert!(clean, "{output:?}");
                assert!(made.is_empty(), "made on the host: {made:?}");
            }
            done.store(true, Ordering::Relaxed);
        });
        assert!(swaps.load(Ordering::Relaxed) > 100, "the neighbour was idle");
    });
}
