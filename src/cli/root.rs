//! Where the root directory is, when nobody says.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::error::{Error, Result};
use crate::plan::in_initial_user_namespace;

/// The default root directory.
///
/// For root `/run/onggi`, whatever `XDG_RUNTIME_DIR` says: it often is another user's, left by sudo. For an ordinary user,
/// and for the root of a user namespace whose USER is not root (an ordinary user's engine has made it),
/// `$XDG_RUNTIME_DIR/onggi`, or where that is not set the directory that it usually names.
pub fn default() -> Result<PathBuf> {
    let user = geteuid().as_raw();
    let usual = |user: u32| Path::new("/run/user").join(user.to_string());
    choose(user, is_real_root(), env::var_os("USER"), env::var_os("XDG_RUNTIME_DIR"), || {
        Some(usual(user)).filter(|path| path.is_dir())
    })
}

/// Whether this is root, and not only the root of a user namespace.
pub fn is_real_root() -> bool {
    geteuid().is_root() && in_initial_user_namespace()
}

fn choose(
    euid: u32,
    real_root: bool,
    user: Option<OsString>,
    runtime_dir: Option<OsString>,
    usual: impl FnOnce() -> Option<PathBuf>,
) -> Result<PathBuf> {
    let in_namespace = euid == 0 && !real_root;
    let runtime_dir = runtime_dir.filter(|path| !path.is_empty()).map(PathBuf::from);
    let base = match runtime_dir {
        _ if real_root || (in_namespace && user.is_some_and(|user| user == "root")) => return Ok("/run/onggi".into()),
        Some(path) if path.is_absolute() => path,
        Some(path) => {
            return Err(Error::new("XDG_RUNTIME_DIR", format!("must be an absolute path, not {:?}", path.display().to_string()))
                .hint("or give a root directory with --root DIR"));
        }
        None if in_namespace => return Ok("/run/onggi".into()),
        None => usual().ok_or_else(|| {
            Error::new("--root", format!("user {euid} has no place for containers' states: XDG_RUNTIME_DIR is not set and /run/user/{euid} not there"))
                .hint("give one with --root DIR")
        })?,
    };
    Ok(base.join("onggi"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(
        euid: u32,
        real_root: bool,
        user: Option<&str>,
        runtime_dir: Option<&str>,
        usual: Option<&str>,
    ) -> String {
        let result =
            choose(euid, real_root, user.map(Into::into), runtime_dir.map(Into::into), || usual.map(Into::into));
        result.map_or_else(|error| error.to_string(), |path| path.display().to_string())
    }

    #[test]
    fn who_keeps_it_where() {
        assert_eq!(chosen(0, true, None, Some("/run/user/7"), None), "/run/onggi");
        assert_eq!(chosen(0, true, Some("ami"), None, None), "/run/onggi");
        assert_eq!(chosen(7, false, Some("ami"), Some("/run/user/7"), None), "/run/user/7/onggi");
        assert_eq!(chosen(7, false, Some("root"), Some("/run/user/7"), None), "/run/user/7/onggi");
        assert_eq!(chosen(0, false, Some("ami"), Some("/run/user/7"), None), "/run/user/7/onggi");
        assert_eq!(chosen(0, false, None, Some("/run/user/7"), None), "/run/user/7/onggi");
        assert_eq!(chosen(0, false, Some("root"), Some("/run/user/7"), None), "/run/onggi");
        assert_eq!(chosen(0, false, None, None, None), "/run/onggi");
        assert_eq!(chosen(7, false, None, None, Some("/run/user/7")), "/run/user/7/onggi");
        assert!(chosen(7, false, None, Some(""), None).starts_with("--root: user 7 has no place"));
        assert!(
            chosen(7, false, None, Some("x"), None).starts_with("XDG_RUNTIME_DIR: must be an absolute path, not \"x\"")
        );
    }
}
