//! `--version`.

use std::ffi::OsStr;
use std::path::Path;

use crate::lifecycle::features::SPEC_VERSION;

/// What `--version` prints: the version, the commit if the build was told it (`ONGGI_COMMIT`), and that of the spec.
///
/// Engines ask for it and some take only the line `runc version ...` for an answer: who gives onggi the name runc, so that
/// an engine finds it under that name, gets that line, with the truth in it.
pub fn text(called: &OsStr) -> String {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    let as_runc = Path::new(called).file_name().is_some_and(|name| name == "runc");
    let name = if as_runc { format!("runc version {VERSION}+onggi") } else { format!("onggi version {VERSION}") };
    let commit = option_env!("ONGGI_COMMIT").filter(|commit| !commit.is_empty());
    let commit = commit.map(|commit| format!("commit: {commit}\n")).unwrap_or_default();
    format!("{name}\n{commit}spec: {SPEC_VERSION}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_decides() {
        let first = |called: &str| text(OsStr::new(called)).lines().next().unwrap().to_owned();
        assert_eq!(first("/usr/bin/onggi"), concat!("onggi version ", env!("CARGO_PKG_VERSION")));
        assert_eq!(first("/opt/bin/runc"), concat!("runc version ", env!("CARGO_PKG_VERSION"), "+onggi"));
        assert_eq!(first("/opt/runc/onggi"), concat!("onggi version ", env!("CARGO_PKG_VERSION")));
        assert!(text(OsStr::new("")).ends_with("\nspec: 1.3.0\n"));
    }
}
