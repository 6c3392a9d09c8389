//! `onggi state`

use clap::Parser;

use super::{Context, Run, output};
use crate::error::Result;
use crate::lifecycle;
use crate::state::Id;

/// Print the state of a container as JSON.
#[derive(Parser, Debug)]
#[command(name = "state")]
pub struct State {
    /// The container's id.
    #[arg(value_parser = Id::new)]
    id: Id,
}

impl Run for State {
    fn run(self, context: &Context) -> Result<u8> {
        output::print_json_indented(&lifecycle::state::state(&context.store()?, &self.id)?).map(|()| 0)
    }
}
