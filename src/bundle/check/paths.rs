//! `linux.maskedPaths` and `linux.readonlyPaths`.

use std::path::Path;

use oci_spec::runtime::Spec;

use super::Findings;
use crate::bundle::path;
use crate::error::Problem;

pub fn check(spec: &Spec, found: &mut Findings) {
    let Some(linux) = spec.linux() else { return };
    check_list("linux.maskedPaths", linux.masked_paths().as_deref(), found);
    check_list("linux.readonlyPaths", linux.readonly_paths().as_deref(), found);
    for (index, masked) in linux.masked_paths().iter().flatten().enumerate() {
        if masked.starts_with('/') && path::inside(Path::new(masked)) == Path::new("/") {
            found.error(Problem::new(format!("linux.maskedPaths[{index}]"), "the root itself can't be masked"));
        }
    }
}

fn check_list(place: &str, paths: Option<&[String]>, found: &mut Findings) {
    for (index, path) in paths.unwrap_or_default().iter().enumerate() {
        if !path.starts_with('/') {
            found.error(Problem::new(format!("{place}[{index}]"), format!("must be an absolute path, not \"{path}\"")));
        }
    }
}
