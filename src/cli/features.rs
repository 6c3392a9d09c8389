//! `onggi features`

use clap::Parser;

use super::{Context, Run, output};
use crate::error::Result;
use crate::lifecycle;

/// Print what onggi can do as JSON.
#[derive(Parser, Debug)]
#[command(name = "features")]
pub struct Features {}

impl Run for Features {
    fn run(self, _: &Context) -> Result<u8> {
        output::print_json_indented(&lifecycle::features::features()).map(|()| 0)
    }
}
