//! Paths inside the container, by their letters alone.

use std::path::{Component, Path, PathBuf};

/// `path` as an absolute path inside the root, without `.`, `..`, doubled or trailing slashes; a relative one is taken from
/// `/` (spec: config, Mounts). What `..` would be after a symbolic link is not asked: as other runtimes, we go by the letters.
pub fn inside(path: &Path) -> PathBuf {
    let mut clean = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => clean.push(name),
            // At the root this does nothing, as in the kernel.
            Component::ParentDir => _ = clean.pop(),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        for (path, clean) in [
            ("", "/"),
            ("data", "/data"),
            ("/a//b/./c/", "/a/b/c"),
            ("/../../a/../b", "/b"),
            ("./../x", "/x"),
            ("//", "/"),
        ] {
            assert_eq!(inside(Path::new(path)), Path::new(clean), "{path}");
        }
    }
}
