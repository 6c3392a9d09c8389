//! `root` and `linux.rootfsPropagation`.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use libc::{MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE, MS_UNBINDABLE};

use super::Rootfs;
use crate::bundle::{Bundle, Findings};
use crate::error::Problem;

/// The root file system; a relative path is below the bundle.
pub fn new(bundle: &Bundle, found: &mut Findings) -> Rootfs {
    let root = bundle.spec.root().as_ref();
    let path = root.map(|root| bundle.path.join(root.path())).unwrap_or_default();
    if !path.as_os_str().is_empty() && is_host_root(&path) {
        let hint = "use a directory that holds the container's own files";
        found.error(Problem::new("root.path", "must not be the host's own root directory").hint(hint));
    }
    found.text(path.as_os_str().as_bytes(), || "root.path".to_owned());
    let asked = bundle.spec.linux().as_ref().and_then(|linux| linux.rootfs_propagation().as_deref());
    Rootfs {
        path,
        readonly: root.and_then(oci_spec::runtime::Root::readonly) == Some(true),
        propagation: propagation(asked),
    }
}

/// Whether nothing is left of `path` when each `..` has taken away what stands before it.
fn is_host_root(path: &Path) -> bool {
    let mut depth = 0_usize;
    for part in path.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    path.is_absolute() && depth == 0
}

fn propagation(word: Option<&str>) -> u64 {
    match word {
        Some("shared") => MS_SHARED,
        Some("rshared") => MS_SHARED | MS_REC,
        Some("slave") => MS_SLAVE,
        Some("private") => MS_PRIVATE,
        Some("rprivate") => MS_PRIVATE | MS_REC,
        Some("unbindable") => MS_UNBINDABLE,
        Some("runbindable") => MS_UNBINDABLE | MS_REC,
        // What nobody chose: mounts of the host may arrive, none of the container's leave (spec: none; all runtimes).
        _ => MS_SLAVE | MS_REC,
    }
}
