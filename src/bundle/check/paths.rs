//! `linux.maskedPaths` and `linux.readonlyPaths`.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use oci_spec::runtime::Spec;

use super::{Findings, mount_place};
use crate::bundle::path;
use crate::error::Problem;

pub fn check(spec: &Spec, found: &mut Findings) {
    let Some(linux) = spec.linux() else { return };
    check_list("linux.maskedPaths", linux.masked_paths().as_deref(), found);
    check_list("linux.readonlyPaths", linux.readonly_paths().as_deref(), found);
    // A process's root is the mount below any cover on it, so a cover on the root would cover nothing.
    for (list, paths, what) in [
        ("maskedPaths", linux.masked_paths(), "the root itself can't be masked"),
        ("readonlyPaths", linux.readonly_paths(), "the root itself is made read-only by root.readonly"),
    ] {
        for (index, path) in paths.iter().flatten().enumerate() {
            if path.starts_with('/') && path::inside(Path::new(path)) == Path::new("/") {
                found.error(Problem::new(format!("linux.{list}[{index}]"), what));
            }
        }
    }
    check_hidden(spec, linux.masked_paths().as_deref().unwrap_or_default(), found);
}

/// Masks come after the mounts, so a mount inside a masked directory could not be seen. One on the very path is hidden just so,
/// but somebody may have mounted an empty file system there for the same purpose; and masks inside a mount are what masks are for.
fn check_hidden(spec: &Spec, masked: &[String], found: &mut Findings) {
    let mounts = spec.mounts().as_deref().unwrap_or_default();
    let targets: Vec<PathBuf> = mounts.iter().map(|mount| path::inside(mount.destination())).collect();
    for (index, masked) in masked.iter().enumerate() {
        let hidden = path::inside(Path::new(masked));
        for (number, target) in targets.iter().enumerate() {
            // Nearly all differ in their first letters already.
            if !target.as_os_str().as_bytes().starts_with(hidden.as_os_str().as_bytes())
                || !target.starts_with(&hidden)
                || hidden == Path::new("/")
            {
                continue;
            }
            let (place, mask) = (mount_place(number, &mounts[number]), format!("linux.maskedPaths[{index}]"));
            if *target == hidden {
                found.warn(Problem::new(place, format!("is hidden by {mask}")).hint("leave one of the two out"));
            } else {
                let what = format!("would be hidden by {mask}, \"{masked}\"");
                found.error(Problem::new(place, what).hint("leave one of the two out"));
            }
        }
    }
}

fn check_list(place: &str, paths: Option<&[String]>, found: &mut Findings) {
    for (index, path) in paths.unwrap_or_default().iter().enumerate() {
        found.absolute(Path::new(path), || format!("{place}[{index}]"));
    }
}
