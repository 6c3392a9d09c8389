//! The image `busybox`, made of the distribution's static busybox: nothing is pulled.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::command::{Verdict, shell};
use crate::options::Options;

/// The image as one archive, for `docker import` and `podman import`.
pub const ARCHIVE: &str = "/run/image/busybox.tar";
/// The same as a folder.
pub const ROOTFS: &str = "/run/image/rootfs";

/// Builds the archive.
pub fn build(options: &Options) -> Verdict {
    let root = Path::new(ROOTFS);
    for folder in ["bin", "dev", "etc", "proc", "root", "srv", "sys", "tmp", "var"] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::set_permissions(root.join("tmp"), Permissions::from_mode(0o1777))?;
    fs::copy("/bin/busybox", root.join("bin/busybox"))?;
    let applets = shell("/bin/busybox --list", "", options.deadline(10))?.succeeds()?;
    for applet in applets.text().lines().filter(|name| *name != "busybox") {
        symlink("busybox", root.join("bin").join(applet))?;
    }
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1000::/srv:/bin/sh\n")?;
    fs::write(root.join("etc/group"), "root:x:0:\nguest:x:1000:\ntape:x:26:guest\n")?;
    let line = format!("tar --numeric-owner --owner=0 --group=0 -C {} -cf {ARCHIVE} .", root.display());
    shell(&line, "", options.deadline(10))?.works()
}
