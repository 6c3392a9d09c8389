//! What the command line and the environment ask for.

use std::path::PathBuf;
use std::time::Duration;

use crate::command::{Verdict, failed};
use crate::engine::ENGINES;

/// The text of `--help`.
pub const HELP: &str = "\
usage: engines [--all] [--list] [--engine NAME]... [--only TEXT] [--rootfs DIR] [--trace] [--logs] [--speed N]

  --all          every row; without it the fast ones
  --list         say which rows there are
  --engine NAME  docker, podman, ctr, cri or swarm; may be given several times (default: all)
  --only TEXT    the rows whose name has TEXT in it, fast or not
  --rootfs DIR   the engines that are installed in DIR, another distribution's root directory
  --trace        log each call of the runtime, and show the log with a failure
  --logs         show the engine's whole log at the end
  --speed N      ask no row: race N containers with the runtime under test, crun and runc

environment:
  ONGGI_BIN              the runtime under test (default: the onggi that cargo built with this test)
  ONGGI_DEBIAN           the archive of a whole Debian, as tests/engines/debian makes it
  ONGGI_ENGINES=all      as --all
  ONGGI_ENGINES_REQUIRED=1  engines that are not installed are a failure, not a skip
  ONGGI_TEST_PATIENCE=N  all deadlines N times longer, for slow machines
";

/// What is to be done.
#[derive(PartialEq, Eq)]
pub enum Task {
    /// Ask the rows.
    Ask,
    /// Say which rows there are.
    List,
    /// Say how this is called.
    Help,
}

/// What was asked for, the same in all three stages of the test.
pub struct Options {
    /// Every row, not just the fast ones.
    pub all: bool,
    /// What is to be done at all.
    pub task: Task,
    /// The engines' names, in the order in which they are tried.
    pub engines: Vec<String>,
    /// Only the rows that have this in their name.
    pub only: Option<String>,
    /// The root directory that the engines are taken from, if not the machine's own.
    pub rootfs: Option<PathBuf>,
    /// Put a script that logs between the engine and the runtime.
    pub trace: bool,
    /// Show the engine's whole log at the end.
    pub logs: bool,
    /// No rows, but a race of so many containers.
    pub speed: Option<usize>,
    /// The runtime under test, an absolute path.
    pub runtime: PathBuf,
    /// Whether a machine on which no engine can be started is a failure, not a skip.
    pub required: bool,
    /// How many times longer deadlines are than on an ordinary machine.
    pub patience: u32,
}

impl Options {
    /// Reads the words after the program's name. Flags that cargo gives to every test are ignored.
    pub fn read(mut words: impl Iterator<Item = String>) -> Verdict<Self> {
        let runtime = std::env::var_os("ONGGI_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_onggi").into());
        let mut options = Self {
            all: std::env::var("ONGGI_ENGINES").is_ok_and(|set| set == "all"),
            task: Task::Ask,
            engines: Vec::new(),
            only: None,
            rootfs: None,
            trace: false,
            logs: false,
            speed: None,
            required: std::env::var_os("ONGGI_ENGINES_REQUIRED").is_some(),
            runtime: PathBuf::from(&runtime)
                .canonicalize()
                .map_err(|error| failed(format!("ONGGI_BIN {}: {error}", runtime.display())))?,
            patience: match std::env::var("ONGGI_TEST_PATIENCE") {
                Ok(text) => text.parse().map_err(|error| failed(format!("ONGGI_TEST_PATIENCE {text:?}: {error}")))?,
                Err(_) => 1,
            },
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| failed(format!("{word} needs a value")));
            match word.as_str() {
                "--all" => options.all = true,
                "--list" => options.task = Task::List,
                "--help" | "-h" => options.task = Task::Help,
                "--trace" => options.trace = true,
                "--only" => options.only = Some(value()?),
                "--rootfs" => options.rootfs = Some(root(&value()?)?),
                "--logs" => options.logs = true,
                "--speed" => options.speed = Some(count(&value()?)?),
                "--engine" => options.engines.push(value()?),
                "--nocapture" | "--quiet" | "--show-output" => {}
                _ => return Err(failed(format!("{word}: unknown option\n{HELP}"))),
            }
        }
        if options.engines.is_empty() && options.speed.is_some() {
            options.engines = crate::speed::ENGINES.map(str::to_owned).to_vec();
        }
        if options.engines.is_empty() {
            options.engines = ENGINES.map(str::to_owned).to_vec();
        }
        if let Some(name) = options.engines.iter().find(|name| !ENGINES.contains(&name.as_str())) {
            return Err(failed(format!("--engine {name}: known are {}", ENGINES.join(", "))));
        }
        Ok(options)
    }

    /// The words that ask for the same of one engine.
    pub fn words(&self, engine: &str) -> Vec<String> {
        let mut words = vec!["--engine", engine];
        words.extend(self.all.then_some("--all"));
        words.extend(self.trace.then_some("--trace"));
        words.extend(self.logs.then_some("--logs"));
        let count = self.speed.map(|count| count.to_string());
        if let Some(count) = &count {
            words.extend(["--speed", count]);
        }
        if let Some(text) = &self.only {
            words.extend(["--only", text]);
        }
        let rootfs = self.rootfs.as_ref().map(|path| path.display().to_string());
        if let Some(path) = &rootfs {
            words.extend(["--rootfs", path]);
        }
        words.into_iter().map(str::to_owned).collect()
    }

    /// A deadline of so many seconds on an ordinary machine.
    pub fn deadline(&self, seconds: u64) -> Duration {
        Duration::from_secs(seconds) * self.patience
    }
}

/// The absolute path of a root directory that has an engine.
fn root(text: &str) -> Verdict<PathBuf> {
    let path = PathBuf::from(text).canonicalize().map_err(|error| failed(format!("--rootfs {text}: {error}")))?;
    if path.join("usr/bin/containerd").exists() || path.join("usr/bin/podman").exists() {
        return Ok(path);
    }
    Err(failed(format!("--rootfs {text}: neither containerd nor podman is installed there")))
}

/// At least one lane's worth.
fn count(text: &str) -> Verdict<usize> {
    match text.parse() {
        Ok(count @ 1..) => Ok(count),
        _ => Err(failed(format!("--speed {text}: not a number of containers"))),
    }
}
