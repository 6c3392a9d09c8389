//! Links in the image where the runtime mounts, reads or writes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use serde_json::json;

use crate::support::{Bundle, guarded, kernel_before, no_mapped_tmpfs};

/// The image has a link to `target` at `place`; what is mounted above it is left out, so that the link is met.
fn with_link(place: &str, target: &Path) -> Bundle {
    let mut bundle = Bundle::new();
    if let Some((top, _)) = place.split_once('/') {
        bundle = bundle.without_mount(&format!("/{top}"));
    }
    let link = bundle.rootfs().join(place);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    let _ = fs::remove_dir(&link);
    symlink(target, link).unwrap();
    bundle
}

/// CVE-2019-19921, CVE-2023-27561, CVE-2025-54867: /proc and /sys are ordinary directories, or nothing runs.
#[test]
fn cve_2019_19921_proc_and_sys() {
    guarded(|host| {
        for place in ["proc", "sys"] {
            for target in ["/tmp", "tmp", "/proc/self/root/tmp", "/nowhere/at/all", "/proc", "/sys"] {
                host.run(&with_link(place, Path::new(target))).fails_with(&format!("/{place}"));
            }
        }
    });
}

/// CVE-2026-41579, CVE-2021-30465: links elsewhere lead to places inside the rootfs, or to a refusal; never to the host.
#[test]
fn cve_2021_30465_links_stay_inside() {
    guarded(|host| {
        let outside = host.folder().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("ptmx"), "").unwrap();
        let up = Path::new("../../../../../../../../..").join(outside.strip_prefix("/").unwrap());
        let magic = Path::new("/proc/self/root").join(outside.strip_prefix("/").unwrap());
        for place in ["dev", "dev/pts", "dev/shm", "sys/fs/cgroup"] {
            for target in [&outside, &up, &magic] {
                // Whether it runs is all one.
                host.run(&with_link(place, target));
                let names: Vec<_> = fs::read_dir(&outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
                assert_eq!(names, ["ptmx"], "{place} -> {}", target.display());
            }
        }
    });
}

/// CVE-2024-45310: links that lead to what is not there. What they lead to is made inside the rootfs, or nothing is.
#[test]
fn cve_2024_45310_dangling() {
    guarded(|host| {
        let outside = host.folder().join("outside");
        fs::create_dir(&outside).unwrap();
        let name = outside.strip_prefix("/").unwrap().to_owned();
        let targets = [
            outside.join("none"),
            Path::new("../../../../../../../../../..").join(&name).join("none"),
            Path::new("/proc/self/root").join(&name).join("none"),
            Path::new("/proc/1/cwd").join("none"),
            Path::new("/dev/fd/3").join("none"),
        ];
        let ids = json!([{"containerID": 0, "hostID": 1000, "size": 10}]);
        for target in &targets {
            for (kind, source) in [("tmpfs", Path::new("t")), ("bind", host.folder())] {
                let mut mount =
                    json!({"destination": "/link/a/../b", "type": kind, "source": source, "options": ["idmap"]});
                mount["uidMappings"] = ids.clone();
                mount["gidMappings"] = ids.clone();
                let bundle = Bundle::new().mount(mount).edit(|config| config["root"]["readonly"] = json!(false));
                symlink(target, bundle.rootfs().join("link")).unwrap();
                // Whether it runs is all one.
                host.run(&bundle);
                assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{kind} at {}", target.display());
            }
        }
    });
}

