//! `onggi events`

use std::time::Duration;

use clap::Parser;

use super::{Context, Run, duration, output};
use crate::error::{Error, Result};
use crate::lifecycle::events::{stats, watch};
use crate::state::Id;

/// Show what a container uses, and when the kernel kills in it for want of memory.
///
/// A line of JSON for each, until the container ends.
#[derive(Parser, Debug)]
#[command(name = "events")]
pub struct Events {
    /// Show what it uses now, and end.
    #[arg(long)]
    stats: bool,
    /// How often what it uses is shown.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = interval)]
    interval: Duration,
    /// The container's id.
    #[arg(value_parser = Id::new)]
    id: Id,
}

impl Run for Events {
    fn run(self, context: &Context) -> Result<u8> {
        let store = context.store()?;
        if self.stats {
            return output::print_json(&stats(&store, &self.id)?).map(|()| 0);
        }
        watch(&store, &self.id, self.interval, &mut |event| output::print_json_line(event)).map(|()| 0)
    }
}

fn interval(text: &str) -> Result<Duration> {
    duration::parse(text).ok_or_else(|| {
        Error::new("--interval", format!("{text:?} is no length of time")).hint("for instance 5s, 1m30s or 500ms")
    })
}
