//! `onggi plan`

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use super::{Context, Run, output};
use crate::bundle::Bundle;
use crate::error::Result;
use crate::lifecycle;
use crate::plan::{self, Host};

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
    fn run(self, context: &Context) -> Result<u8> {
        let bundle = Bundle::load(&self.bundle)?;
        let plan = lifecycle::planned(&bundle, &Host::probe().for_spec(&bundle.spec), context.systemd_cgroup())?;
        match self.format {
            Format::Human => output::print(&plan::human(&plan)),
            Format::Json => output::print_json_indented(&plan::json(&plan)),
        }
        .map(|()| 0)
    }
}
