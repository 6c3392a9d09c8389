//! The runtime under test: its program, its state root, its words.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::Bundle;
use super::command::{Invocation, Output};

/// A runtime's program with a state root of its own.
pub struct Runtime {
    program: PathBuf,
    root: PathBuf,
    user: Option<(u32, u32)>,
}

impl Runtime {
    /// onggi of this build, or the program that `ONGGI_BIN` names, with its state below `root`.
    pub fn new(root: PathBuf) -> Self {
        let other = std::env::var_os("ONGGI_BIN").map(PathBuf::from);
        let program = other.unwrap_or_else(|| env!("CARGO_BIN_EXE_onggi").into());
        Self {
            program,
            root,
            user: None,
        }
    }

    /// A runtime called by an ordinary user, with its state below `root`, which is theirs.
    pub fn for_user(uid: u32, gid: u32, program: PathBuf, root: PathBuf) -> Self {
        Self {
            program,
            root,
            user: Some((uid, gid)),
        }
    }

    /// The runtime's file name: `onggi`, `crun`, `runc`.
    pub fn name(&self) -> &str {
        self.program
            .file_name()
            .and_then(OsStr::to_str)
            .unwrap_or_default()
    }

    /// Whether it's onggi that is tested.
    pub fn is_onggi(&self) -> bool {
        self.name().starts_with("onggi")
    }

    /// Its program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Its state root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `RUNTIME --root ROOT WORDS...`, not yet started.
    pub fn invoke<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Invocation {
        let mut command = Command::new(&self.program);
        command.arg("--root").arg(&self.root).args(words);
        if let Some((uid, gid)) = self.user {
            command
                .uid(uid)
                .gid(gid)
                .env("XDG_RUNTIME_DIR", &self.root)
                .env("HOME", &self.root);
        }
        // What cargo sets for its tests is not what a shell or an engine has.
        command.env_remove("LD_LIBRARY_PATH");
        let invocation = Invocation::new(command);
        // crun gives stdin to the container's user, the machine's /dev/null too; onggi has to leave it.
        if self.is_onggi() {
            invocation
        } else {
            invocation.stdin("")
        }
    }

    /// Runs `RUNTIME --root ROOT WORDS...` to its end.
    #[track_caller]
    pub fn call<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Output {
        self.invoke(words).run()
    }

    /// `run ID` of a bundle in the foreground, not yet started.
    pub fn run(&self, bundle: &Bundle, id: &str) -> Invocation {
        let path = bundle.path();
        self.invoke([
            OsStr::new("run"),
            OsStr::new("--bundle"),
            path.as_os_str(),
            OsStr::new(id),
        ])
    }

    /// The state of a container as JSON.
    #[track_caller]
    pub fn state(&self, id: &str) -> Value {
        let output = self.call(["state", id]).ok();
        serde_json::from_str(&output.stdout)
            .unwrap_or_else(|cause| panic!("{cause} in {output:#?}"))
    }

    /// The ids that the state root holds.
    pub fn ids(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(&self.root) else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
            .collect()
    }
}
