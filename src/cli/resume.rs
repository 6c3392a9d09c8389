//! `onggi resume`

use clap::Parser;

use super::{Context, Run};
use crate::error::Result;
use crate::lifecycle;
use crate::state::Id;

/// Let a paused container go on.
#[derive(Parser, Debug)]
#[command(name = "resume")]
pub struct Resume {
    /// The container's id.
    #[arg(value_parser = Id::new)]
    id: Id,
}

impl Run for Resume {
    fn run(self, context: &Context) -> Result<u8> {
        lifecycle::pause::resume(&context.store()?, &self.id).map(|()| 0)
    }
}
