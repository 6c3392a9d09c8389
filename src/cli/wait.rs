//! `onggi wait`

use clap::Parser;

use super::{Context, Run, output};
use crate::error::Result;
use crate::lifecycle;
use crate::state::Id;

/// Wait until a container has ended, and print its exit status.
#[derive(Parser, Debug)]
#[command(name = "wait")]
pub struct Wait {
    /// The container's id.
    #[arg(value_parser = Id::new)]
    id: Id,
}

impl Run for Wait {
    fn run(self, context: &Context) -> Result<u8> {
        output::print(&format!("{}\n", lifecycle::wait::wait(&context.store()?, &self.id)?)).map(|()| 0)
    }
}
