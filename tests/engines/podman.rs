//! Podman as root: no daemon, a conmon for each container, netavark for the network.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::command::{Verdict, shell};
use crate::engine::Driver;
use crate::image;
use crate::world::{STORE, controllers};

/// Its name in the table.
pub const NAME: &str = "podman";

/// What every process of the world has in its environment for Podman's sake.
pub const ENVIRONMENT: [(&str, &str); 1] = [("CONTAINERS_CONF", CONFIG)];

const CONFIG: &str = "/run/containers.conf";

/// Podman, configured.
pub struct Podman;

impl Podman {
    /// Writes containers.conf and imports the image.
    pub fn start(runtime: &str) -> Verdict<Box<dyn Driver>> {
        // Without the controller any limit, and so Podman's default one, is an error.
        let limit = if controllers().contains("pids") { "" } else { "pids_limit = 0" };
        // Newer Podman's `build` asks for limits of its own, above those of a machine that may not raise them.
        let config = format!(
            r#"[containers]
{limit}
default_ulimits = ["nofile=4096:4096", "nproc=8192:8192"]
log_driver = "k8s-file"
[engine]
runtime = "onggi"
runtime_supports_json = ["onggi"]
runtime_supports_nocgroup = ["onggi"]
cgroup_manager = "cgroupfs"
events_logger = "file"
[engine.runtimes]
onggi = ["{runtime}"]
[network]
network_backend = "netavark"
"#
        );
        fs::write(CONFIG, config)?;
        let podman = Self;
        let line = format!("{} import -q {} busybox", podman.client(), image::ARCHIVE);
        shell(&line, "", Duration::from_mins(2))?.works()?;
        Ok(Box::new(podman))
    }
}

impl Driver for Podman {
    fn name(&self) -> &'static str {
        NAME
    }

    fn client(&self) -> String {
        format!("/usr/bin/podman --root {STORE}/podman")
    }

    fn runtime_field(&self) -> &'static str {
        ".OCIRuntime"
    }

    fn remove(&self) -> &'static str {
        "rm -f -t 0"
    }

    fn log(&self) -> Option<PathBuf> {
        None
    }

    fn stop(&mut self, _: Duration) -> Verdict {
        Ok(())
    }
}
