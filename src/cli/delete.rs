//! `onggi delete`

use clap::Parser;

use super::{Context, Run};
use crate::error::{Error, Result};
use crate::lifecycle;
use crate::state::Id;

/// Delete stopped containers, and all that is left of them.
#[derive(Parser, Debug)]
#[command(name = "delete")]
pub struct Delete {
    /// Kill them first; one that is not there, or only in part, is no error.
    #[arg(long, short)]
    force: bool,
    /// The containers' ids.
    #[arg(required = true, value_name = "ID", value_parser = Id::new)]
    ids: Vec<Id>,
}

impl Run for Delete {
    fn run(self, context: &Context) -> Result<u8> {
        let store = context.store()?;
        let mut problems = Vec::new();
        for id in &self.ids {
            match lifecycle::delete::delete(&store, id, self.force) {
                Ok(warnings) => warnings.iter().for_each(|warning| tracing::warn!("{id}: {warning}")),
                Err(error) => problems.extend(error.problems),
            }
        }
        Error::all(problems).map(|()| 0)
    }
}
