//! What became of a row, on its way from inside a world to the table.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::command::{Trouble, Verdict};
use crate::options::Options;

/// How a row ended.
#[derive(Serialize, Deserialize)]
pub enum Outcome {
    /// As it must be.
    Passed,
    /// Not asked here, and why.
    Skipped(String),
    /// Not as it must be: the command, its output, the logs.
    Failed(String),
}

/// One line of the table.
#[derive(Serialize, Deserialize)]
pub struct Report {
    /// The engine's name.
    pub engine: String,
    /// What was asked.
    pub feature: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Wall time of the row.
    pub took: Duration,
}

impl Report {
    /// A report that took no time worth telling.
    pub fn new(engine: &str, feature: &str, verdict: impl Into<Outcome>) -> Self {
        Self { engine: engine.to_owned(), feature: feature.to_owned(), outcome: verdict.into(), took: Duration::ZERO }
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Ok(()) => Self::Passed,
            Err(trouble) => trouble.into(),
        }
    }
}

impl From<Trouble> for Outcome {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Skipped(why) => Self::Skipped(why),
            Trouble::Failed(why) => Self::Failed(why),
        }
    }
}

/// The table, printed line by line as the rows end, so that one that hangs is seen.
pub struct Table {
    passed: usize,
    failed: Vec<String>,
    skipped: usize,
}

impl Table {
    /// Prints the head.
    pub fn new(options: &Options) -> Self {
        println!("runtime: {}", options.runtime.display());
        println!("{:<8} {:<58} {:<6} {:>8}", "ENGINE", "FEATURE", "RESULT", "TIME");
        Self { passed: 0, failed: Vec::new(), skipped: 0 }
    }

    /// Prints a line, and below it why a row failed or was skipped.
    pub fn add(&mut self, report: &Report) {
        let (result, why) = match &report.outcome {
            Outcome::Passed => {
                self.passed += 1;
                ("ok", String::new())
            }
            Outcome::Skipped(why) => {
                self.skipped += 1;
                ("skip", format!("  {why}"))
            }
            Outcome::Failed(why) => {
                self.failed.push(format!("{}: {}", report.engine, report.feature));
                ("FAILED", indented(why))
            }
        };
        println!("{:<8} {:<58} {result:<6} {:>6}ms{why}", report.engine, report.feature, report.took.as_millis());
    }

    /// Prints the closing lines; true if nothing failed.
    pub fn close(self) -> bool {
        if !self.failed.is_empty() {
            println!("\nfailed:");
            for name in &self.failed {
                println!("  {name}");
            }
        }
        println!();
        println!("{} passed, {} failed, {} skipped", self.passed, self.failed.len(), self.skipped);
        self.failed.is_empty()
    }
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut all, line| {
        let _ = write!(all, "\n    {line}");
        all
    })
}
