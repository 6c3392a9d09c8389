//! `onggi stop`

use std::time::Duration;

use clap::Parser;

use super::kill::signal;
use super::{Context, Run, output};
use crate::error::{Error, Result};
use crate::lifecycle::Signal;
use crate::lifecycle::stop::{Stopped, stop};
use crate::state::Id;

/// Ask containers to end, and kill those that have not when the time is over.
#[derive(Parser, Debug)]
#[command(name = "stop")]
pub struct Stop {
    /// How they are asked.
    #[arg(long, value_name = "SIGNAL", value_parser = signal, default_value = "TERM")]
    signal: Signal,
    /// How long they have, in seconds.
    #[arg(long, short, value_name = "SECONDS", default_value = "10")]
    time: u32,
    /// The containers' ids.
    #[arg(required = true, value_name = "ID", value_parser = Id::new)]
    ids: Vec<Id>,
}

impl Run for Stop {
    fn run(self, context: &Context) -> Result<u8> {
        let patience = Duration::from_secs(self.time.into());
        let mut problems = Vec::new();
        for (id, outcome) in self.ids.iter().zip(stop(&context.store()?, &self.ids, self.signal, patience)) {
            match outcome {
                Ok(how) => output::print(&format!("{id}: {}\n", self.told(how)))?,
                Err(error) => problems.extend(error.problems),
            }
        }
        Error::all(problems).map(|()| 0)
    }
}

impl Stop {
    fn told(&self, how: Stopped) -> String {
        match how {
            Stopped::Before => "had stopped before".into(),
            Stopped::BySignal(after) => format!("stopped by {} after {:.1} s", self.signal, after.as_secs_f32()),
            Stopped::Killed => {
                format!("killed, having ignored {} for {} s", self.signal, self.time)
            }
            Stopped::NotStarted => "killed before it was started".into(),
        }
    }
}
