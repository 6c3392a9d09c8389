//! `list`: all containers.

use crate::error::Result;
use crate::lifecycle::State;
use crate::state::{Id, Store};

/// One container, or why nothing can be said of it.
#[derive(Debug)]
pub struct Listed {
    /// The id.
    pub id: Id,
    /// Its state, or why it can't be told: a container whose record is damaged is listed all the same.
    pub state: Result<State>,
}

/// All containers in the order of their ids.
pub fn list(store: &Store) -> Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for id in store.list()? {
        // One that was deleted since is not missing, nor one that is only begun.
        let Some(entry) = store.find(&id)? else { continue };
        let Some(look) = entry.find_look().transpose() else { continue };
        listed.push(Listed { id, state: look.map(|(record, status)| State::shown(&record, status)) });
    }
    Ok(listed)
}
