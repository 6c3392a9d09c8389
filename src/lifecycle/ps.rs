//! `ps`: the processes of a container.

use std::fs;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::lifecycle::own_cgroup;
use crate::state::{Id, Init, Record, Store};

/// The process ids of all of the container's processes, as the runtime sees them, in order; none if it has stopped.
pub fn ps(store: &Store, id: &Id) -> Result<Vec<i32>> {
    processes(&store.open_entry(id)?.read()?)
}

/// Those in the container's cgroup; without one, which is an ordinary user's case, those in its own pid namespace.
///
/// Fails if it has neither: then its processes can't be told from others.
pub fn processes(record: &Record) -> Result<Vec<i32>> {
    if let Some(cgroup) = own_cgroup(record)? {
        return cgroup.processes();
    }
    let Some(init) = Init::find(record)? else {
        return Ok(Vec::new());
    };
    if !record.pid_namespace {
        return Err(Error::new(&record.id, "has neither a cgroup nor a pid namespace of its own")
            .hint("so its processes can't be told from others"));
    }
    let namespace = |pid: i32| fs::read_link(format!("/proc/{pid}/ns/pid"));
    let own = namespace(init.pid()).map_err(|cause| Error::io(&record.id, "its pid namespace can't be seen", cause))?;
    let mut pids = numbers()?;
    // Those of others can't be seen, and are not the container's.
    pids.retain(|pid| namespace(*pid).is_ok_and(|other: PathBuf| other == own));
    Ok(pids)
}

/// All process ids, in order.
fn numbers() -> Result<Vec<i32>> {
    let directory = fs::read_dir("/proc").map_err(|cause| Error::io("/proc", "can't be listed", cause))?;
    let mut pids: Vec<i32> = directory.filter_map(|item| item.ok()?.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    Ok(pids)
}
