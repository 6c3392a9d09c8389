//! `onggi kill`

use clap::Parser;

use super::{Context, Run};
use crate::error::{Error, Result};
use crate::lifecycle::{self, Signal};
use crate::state::Id;

/// Send a signal to a container's first process.
#[derive(Parser, Debug)]
#[command(name = "kill", after_help = "Examples:\n  onggi kill jar\n  onggi kill jar HUP\n  onggi kill --all jar 9")]
pub struct Kill {
    /// To all of its processes.
    #[arg(long, short)]
    all: bool,
    /// The container's id.
    #[arg(value_parser = Id::new)]
    id: Id,
    /// A name, with or without SIG, as RTMIN+1 too, or a number; 0 only asks whether it is there.
    #[arg(value_parser = signal, default_value = "TERM")]
    signal: Signal,
}

impl Run for Kill {
    fn run(self, context: &Context) -> Result<u8> {
        lifecycle::kill::kill(&context.store()?, &self.id, self.signal, self.all).map(|()| 0)
    }
}

/// Reads a signal from the command line.
pub fn signal(text: &str) -> Result<Signal> {
    text.parse().map_err(|what: String| Error::new("signal", what))
}
