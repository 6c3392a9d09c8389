//! `onggi run`

use clap::Parser;

use super::create::How;
use super::{Context, Run as Subcommand};
use crate::error::Result;
use crate::lifecycle;
use crate::state::Id;

/// Create a container, start it, and delete it when it has ended.
///
/// Signals are passed on to it, and its exit status is the command's.
#[derive(Parser, Debug)]
#[command(
    name = "run",
    after_help = "Examples:\n  onggi run --bundle /srv/jar jar\n  onggi run --detach --pid-file /run/jar.pid jar"
)]
pub struct Run {
    #[command(flatten)]
    how: How,
    /// Return as soon as it runs.
    #[arg(long, short)]
    detach: bool,
    /// Don't delete it when it has ended.
    #[arg(long)]
    keep: bool,
    /// Without a meaning: run never becomes a subreaper.
    #[arg(long, hide = true)]
    no_subreaper: bool,
    /// The new container's id.
    #[arg(value_parser = Id::new)]
    id: Id,
}

impl Subcommand for Run {
    fn run(self, context: &Context) -> Result<u8> {
        let request = self.how.request(self.id, context);
        lifecycle::run::run(&context.store()?, &request, self.detach, self.keep)
    }
}
