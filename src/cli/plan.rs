//! `onggi plan`

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use super::{Context, Run, output};
use crate::bundle::Bundle;
use crate::error::Result;
use crate::plan::{Host, Options, Plan as Planned, show};
use crate::state::Id;

/// Show what `create` would do, without doing it.
#[derive(Parser, Debug)]
#[command(name = "plan")]
pub struct Plan {
    /// The directory with config.json.
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    bundle: PathBuf,
    /// How it is shown.
    #[arg(long, short, value_name = "FORMAT", default_value = "human")]
    format: Format,
    /// The id that the container would have.
    #[arg(value_parser = Id::new, default_value = "ID")]
    id: Id,
}

/// For people or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Human,
    /// For programs.
    Json,
}

impl Run for Plan {
    fn run(self, _: &Context) -> Result<u8> {
        let options = Options { id: self.id.to_string() };
        let plan = Planned::new(&Bundle::load(&self.bundle)?, &Host::probe(), &options)?;
        match self.format {
            Format::Human => output::print(&show::human(&plan)),
            Format::Json => output::print_json_indented(&show::json(&plan)),
        }
        .map(|()| 0)
    }
}
