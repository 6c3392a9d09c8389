//! `state`: what a container is, for people, engines and hooks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::error::Result;
use crate::state::{Id, Record, Status, Store, owner_name};

/// A container's state as JSON has it (spec: runtime, State), and what runc adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// The config's `ociVersion`.
    pub oci_version: String,
    /// The id.
    pub id: String,
    /// Init's process id as the runtime sees it; 0 in the answer about a stopped container, as runc has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// What it is doing.
    pub status: Status,
    /// The bundle's absolute path.
    pub bundle: PathBuf,
    /// Not for hooks: the rootfs' absolute path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rootfs: Option<PathBuf>,
    /// Not for hooks: when it was created, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The config's annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Not for hooks: the name of the user that created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

impl State {
    /// The state that hooks are given: exactly what the spec says.
    pub fn for_hooks(record: &Record, status: Status) -> Self {
        Self {
            oci_version: record.oci_version.clone(),
            id: record.id.clone(),
            pid: record.pid.filter(|_| status != Status::Stopped),
            status,
            bundle: record.bundle.clone(),
            rootfs: None,
            created: None,
            annotations: record.annotations.clone(),
            owner: None,
        }
    }

    /// The state that `state` and `list` show.
    pub fn shown(record: &Record, status: Status) -> Self {
        let spec = Self::for_hooks(record, status);
        Self {
            pid: Some(spec.pid.unwrap_or(0)),
            rootfs: Some(record.rootfs.clone()),
            created: Some(record.created.clone()),
            owner: Some(owner_name(record.owner)),
            ..spec
        }
    }
}

/// The state of container `id`.
pub fn state(store: &Store, id: &Id) -> Result<State> {
    let (record, status) = store.open_entry(id)?.look()?;
    Ok(State::shown(&record, status))
}
