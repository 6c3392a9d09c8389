//! Bundles made for one test.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{config, programs};

/// A bundle in a temporary directory: a rootfs that holds the payload, and a config to be edited.
///
/// `config.json` is written each time that the bundle's [`path`](Self::path) is asked for.
#[derive(Clone)]
pub struct Bundle {
    folder: Rc<TempDir>,
    config: Value,
}

impl Bundle {
    /// A bundle with the plain default config; its process makes one report.
    pub fn new() -> Self {
        Self::with(config::plain())
    }

    /// A bundle for an ordinary user, who owns it: `uid` and `gid` are root inside.
    pub fn rootless(uid: u32, gid: u32) -> Self {
        let bundle = Self::with(config::rootless(uid, gid));
        let mut pending = vec![bundle.folder.path().to_owned()];
        while let Some(path) = pending.pop() {
            chown(&path, Some(uid), Some(gid)).unwrap();
            if path.is_dir() {
                pending.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        bundle
    }

    fn with(config: Value) -> Self {
        let mut folder = tempfile::Builder::new().prefix("jar-").tempdir().unwrap();
        folder.disable_cleanup(std::env::var_os("ONGGI_TEST_KEEP").is_some());
        // An ordinary user's runtime, and a container's user, must be able to look inside.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let bundle = Self { folder: Rc::new(folder), config };
        for name in ["bin", "dev", "etc", "proc", "sys", "tmp"] {
            bundle.directory(name);
        }
        programs::copy_payload(&bundle.rootfs().join("payload"));
        let users = "root:x:0:0:root:/:/bin/sh\njar:x:1000:1000::/home/jar:/bin/sh\n";
        bundle.file("etc/passwd", users).file("etc/group", "root:x:0:\njar:x:1000:\n")
    }

    /// Changes the config.
    #[must_use]
    pub fn edit(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.config);
        self
    }

    /// What the container's process does: the payload with these deeds.
    #[must_use]
    pub fn deeds(self, deeds: &[&str]) -> Self {
        let args: Vec<&str> = std::iter::once("/payload").chain(deeds.iter().copied()).collect();
        self.edit(|config| config["process"]["args"] = json!(args))
    }

    /// Adds a mount after those that are there.
    #[must_use]
    pub fn mount(self, mount: Value) -> Self {
        self.edit(|config| {
            config["mounts"].as_array_mut().expect("mounts is a list").push(mount);
        })
    }

    /// Takes the mount at `destination` away.
    #[must_use]
    pub fn without_mount(self, destination: &str) -> Self {
        self.edit(|config| {
            let mounts = config["mounts"].as_array_mut().expect("mounts is a list");
            mounts.retain(|mount| mount["destination"] != destination);
        })
    }

    /// Replaces the namespace of this type: new if there is no `path`, else joined.
    #[must_use]
    pub fn namespace(self, kind: &str, path: Option<&str>) -> Self {
        let bundle = self.without_namespace(kind);
        let namespace = path.map_or(json!({"type": kind}), |path| json!({"type": kind, "path": path}));
        bundle.edit(|config| namespaces(config).push(namespace))
    }

    /// Leaves the container in the runtime's namespace of this type.
    #[must_use]
    pub fn without_namespace(self, kind: &str) -> Self {
        self.edit(|config| namespaces(config).retain(|one| one["type"] != kind))
    }

    /// The config as it stands.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// The bundle's directory, with the config as it stands now.
    pub fn path(&self) -> &Path {
        let text = serde_json::to_string_pretty(&self.config).unwrap();
        fs::write(self.folder.path().join("config.json"), text).unwrap();
        self.folder.path()
    }

    /// The directory, to be held by what still needs it when the bundle itself is dropped.
    pub fn folder(&self) -> Rc<TempDir> {
        self.folder.clone()
    }

    /// The rootfs on the host.
    pub fn rootfs(&self) -> PathBuf {
        self.folder.path().join("rootfs")
    }

    /// Makes a directory in the rootfs.
    pub fn directory(&self, path: &str) -> PathBuf {
        let path = self.rootfs().join(path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Makes a file in the rootfs.
    #[must_use]
    pub fn file(self, path: &str, text: &str) -> Self {
        let path = self.rootfs().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }
}

fn namespaces(config: &mut Value) -> &mut Vec<Value> {
    config["linux"]["namespaces"].as_array_mut().expect("namespaces is a list")
}
