//! `onggi pause`

use clap::Parser;

use super::{Context, Run};
use crate::error::Result;
use crate::lifecycle;
use crate::state::Id;

/// Make all processes of a container stand still.
#[derive(Parser, Debug)]
#[command(name = "pause")]
pub struct Pause {
    /// The container's id.
    #[arg(value_parser = Id::new)]
    id: Id,
}

impl Run for Pause {
    fn run(self, context: &Context) -> Result<u8> {
        lifecycle::pause::pause(&context.store()?, &self.id).map(|()| 0)
    }
}
