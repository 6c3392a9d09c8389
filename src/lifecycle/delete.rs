//! `delete`: nothing is left behind.

use std::time::Instant;

use crate::cgroup::{Cgroup, systemd};
use crate::error::{Error, Result};
use crate::lifecycle::end::{PATIENCE, remove_cgroup};
use crate::lifecycle::{end, hooks, own_cgroup, resctrl};
use crate::state::{Entry, Id, Init, Record, Status, Store};

/// Deletes a stopped container: what is left of its processes, its cgroups, its state; and runs the poststop hooks.
/// Returns what went wrong with the hooks, which is for a warning (spec: runtime, Lifecycle 14).
///
/// With `force` it need not be stopped, nor whole, nor there. After an error the container is still known, so that it
/// can be tried again.
pub fn delete(store: &Store, id: &Id, force: bool) -> Result<Vec<Error>> {
    let entry = match store.find(id)? {
        Some(entry) => entry,
        None if force => return Ok(Vec::new()),
        None => store.open_entry(id)?,
    };
    let _lock = match entry.lock() {
        // Somebody else has deleted it while we waited.
        Err(_) if force && store.find(id)?.is_none() => return Ok(Vec::new()),
        lock => lock?,
    };
    if force {
        return match entry.salvage()? {
            Some(record) => destroy(&entry, &record),
            None => remains(&entry).map(|()| Vec::new()),
        };
    }
    let (record, status) = entry.look()?;
    match status {
        Status::Stopped => destroy(&entry, &record),
        status => Err(Error::new(id.as_str(), format!("can't be deleted: it is {status}, not stopped"))
            .hint(format!("`stop {id}` first, or `delete --force {id}`"))),
    }
}

/// The end of a container: its processes, its cgroups; the poststop hooks run; its state goes last (spec: runtime, Lifecycle
/// 12 and 13). Returns what went wrong with the hooks.
pub(super) fn destroy(entry: &Entry, record: &Record) -> Result<Vec<Error>> {
    end(entry.id(), Init::find(record)?.as_ref(), own_cgroup(record)?.as_ref())?;
    if let Some(cgroup) = &record.cgroup {
        remove_cgroup(cgroup, &record.cgroups_made, record.systemd.as_ref(), Instant::now() + PATIENCE)?;
    } else if let Some(unit) = &record.systemd {
        // Its creation was interrupted: the name may be another's, or nobody's.
        systemd::stop(unit, false)?;
    }
    resctrl::remove(&record.resctrl_made)?;
    // Before the record goes: if we are killed now, another `delete` runs them again, where otherwise nobody would.
    let warnings = hooks::poststop(record);
    entry.remove()?;
    Ok(warnings)
}

/// Deletes a container whose record is not there or can't be read: by its cgroup.
fn remains(entry: &Entry) -> Result<()> {
    if let Some(path) = entry.cgroup() {
        end(entry.id(), None, Cgroup::open(&path)?.as_ref())?;
        Cgroup::remove(&path, std::slice::from_ref(&path), Instant::now() + PATIENCE)?;
    }
    entry.remove()
}
