//! `onggi start`

use clap::Parser;

use super::{Context, Run};
use crate::error::Result;
use crate::lifecycle;
use crate::state::Id;

/// Start the program of a created container.
#[derive(Parser, Debug)]
#[command(name = "start")]
pub struct Start {
    /// The container's id.
    #[arg(value_parser = Id::new)]
    id: Id,
}

impl Run for Start {
    fn run(self, context: &Context) -> Result<u8> {
        lifecycle::start::start(&context.store()?, &self.id).map(|()| 0)
    }
}
