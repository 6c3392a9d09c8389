//! What hooks are shown must not reach further than they do.

use std::fs;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use serde_json::json;

use crate::support::{Bundle, copy_payload, guarded};

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
