//! What hooks are shown must not reach further than they do.

use std::fs;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use serde_json::json;

use crate::support::{Bundle, Report, copy_payload, guarded};

/// For createContainer hooks the container's mounts are shown at the rootfs' path for a while. What is mounted on a volume
/// that is shared with the host is still mounted afterwards: in the container, and on the host.
#[test]
fn mounts_outlive_the_view_of_hooks() {
    guarded(|host| {
        let (volume, hook) = (host.folder().join("volume"), host.folder().join("hook"));
        copy_payload(&hook);
        let disk = volume.join("disk");
        let tmpfs = |place: &std::path::Path| {
            fs::create_dir(place).unwrap();
            mount(Some("test"), place, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
            mount(None::<&str>, place, None::<&str>, MsFlags::MS_SHARED, None::<&str>).unwrap();
        };
        tmpfs(&volume);
        tmpfs(&disk);
        fs::write(disk.join("file"), "there").unwrap();
        let mut seen = Vec::new();
        for propagation in ["rprivate", "rslave", "rshared"] {
            let bundle = Bundle::new()
                .deeds(&["report", "--read", "/data/disk/file"])
                .mount(
                    json!({"destination": "/data", "type": "bind", "source": volume, "options": ["rbind", "rshared"]}),
                )
                .edit(|config| {
                    config["linux"]["rootfsPropagation"] = json!(propagation);
                    config["hooks"]["createContainer"] = json!([{"path": hook, "args": ["hook", "exit", "0"]}]);
                });
            let inside = host.report(&bundle)["reads"]["/data/disk/file"].clone();
            seen.push((propagation, inside, fs::read_to_string(disk.join("file")).unwrap_or_default()));
        }
        let _ = umount2(&disk, MntFlags::MNT_DETACH);
        umount2(&volume, MntFlags::MNT_DETACH).unwrap();
        for (propagation, inside, outside) in seen {
            assert_eq!((inside, outside.as_str()), (json!("there"), "there"), "{propagation}");
        }
    });
}

/// startContainer hooks are programs of the image. While the container's filter still has to be loaded, which takes
/// CAP_SYS_ADMIN, they have no more capabilities than its program; and the filter holds for them where it allows what they are
/// run with.
#[test]
fn of_the_image_can_do_no_more_than_the_program() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let log = host.folder().join("log");
        fs::create_dir(&log).unwrap();
        for (forbidden, early) in [("getsid", true), ("accept4", false), ("memfd_create", false)] {
            let bundle = Bundle::new()
                .deeds(&["report"])
                .mount(json!({"destination": "/log", "type": "bind", "source": log, "options": ["bind", "rw"]}))
                .edit(|config| {
                    config["process"]["noNewPrivileges"] = json!(false);
                    config["hooks"]["startContainer"] =
                        json!([{"path": "/payload", "args": ["hook", "report", "--to", "/log/hook"]}]);
                    let rule = json!({"names": [forbidden], "action": "SCMP_ACT_ERRNO"});
                    config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]});
                });
            let program = host.report(&bundle);
            let hook = Report::parse(&fs::read_to_string(log.join("hook")).unwrap());
            for set in ["bounding", "permitted", "effective", "inheritable", "ambient"] {
                assert_eq!(hook.caps(set), program.caps(set), "{forbidden}: {set}");
            }
            assert_eq!(hook["seccomp"]["mode"], if early { 2 } else { 0 }, "{forbidden}");
            assert_eq!(program["seccomp"]["mode"], 2, "{forbidden}");
            fs::remove_file(log.join("hook")).unwrap();
        }
    });
}

/// A hook in the container that never reads its state, which is longer than a pipe has room for, is killed at its timeout.
#[test]
fn a_long_state_that_nobody_reads() {
    guarded(|host| {
        let hook = host.folder().join("hook");
        copy_payload(&hook);
        for (kind, path) in [("createContainer", hook.to_str().unwrap()), ("startContainer", "/payload")] {
            let bundle = Bundle::new().edit(|config| {
                config["annotations"]["long"] = json!("x".repeat(200_000));
                config["hooks"][kind] = json!([{"path": path, "args": ["hook", "sleep"], "timeout": 1}]);
            });
            host.run(&bundle).fails_with(&format!("hooks.{kind}[0]"));
        }
    });
}
