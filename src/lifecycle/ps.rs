//! `ps`: the processes of a container.

use crate::error::{Error, Result};
use crate::lifecycle::own_cgroup;
use crate::state::{Id, Init, Store};

/// The process ids of all of the container's processes, as the runtime sees them, in order; none if it has stopped.
pub fn ps(store: &Store, id: &Id) -> Result<Vec<i32>> {
    let record = store.open_entry(id)?.read()?;
    match own_cgroup(&record)? {
        Some(cgroup) => {
            let mut pids = cgroup.processes()?;
            pids.sort_unstable();
            Ok(pids)
        }
        None if Init::find(&record)?.is_none() => Ok(Vec::new()),
        None => Err(Error::new(id.as_str(), "has no cgroup of its own, so its processes can't be told from others")),
    }
}
