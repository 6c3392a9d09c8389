//! What a test gets: a runtime, a folder, canaries, and the short ways to a container.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::command::Output;
use super::{Bundle, Container, Report, Runtime, world};

/// The ordinary user of the rootless tests: `nobody`, who has no subordinate ids.
const NOBODY: (u32, u32) = (65534, 65534);

/// The host as one test sees it.
pub struct Host {
    folder: TempDir,
    runtime: Runtime,
    user: (u32, u32),
    world: bool,
}

impl Host {
    /// A host with the runtime called as the user who runs the tests.
    pub fn new(world: bool) -> Self {
        // Below /tmp, whatever TMPDIR says: socket paths are limited to 108 bytes.
        let folder = tempfile::Builder::new()
            .prefix("onggi-")
            .tempdir_in("/tmp")
            .unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let user = (
            nix::unistd::getuid().as_raw(),
            nix::unistd::getgid().as_raw(),
        );
        let host = Self {
            runtime: Runtime::new(folder.path().join("state")),
            folder,
            user,
            world,
        };
        host.plant_canaries();
        host
    }

    /// A host with the runtime called as an ordinary user: as `nobody` where the tests run as root.
    pub fn rootless(world: bool) -> Self {
        let mut host = Self::new(world);
        if host.user.0 == 0 {
            let (uid, gid) = NOBODY;
            let own = host.folder.path().join("own");
            fs::create_dir(&own).unwrap();
            // The build's directory may be closed to others.
            let program = own.join(host.runtime.name());
            fs::copy(host.runtime.program(), &program).unwrap();
            let state = own.join("state");
            fs::create_dir(&state).unwrap();
            chown(&own, Some(uid), Some(gid)).unwrap();
            chown(&state, Some(uid), Some(gid)).unwrap();
            host.user = NOBODY;
            host.runtime = Runtime::for_user(uid, gid, program, state);
        }
        host
    }

    /// The runtime under test.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// A directory for the test's own things on the host; gone afterwards.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The user and group that call the runtime.
    pub fn user(&self) -> (u32, u32) {
        self.user
    }

    /// Whether the test has mounts and a cgroup of its own.
    pub fn has_world(&self) -> bool {
        self.world
    }

    /// Whether it's onggi that is tested. If not says why this test, which is about onggi alone, is skipped.
    pub fn is_onggi(&self) -> bool {
        let onggi = self.runtime.is_onggi();
        if !onggi {
            world::skipped("the test is about onggi's own ways");
        }
        onggi
    }

    /// Whether it's one of these runtimes that is tested, which differ from the spec, or from what
    /// they do in later releases, as `why` says. Then the test is to be left.
    pub fn lacks(&self, runtimes: &[&str], why: &str) -> bool {
        let lacks = runtimes.contains(&self.runtime.name());
        if lacks {
            world::skipped(&format!("{}: {why}", self.runtime.name()));
        }
        lacks
    }

    /// Files and directories that no container may touch.
    pub fn canaries(&self) -> PathBuf {
        self.folder.path().join("canaries")
    }

    /// Runs a bundle in the foreground as container `jar`.
    #[track_caller]
    pub fn run(&self, bundle: &Bundle) -> Output {
        self.runtime.run(bundle, "jar").run()
    }

    /// Runs a bundle whose process reports.
    #[track_caller]
    pub fn report(&self, bundle: &Bundle) -> Report {
        Report::parse(&self.run(bundle).ok().stdout)
    }

    /// Creates container `jar`.
    #[track_caller]
    pub fn create(&self, bundle: &Bundle) -> Container<'_> {
        Container::launch(&self.runtime, &["create"], bundle, "jar")
    }

    /// Creates and starts container `jar`, and waits for the payload's first line, which is `ready`.
    #[track_caller]
    pub fn start(&self, bundle: &Bundle) -> Container<'_> {
        let mut container = self.create(bundle);
        container.start();
        assert_eq!(container.line(), "ready");
        container
    }

    fn plant_canaries(&self) {
        let canaries = self.canaries();
        fs::create_dir_all(canaries.join("directory/below")).unwrap();
        for name in ["file", "secret", "directory/file", "ptmx", "null"] {
            fs::write(canaries.join(name), "canary").unwrap();
        }
        fs::set_permissions(canaries.join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("file", canaries.join("link")).unwrap();
    }
}
