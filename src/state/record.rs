//! What is remembered of a container.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::plan::cgroup::systemd;
use crate::plan::{Hook, Listener};

/// The version of [`Record`]'s form. It is raised when an older onggi could no longer read a record rightly.
pub const VERSION: u32 = 1;

/// What is remembered of a container, as `state.json`.
///
/// It is written twice: before the first side effect with all that `delete --force` needs (the *intent*, without a
/// pid), and when init is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The form's version, [`VERSION`].
    pub version: u32,
    /// The container's cgroup: its absolute path on the host; `None` if it lives in its caller's.
    pub cgroup: Option<PathBuf>,
    /// The directories that were made for it, the outermost first; only these are removed.
    #[serde(default)]
    pub cgroups_made: Vec<PathBuf>,
    /// The resctrl groups of its processes, in the order in which they are entered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resctrl: Vec<PathBuf>,
    /// Those that were made for it; only these are removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resctrl_made: Vec<PathBuf>,
    /// The unit of systemd's that the cgroup belongs to, if it was asked to make one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub systemd: Option<systemd::Reference>,
    /// Init's process id as the runtime sees it; `None` in the intent.
    pub pid: Option<i32>,
    /// When init started, in clock ticks after boot (field 22 of /proc/PID/stat).
    pub start_time: Option<u64>,
    /// The id.
    pub id: String,
    /// The bundle's absolute path.
    pub bundle: PathBuf,
    /// The rootfs' absolute path.
    pub rootfs: PathBuf,
    /// When it was created, RFC 3339 in UTC with nanoseconds ([`nanoseconds`](super::time::nanoseconds)).
    pub created: String,
    /// The user id that created it.
    pub owner: u32,
    /// The config's `ociVersion`.
    pub oci_version: String,
    /// The config's annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Whether cgroups that can't be made are done without.
    #[serde(default)]
    pub rootless: bool,
    /// Whether it has a user namespace of its own.
    #[serde(default)]
    pub user_namespace: bool,
    /// Whether it has a pid namespace of its own, so that its processes end with init.
    #[serde(default)]
    pub pid_namespace: bool,
    /// The agent that `start` gives the listener of the seccomp filter to.
    #[serde(default)]
    pub listener: Option<Listener>,
    /// Whether its config has no process, so that it can't be started.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_process: bool,
    /// The hooks that `start` runs.
    #[serde(default)]
    pub poststart: Vec<SavedHook>,
    /// The hooks that `delete` runs.
    #[serde(default)]
    pub poststop: Vec<SavedHook>,
    /// How init ended (128+n for signal n), if a command saw it.
    #[serde(default)]
    pub exit_status: Option<u8>,
}

/// A hook, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedHook {
    path: String,
    args: Vec<String>,
    env: Vec<String>,
    /// Seconds.
    timeout: Option<u64>,
}

impl Record {
    /// The record as JSON. Fails if a path is not UTF-8, for which JSON has no form.
    pub(super) fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|cause| {
            Error::new("the container's state", cause.to_string()).hint("move the bundle to a path that is UTF-8")
        })
    }

    /// Reads `json`; `file` is what an error names.
    pub(super) fn from_json(json: &[u8], file: &str) -> Result<Self> {
        const REMEDY: &str = "`delete --force` removes what is left of the container";
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        if json.is_empty() {
            return Err(Error::new(file, "is empty").hint(REMEDY));
        }
        let damage = match serde_json::from_slice::<Self>(json) {
            Ok(record) if record.version == VERSION => return Ok(record),
            Ok(_) => None,
            Err(cause) => Some(cause),
        };
        // A record of a newer form may well not be readable as one of ours.
        let version = serde_json::from_slice(json).map_or(VERSION, |Version { version }| version);
        let what = match damage {
            Some(cause) if version == VERSION => format!("is damaged: {cause}"),
            _ => format!("has the form of another onggi (version {version}; this one knows {VERSION})"),
        };
        Err(Error::new(file, what).hint(REMEDY))
    }
}

impl From<&Hook> for SavedHook {
    /// A plan's strings come from JSON, so nothing is lost.
    fn from(hook: &Hook) -> Self {
        let text = |text: &CString| text.to_string_lossy().into_owned();
        Self {
            path: text(&hook.path),
            args: hook.args.iter().map(text).collect(),
            env: hook.env.iter().map(text).collect(),
            timeout: hook.timeout.map(|timeout| timeout.as_secs()),
        }
    }
}

impl From<&SavedHook> for Hook {
    fn from(saved: &SavedHook) -> Self {
        // There was no NUL in it when it was saved; up to one is all that a C string can have.
        let text = |text: &String| {
            let mut bytes = text.as_bytes().to_vec();
            bytes.push(0);
            CStr::from_bytes_until_nul(&bytes).unwrap_or_default().to_owned()
        };
        Self {
            path: text(&saved.path),
            args: saved.args.iter().map(text).collect(),
            env: saved.env.iter().map(text).collect(),
            timeout: saved.timeout.map(Duration::from_secs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let hook = Hook {
            path: c"/bin/hook".into(),
            args: vec![c"hook".into(), c"a b".into()],
            env: vec![c"A=1".into()],
            timeout: Some(Duration::from_secs(3)),
        };
        Record {
            version: VERSION,
            id: "web".into(),
            pid: Some(42),
            start_time: Some(u64::MAX),
            bundle: "/srv/a \"b\"\n".into(),
            annotations: [("k".to_owned(), "v".to_owned())].into(),
            poststop: vec![SavedHook::from(&hook)],
            ..Record::default()
        }
    }

    #[test]
    fn comes_back_as_it_was() {
        let json = record().to_json().unwrap();
        assert_eq!(Record::from_json(&json, "f").unwrap(), record());
    }

    #[test]
    fn hooks_come_back_as_they_were() {
        let saved = record().poststop.remove(0);
        assert_eq!(SavedHook::from(&Hook::from(&saved)), saved);
    }

    #[test]
    fn damage_names_the_file() {
        let json = record().to_json().unwrap();
        for end in 1..json.len() {
            let error = Record::from_json(&json[..end], "/r/web/state.json").unwrap_err().to_string();
            assert!(error.starts_with("/r/web/state.json: is damaged: "), "{error}");
        }
        let empty = Record::from_json(b"", "/r/web/state.json").unwrap_err().to_string();
        assert_eq!(empty, "/r/web/state.json: is empty (`delete --force` removes what is left of the container)");
    }

    #[test]
    fn a_newer_form_is_not_guessed_at() {
        let newer = Record::from_json(br#"{"version":2,"pid":{"new":"form"}}"#, "f").unwrap_err().to_string();
        assert!(newer.starts_with("f: has the form of another onggi (version 2; this one knows 1)"), "{newer}");
    }

    #[test]
    fn a_path_that_json_cannot_have_is_an_error() {
        use std::os::unix::ffi::OsStringExt;
        let bundle = PathBuf::from(std::ffi::OsString::from_vec(vec![b'/', 0xff]));
        let error = Record { bundle, ..record() }.to_json().unwrap_err().to_string();
        assert!(error.contains("UTF-8"), "{error}");
    }
}
