//! `wait`: until a container has ended.

use crate::error::{Error, Result};
use crate::state::{Id, Init, Status, Store};

/// Waits until the container has stopped, and says how it ended (128+n for signal n).
///
/// An exit status belongs to the parent, which is whoever called `create`, or what reaps its orphans. We are told it too
/// if the parent has not asked for it yet, or if we were already waiting at the end and the kernel is at least 6.15,
/// or if it was `run` that saw it and kept the container. Otherwise the error says that the container has stopped and
/// that nobody knows how; a status is never made up.
pub fn wait(store: &Store, id: &Id) -> Result<u8> {
    let entry = store.open_entry(id)?;
    let (record, status) = entry.look()?;
    if status == Status::Creating {
        return Err(Error::new(id.as_str(), "is just being created").hint("wait when `create` has returned"));
    }
    if let Some(init) = Init::find(&record)? {
        init.wait(None)?;
        if let Some(status) = init.exit_status() {
            return Ok(status);
        }
    } else if let Some(status) = Init::zombie_status(&record) {
        return Ok(status);
    }
    // `run` writes down how it ended, if it keeps the container.
    entry.read().ok().and_then(|record| record.exit_status).ok_or_else(|| {
        Error::new(id.as_str(), "has stopped; its exit status was told to its parent only")
            .hint("wait before it ends, on Linux 6.15 or later")
    })
}
