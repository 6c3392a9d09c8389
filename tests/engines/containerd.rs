//! containerd on its own, twice: driven by `ctr`, and through CRI, as Kubernetes drives it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::archive;
use crate::command::{Verdict, failed, shell};
use crate::cri::{self, Cri};
use crate::daemon::Daemon;
use crate::docs;
use crate::engine::{Driver, Engine};
use crate::limitless;
use crate::options::Options;
use crate::world::STORE;

/// Its name in the table where `ctr` asks.
pub const CTR: &str = "ctr";
/// Its name in the table where a client of CRI asks.
pub const CRI: &str = "cri";

/// The path of the runtime, for `ctr run --runc-binary`.
pub const RUNTIME: &str = "/run/bin/containerd/runc";

/// Where it listens.
pub const SOCKET: &str = "/run/containerd/containerd.sock";
const CONFIG: &str = "/run/containerd.toml";
const LOG: &str = "/run/containerd.log";
/// First on its PATH: a container that `ctr` creates apart from its task runs on what is named runc there.
const PROGRAMS: &str = "/run/bin/containerd";

/// A containerd that runs.
pub struct Containerd {
    name: &'static str,
    daemon: Daemon,
    cri: Option<Mutex<Cri>>,
}

impl Containerd {
    /// Starts containerd, for [`CTR`] or [`CRI`], and imports the images.
    pub fn start(name: &'static str, runtime: &str, options: &Options) -> Verdict<Box<dyn Driver>> {
        archive::build(options)?;
        let runtime = limitless::wrapped(runtime)?;
        fs::create_dir_all(PROGRAMS)?;
        symlink(&runtime, RUNTIME)?;
        fs::write(CONFIG, config(name, &runtime, options)?)?;
        fs::create_dir_all("/run/cni/net.d")?;
        fs::write("/run/cni/net.d/10-pods.conflist", NETWORK)?;
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("/usr/bin/containerd");
        command.args(["--config", CONFIG, "--log-level", "info"]).env("PATH", format!("{PROGRAMS}:{path}"));
        let daemon = Daemon::start("containerd", &mut command, LOG)?;
        let mut started = Self { name, daemon, cri: None };
        match started.furnish(options) {
            Ok(()) => Ok(Box::new(started)),
            Err(trouble) => Err(failed(format!("{trouble}\n{}", fs::read_to_string(LOG)?))),
        }
    }

    /// Waits until it answers, imports the images, and connects the client of CRI.
    fn furnish(&mut self, options: &Options) -> Verdict {
        self.daemon.answers(SOCKET, options.deadline(60))?;
        let namespace = if self.name == CRI { "k8s.io" } else { "default" };
        let import = format!("{} -n {namespace} image import {}", self.client(), archive::PATH);
        shell(&import, "", options.deadline(60))?.works()?;
        if self.name == CRI {
            cri::prepare(options)?;
            let mut cri = Cri::open(SOCKET)?;
            cri.clear()?;
            self.cri = Some(Mutex::new(cri));
        }
        Ok(())
    }
}

/// The configuration: what makes it private, and for CRI the lines of docs/engines.md.
fn config(name: &str, runtime: &str, options: &Options) -> Verdict<String> {
    let told = shell("/usr/bin/containerd --version", "", options.deadline(10))?.succeeds()?;
    // `containerd github.com/containerd/containerd/v2 2.1.9 ...`
    let names = if told.text().contains("containerd/v2") { &SECOND } else { &FIRST };
    let Names { version, images, runtime: cri, sandbox, .. } = names;
    let disabled = if name == CRI { String::new() } else { format!("disabled_plugins = {:?}", names.cri) };
    let common = format!(
        "version = {version}\nroot = \"{STORE}/containerd\"\nstate = \"/run/containerd\"\noom_score = 0\n{disabled}\n\
         [grpc]\naddress = \"{SOCKET}\"\n"
    );
    if name != CRI {
        return Ok(common);
    }
    // Where the daemon runs here there is no systemd.
    let documented = docs::block("containerd", "toml", &format!("version = {version}\n"), runtime)?
        .replace("SystemdCgroup = true", "SystemdCgroup = false");
    let pause = archive::PAUSE;
    let next = if images == cri { String::new() } else { format!("[plugins.\"{cri}\"]") };
    // A lower oom_score_adj needs a capability that a test machine may not have.
    Ok(format!(
        r#"{common}
{documented}
[plugins."{images}"]
  {sandbox} = "{pause}"
{next}
  restrict_oom_score_adj = true
  disable_apparmor = true
[plugins."{cri}".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "/run/cni/net.d"
"#
    ))
}

/// What differs between containerd 1 and 2.
struct Names {
    version: u8,
    /// The plugins that together are CRI.
    cri: &'static [&'static str],
    images: &'static str,
    runtime: &'static str,
    /// The pod's own image.
    sandbox: &'static str,
}

const FIRST: Names = Names {
    version: 2,
    cri: &["io.containerd.grpc.v1.cri"],
    images: "io.containerd.grpc.v1.cri",
    runtime: "io.containerd.grpc.v1.cri",
    sandbox: "sandbox_image",
};

const SECOND: Names = Names {
    version: 3,
    cri: &["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"],
    images: "io.containerd.cri.v1.images",
    runtime: "io.containerd.cri.v1.runtime",
    sandbox: "pinned_images.sandbox",
};

/// What CNI's plugins make for each pod.
const NETWORK: &str = r#"{
  "cniVersion": "0.4.0", "name": "pods",
  "plugins": [
    {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
     "ipam": {"type": "host-local", "dataDir": "/run/cni/addresses",
              "ranges": [[{"subnet": "10.78.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}"#;

impl Driver for Containerd {
    fn name(&self) -> &'static str {
        self.name
    }

    fn client(&self) -> String {
        format!("/usr/bin/ctr -a {SOCKET}")
    }

    fn log(&self) -> Option<PathBuf> {
        Some(self.daemon.log.clone())
    }

    fn clear(&self, engine: &Engine) -> Verdict {
        if let Some(cri) = &self.cri {
            return locked(cri).clear();
        }
        for name in engine.call("containers list -q")?.succeeds()?.text().lines() {
            let line = format!("ctr='{}'; $ctr task rm -f {name}; exec $ctr container rm {name}", self.client());
            engine.shell(&line)?.works()?;
        }
        Ok(())
    }

    fn cri(&self) -> Verdict<MutexGuard<'_, Cri>> {
        self.cri.as_ref().map(locked).ok_or_else(|| failed("CRI is asked of this engine only where it is named cri"))
    }

    fn stop(&mut self, deadline: Duration) -> Verdict {
        if let Some(cri) = self.cri.take() {
            cri.into_inner().unwrap_or_else(PoisonError::into_inner).close(deadline)?;
        }
        self.daemon.stop(deadline)
    }
}

fn locked(cri: &Mutex<Cri>) -> MutexGuard<'_, Cri> {
    cri.lock().unwrap_or_else(PoisonError::into_inner)
}
