//! An engine that runs, as the rows see it.

use std::path::PathBuf;
use std::sync::MutexGuard;
use std::time::Duration;

use crate::command::{Ran, Verdict, failed, shell, until};
use crate::cri::Cri;
use crate::options::Options;
use crate::terminal::Terminal;
use crate::{containerd, docker, podman, swarm};

/// The engines that there are.
pub const ENGINES: [&str; 5] = [docker::NAME, podman::NAME, containerd::CTR, containerd::CRI, swarm::NAME];

/// What is different from engine to engine: one file for each.
pub trait Driver: Sync {
    /// The engine's name, as in the table.
    fn name(&self) -> &'static str;
    /// The beginning of a line of shell that calls the engine.
    fn client(&self) -> String;
    /// What `inspect -f` must be asked for the runtime's name, where there is an `inspect`.
    fn runtime_field(&self) -> &'static str {
        ""
    }
    /// The command that kills and removes containers without waiting for them.
    fn remove(&self) -> &'static str {
        "rm -f"
    }
    /// Removes all that a row has left.
    fn clear(&self, engine: &Engine) -> Verdict {
        let all = engine.call("ps -aq")?.succeeds()?;
        if all.text().is_empty() {
            return Ok(());
        }
        engine.call(&format!("{} -v {}", self.remove(), all.text().replace('\n', " ")))?.works()
    }
    /// The client of CRI, where the engine is asked through it.
    fn cri(&self) -> Verdict<MutexGuard<'_, Cri>> {
        Err(failed(format!("{} is not asked through CRI", self.name())))
    }
    /// Where the engine logs, if it does.
    fn log(&self) -> Option<PathBuf>;
    /// Ends the engine as an administrator would.
    fn stop(&mut self, deadline: Duration) -> Verdict;
}

/// Starts an engine with `runtime` registered as its default under the name `onggi`.
pub fn start(name: &str, runtime: &str, options: &Options) -> Verdict<Box<dyn Driver>> {
    match name {
        docker::NAME => docker::Docker::start(runtime, options),
        podman::NAME => podman::Podman::start(runtime),
        containerd::CTR => containerd::Containerd::start(containerd::CTR, runtime, options),
        containerd::CRI => containerd::Containerd::start(containerd::CRI, runtime, options),
        swarm::NAME => swarm::Swarm::start(runtime, options),
        _ => Err(failed(format!("{name}: no such engine"))),
    }
}

/// An engine, and how long a row may wait for it.
pub struct Engine<'a> {
    /// Which engine it is.
    pub driver: Box<dyn Driver>,
    options: &'a Options,
}

impl<'a> Engine<'a> {
    /// Around a started engine.
    pub fn new(driver: Box<dyn Driver>, options: &'a Options) -> Self {
        Self { driver, options }
    }

    /// How long a row may wait for one thing.
    pub fn deadline(&self) -> Duration {
        self.options.deadline(30)
    }

    /// Runs `docker LINE`, or the same of another engine; `line` is shell.
    pub fn call(&self, line: &str) -> Verdict<Ran> {
        self.call_with(line, "")
    }

    /// Runs it with something on its standard input.
    pub fn call_with(&self, line: &str, input: &str) -> Verdict<Ran> {
        shell(&format!("exec {} {line}", self.driver.client()), input, self.options.deadline(60))
    }

    /// Runs it on a terminal of 33 rows and 101 columns.
    pub fn terminal(&self, line: &str) -> Verdict<Terminal> {
        let line = format!("exec {} {line}", self.driver.client());
        Terminal::open(&line, 33, 101, self.options.deadline(30))
    }

    /// Runs a line of shell in the world, outside of all containers.
    pub fn shell(&self, line: &str) -> Verdict<Ran> {
        shell(line, "", self.options.deadline(60))
    }

    /// Asks until it is true.
    pub fn until(&self, what: &str, is: impl FnMut() -> Verdict<bool>) -> Verdict {
        until(what, self.options.deadline(30), is)
    }

    /// A field of a container's `inspect`, as a Go template without the braces.
    pub fn inspect(&self, container: &str, field: &str) -> Verdict<String> {
        let ran = self.call(&format!("inspect -f '{{{{{field}}}}}' {container}"))?.succeeds()?;
        Ok(ran.text().to_owned())
    }

    /// Starts `run -d --name NAME LINE`, and waits until the container has logged `ready`.
    pub fn detached(&self, name: &str, line: &str) -> Verdict {
        self.call(&format!("run -d --name {name} {line}"))?.works()?;
        self.logged(name, "ready")
    }

    /// Waits until a container has logged this.
    pub fn logged(&self, name: &str, text: &str) -> Verdict {
        self.until(&format!("container {name} logs {text:?}"), || {
            Ok(self.call(&format!("logs {name}"))?.succeeds()?.out.contains(text))
        })
    }

    /// The folder of a running container's cgroup, as seen in the world.
    pub fn cgroup(&self, name: &str) -> Verdict<PathBuf> {
        cgroup_of(&self.inspect(name, ".State.Pid")?)
    }

    /// Removes all that a row has left.
    pub fn clear(&self) -> Verdict {
        self.driver.clear(self)
    }
}

/// The folder of a process's cgroup, as seen in the world.
pub fn cgroup_of(pid: &str) -> Verdict<PathBuf> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
    // On a hybrid host the v1 hierarchies have lines of their own.
    match text.lines().find_map(|line| line.strip_prefix("0::/")) {
        Some(path) => Ok(PathBuf::from("/sys/fs/cgroup").join(path)),
        None => Err(failed(format!("/proc/{pid}/cgroup names none of v2: {text}"))),
    }
}
