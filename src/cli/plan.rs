//! `onggi plan`

use std::path::PathBuf;

use clap::Parser;

use super::{Context, Run};
use crate::error::{Error, Result};

/// Show what `create` would do, without doing it.
#[derive(Parser, Debug)]
#[command(name = "plan")]
pub struct Plan {
    /// The directory with config.json.
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    bundle: PathBuf,
}

impl Run for Plan {
    fn run(self, _: &Context) -> Result<u8> {
        Err(Error::new("plan", "is not there yet"))
    }
}