/// An image whose files belong to nobody the mapping knows, and whose mount point of an id-mapped mount is a link: no file of
/// the host changes its owner, and none but the mapped are the container's.
#[test]
fn idmap_of_a_hostile_rootfs() {
    guarded(|host| {
        if no_mapped_tmpfs() {
            return;
        }
        let source = host.folder().join("source");
        fs::create_dir(&source).unwrap();
        mount(Some("s"), &source, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        fs::write(source.join("secret"), "secret").unwrap();
        fs::set_permissions(source.join("secret"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let map = json!([{"containerID": 0, "hostID": 100_000, "size": 65536}]);
        let other = json!([{"containerID": 7, "hostID": 100_000, "size": 1}]);
        let bundle = Bundle::new()
            .namespace("user", None)
            .deeds(&["report", "--read", "/here/secret", "--write", "/here", "--stat", "/here/secret"])
            .mount(json!({"destination": "/link", "type": "bind", "source": source, "options": ["bind", "idmap"],
                          "uidMappings": other, "gidMappings": other}))
            .edit(|config| {
                config["linux"]["uidMappings"] = map.clone();
                config["linux"]["gidMappings"] = map;
            });
        bundle.directory("here");
        symlink("/here", bundle.rootfs().join("link")).unwrap();
        let report = host.report(&bundle);
        // Root of the host is not among those that are mapped.
        assert_eq!(report["stats"]["/here/secret"]["uid"], 65534);
        assert_eq!(report["reads"]["/here/secret"], json!({"error": "EACCES"}));
        assert_ne!(report.probe("write /here"), "ok");
        let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(source.join("secret")).unwrap());
        assert_eq!(owner, 0);
        nix::mount::umount(&source).unwrap();
    });
}

/// CVE-2019-16884, CVE-2025-52881: a volume that a link of the image leads onto /proc, or into it.
#[test]
fn cve_2019_16884_volume_led_into_proc() {
    guarded(|host| {
        for place in ["/foo", "/foo/self/attr", "/foo/sys"] {
            let bundle = Bundle::new().mount(
                json!({"destination": place, "type": "bind", "source": host.folder(), "options": ["rbind", "ro"]}),
            );
            symlink("/proc", bundle.rootfs().join("foo")).unwrap();
            host.run(&bundle).fails_with("ordinary directory");
        }
    });
}

/// containers/storage CVE-2024-9676: the image's passwd is a FIFO, a device, a directory, a circle or huge.
#[test]
fn cve_2024_9676_passwd() {
    guarded(|host| {
        for kind in ["fifo", "device", "directory", "circle", "huge"] {
            let bundle = Bundle::new().edit(|config| config["process"]["env"] = json!(["A=1"]));
            let passwd = bundle.rootfs().join("etc/passwd");
            fs::remove_file(&passwd).unwrap();
            let mode = nix::sys::stat::Mode::from_bits_truncate(0o666);
            match kind {
                "fifo" => nix::unistd::mkfifo(&passwd, mode).unwrap(),
                "device" => {
                    let zero = nix::sys::stat::makedev(1, 5);
                    nix::sys::stat::mknod(&passwd, nix::sys::stat::SFlag::S_IFCHR, mode, zero).unwrap();
                }
                "directory" => fs::create_dir(&passwd).unwrap(),
                "circle" => symlink("passwd", &passwd).unwrap(),
                _ => fs::File::create(&passwd).unwrap().set_len(10 << 30).unwrap(),
            }
            assert_eq!(host.report(&bundle).env("HOME"), Some("/"), "{kind}");
        }
    });
}

/// A link of the image leads a mount point, a covered path or the console onto a volume that is shared with the host: nothing
/// is mounted there. What the config itself names below the volume is.
#[test]
fn of_a_shared_volume() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let volume = host.folder().join("volume");
        fs::create_dir(&volume).unwrap();
        mount(Some("test"), &volume, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        mount(None::<&str>, &volume, None::<&str>, MsFlags::MS_SHARED, None::<&str>).unwrap();
        fs::create_dir(volume.join("there")).unwrap();
        let mounted =
            || fs::read_to_string("/proc/self/mountinfo").unwrap().lines().filter(|it| it.contains("/volume")).count();
        let tmpfs = |at: &str| json!({"destination": at, "type": "tmpfs", "source": "tmpfs"});
        let bundle = |link: &str| {
            let bundle = Bundle::new().mount(
                json!({"destination": "/volume", "type": "bind", "source": volume, "options": ["rbind", "rshared"]}),
            );
            let bundle = bundle.edit(|config| config["linux"]["rootfsPropagation"] = json!("rshared"));
            symlink(link, bundle.rootfs().join("link")).unwrap();
            bundle
        };
        let before = mounted();
        for (link, at) in [("/volume", "/link/there"), ("/volume/there", "/link"), ("volume", "/link/new")] {
            host.run(&bundle(link).mount(tmpfs(at))).fails_with("shared with the host");
            assert_eq!(mounted(), before, "{link} {at}");
        }
        for list in ["maskedPaths", "readonlyPaths"] {
            let config = bundle("/volume").edit(|config| config["linux"][list] = json!(["/link/there"]));
            host.run(&config).fails_with(&format!("linux.{list}[0]"));
            assert_eq!(mounted(), before, "{list}");
        }
        // A link that stays in the image is followed, and so is one onto what is the container's own: whose a mount is the
        // kernel tells since 6.8, and without its word it is not taken for the container's.
        host.run(&bundle("/tmp").mount(tmpfs("/link/x"))).ok();
        let output = host.run(&bundle("/own").mount(tmpfs("/own")).mount(tmpfs("/link/x")));
        if kernel_before(6, 8) {
            output.fails_with("shared with the host")
        } else {
            output.ok()
        };
        assert_eq!(mounted(), before);
        host.run(&bundle("/none").mount(tmpfs("/volume/there"))).ok();
        assert_eq!(mounted(), before + 1, "what the config asks for");
        umount2(&volume.join("there"), MntFlags::MNT_DETACH).unwrap();
        umount2(&volume, MntFlags::MNT_DETACH).unwrap();
    });
}
