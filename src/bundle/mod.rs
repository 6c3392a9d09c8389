//! The bundle: a directory with a `config.json`, read and checked before anything is done.
//!
//! [`Bundle::load`] reads and parses; it is as lenient as Go's decoder where engines rely on it (see [`mend`]) and names the
//! place of every mistake. [`check::check`] then says *everything* that is wrong with a parsed config, at once. [`spec`]
//! writes a config to begin with.
//!
//! May enter: nothing of onggi but `error`. Of the host only `config.json` itself is looked at.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxNamespaceType, Process, Spec};

use crate::error::{Error, Problem, Result};

pub mod check;
mod findings;
mod mend;
pub mod names;
mod not_json;
mod parse;
pub mod path;
pub mod spec;

pub use findings::Findings;
pub use parse::{load_process, load_resources};

/// A bundle, read but not yet checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// Absolute path of the directory.
    pub path: PathBuf,
    /// `config.json`, byte for byte.
    pub config: Vec<u8>,
    /// `config.json`, parsed.
    pub spec: Spec,
    /// What was tolerated while parsing, for the log: `process.capabilities.bounding[2]: unknown capability "CAP_X"`.
    pub warnings: Vec<Problem>,
}

impl Bundle {
    /// Reads the bundle in `dir` (relative to the working directory).
    ///
    /// Errors: no such directory, no or no readable `config.json` in it, not JSON (with line and column), a value of the
    /// wrong type (with its JSON path).
    pub fn load(dir: &Path) -> Result<Self> {
        // What `..` means the kernel knows; otherwise the path stays as its caller wrote it.
        let up = dir.components().any(|part| part == std::path::Component::ParentDir);
        let absolute = if up { dir.canonicalize() } else { Err(ErrorKind::NotFound.into()) };
        let path = absolute
            .or_else(|_| std::path::absolute(dir))
            .map_err(|cause| Error::io(dir.display().to_string(), "not a bundle", cause))?;
        // Who asks for the state compares it with the path alone, without a slash at its end.
        let path: PathBuf = path.components().collect();
        let config = read_config(&path)?;
        Self::parse(path, config)
    }

    /// The process. In the place of none there is one of nothing: root in `/`, without a program, environment or capabilities.
    pub fn process(&self) -> Cow<'_, Process> {
        let nothing = || {
            let mut nothing = Process::default();
            nothing.set_args(None).set_env(None).set_capabilities(None).set_rlimits(None).set_no_new_privileges(None);
            Cow::Owned(nothing)
        };
        self.spec.process().as_ref().map_or_else(nothing, Cow::Borrowed)
    }

    /// Whether the container has a new mount namespace, so that mounts can be made in it.
    pub fn makes_mounts(&self) -> bool {
        check::is_new(&self.spec, LinuxNamespaceType::Mount)
    }

    /// The bundle at `path` (absolute) whose config.json reads `config`. Touches no file.
    pub fn parse(path: PathBuf, config: Vec<u8>) -> Result<Self> {
        let (mut spec, warnings) = parse::config(&config, &path.join("config.json"))?;
        mend::unasked_pids(&mut spec, &config);
        Ok(Self { path, config, spec, warnings })
    }
}

fn read_config(bundle: &Path) -> Result<Vec<u8>> {
    let file = bundle.join("config.json");
    let place = || file.display().to_string();
    // A FIFO is to be refused below, not waited for.
    let mut open = match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&file) {
        Ok(open) => open,
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            return Err(no_config(bundle));
        }
        Err(cause) => return Err(unreadable(&place(), cause)),
    };
    let metadata = open.metadata().map_err(|cause| unreadable(&place(), cause))?;
    if !metadata.is_file() {
        return Err(Error::new(place(), "is not a regular file").hint("put the config itself there"));
    }
    let mut config = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default().saturating_add(1));
    open.read_to_end(&mut config).map_err(|cause| unreadable(&place(), cause))?;
    Ok(config)
}

fn unreadable(file: &str, cause: std::io::Error) -> Error {
    let kind = cause.kind();
    let error = Error::io(file, "can't be read", cause);
    match kind {
        ErrorKind::PermissionDenied => {
            error.hint("its directories must be searchable, and it readable, for the caller")
        }
        ErrorKind::NotADirectory => {
            error.hint("--bundle names the directory with config.json and the root file system")
        }
        _ => error,
    }
}

fn no_config(bundle: &Path) -> Error {
    if bundle.is_dir() {
        Error::new("", format!("no config.json in {}", bundle.display()))
            .hint("`onggi spec` writes one; --bundle names another directory")
    } else {
        Error::new(bundle.display().to_string(), "no such bundle directory: no such file or directory")
            .hint("--bundle names the directory with config.json and the root file system")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_read_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.json"), spec::default().as_bytes()).unwrap();
        let bundle = Bundle::load(dir.path()).unwrap();
        assert_eq!(bundle.config, spec::default().as_bytes());
        assert_eq!(bundle.path, dir.path());
        let slash = Bundle::load(&dir.path().join("")).unwrap();
        assert_eq!(slash.path.as_os_str(), dir.path().as_os_str());
        assert_eq!(bundle.warnings, []);
    }

    #[test]
    fn no_process_has_nothing() {
        let bundle = Bundle::parse("/b".into(), b"{}".to_vec()).unwrap();
        let nothing: Process = serde_json::from_str(r#"{"user": {}, "cwd": "/", "terminal": false}"#).unwrap();
        assert_eq!(*bundle.process(), nothing);
    }

    #[test]
    fn what_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().display();
        let error = Bundle::load(dir.path()).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("no config.json in {path} (`onggi spec` writes one; --bundle names another directory)")
        );
        let error = Bundle::load(&dir.path().join("gone")).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{path}/gone: no such bundle directory")), "{error}");
    }

    #[test]
    fn a_directory_or_fifo_in_the_place_of_config_json_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("config.json")).unwrap();
        let error = Bundle::load(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with("/config.json: is not a regular file (put the config itself there)"), "{error}");
    }
}
