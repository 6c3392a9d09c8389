//! Docker: its own daemon and its own containerd, which dockerd starts.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::command::{Verdict, failed, shell, until, wait};
use crate::engine::Driver;
use crate::image;
use crate::options::Options;
use crate::rivals;
use crate::world::STORE;

/// Its name in the table.
pub const NAME: &str = "docker";

const LOG: &str = "/run/docker.log";
const SOCKET: &str = "/run/docker.sock";
/// The packaged client: another on PATH may be of another version.
const CLIENT: &str = "/usr/bin/docker -H unix:///run/docker.sock";

/// Before the others on dockerd's PATH: BuildKit calls a program that is named runc, whatever runtime is the default.
const PROGRAMS: &str = "/run/bin/docker";

/// A dockerd that runs.
pub struct Docker {
    daemon: Option<Child>,
}

impl Docker {
    /// Starts dockerd, waits until it answers, and imports the image.
    pub fn start(runtime: &str, options: &Options) -> Verdict<Box<dyn Driver>> {
        fs::write("/run/docker.json", "{}")?;
        fs::create_dir_all(PROGRAMS)?;
        std::os::unix::fs::symlink(runtime, format!("{PROGRAMS}/runc"))?;
        let path = std::env::var("PATH").unwrap_or_default();
        let rivals = if options.speed.is_some() { rivals::all(runtime)? } else { Vec::new() };
        let racing = rivals.iter().map(|rival| format!("--add-runtime={}={}", rival.registered(), rival.path));
        let log = File::create(LOG)?;
        let mut daemon = Command::new("/usr/sbin/dockerd")
            .args(["--config-file", "/run/docker.json", "--exec-root", "/run/docker"])
            .args(["--data-root", &format!("{STORE}/docker"), "--pidfile", "/run/docker.pid"])
            .args(["-H", &format!("unix://{SOCKET}"), "--storage-driver", "overlay2"])
            .args(["--add-runtime", &format!("onggi={runtime}"), "--default-runtime", "onggi"])
            .args(racing)
            .args(options.logs.then_some("--debug"))
            .args(["--exec-opt", "native.cgroupdriver=cgroupfs"])
            .args(own_score(options.deadline(10))?)
            .env("PATH", format!("{PROGRAMS}:{path}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        let answers = until("dockerd answers", options.deadline(60), || {
            if let Some(status) = daemon.try_wait()? {
                return Err(failed(format!("dockerd: {status}")));
            }
            Ok(UnixStream::connect(SOCKET).is_ok())
        });
        let image = answers.and_then(|()| {
            let line = format!("{CLIENT} import {} busybox", image::ARCHIVE);
            shell(&line, "", options.deadline(60))?.works()
        });
        match image {
            Ok(()) => Ok(Box::new(Self { daemon: Some(daemon) })),
            Err(trouble) => {
                let _ = daemon.kill();
                let _ = daemon.wait();
                Err(failed(format!("{trouble}\n{}", fs::read_to_string(LOG)?)))
            }
        }
    }
}

/// What keeps dockerd from lowering its own oom_score_adj, which needs a capability that a test machine may not have.
/// From Docker 28 on it never does.
pub fn own_score(deadline: Duration) -> Verdict<Option<&'static str>> {
    let help = shell("/usr/sbin/dockerd --help", "", deadline)?.succeeds()?;
    Ok(help.text().contains("--oom-score-adjust").then_some("--oom-score-adjust=0"))
}

impl Driver for Docker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn client(&self) -> String {
        CLIENT.to_owned()
    }

    fn runtime_field(&self) -> &'static str {
        ".HostConfig.Runtime"
    }

    fn remove(&self) -> &'static str {
        "rm -f"
    }

    fn log(&self) -> Option<PathBuf> {
        Some(LOG.into())
    }

    fn stop(&mut self, deadline: Duration) -> Verdict {
        let Some(daemon) = self.daemon.take() else {
            return Ok(());
        };
        kill(Pid::from_raw(daemon.id().cast_signed()), Signal::SIGTERM)?;
        match wait(daemon, deadline)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(failed(format!("dockerd on SIGTERM: {status}"))),
            None => Err(failed("dockerd on SIGTERM: did not end in time")),
        }
    }
}
