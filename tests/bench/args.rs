//! The race's own flags.

use crate::Result;
use crate::race::COMMANDS;

/// What the caller asked for.
pub struct Args {
    /// Samples of each command, after the warm-up.
    pub rounds: usize,
    /// Containers of each run of the crowd.
    pub crowd: usize,
    /// Only this command, and no crowd.
    pub only: Option<String>,
}

const USAGE: &str = "usage: race [--rounds N] [--only COMMAND] [--quick]
COMMAND: run create start delete exec state --version";

/// Reads the flags. `--bench` is cargo's own and means nothing here.
pub fn parse(words: impl Iterator<Item = String>) -> Result<Args> {
    let mut args = Args { rounds: 30, crowd: 64, only: None };
    let mut words = words;
    while let Some(word) = words.next() {
        match word.as_str() {
            "--bench" => {}
            "--quick" => {
                args.rounds = 5;
                args.crowd = 16;
            }
            "--rounds" => {
                let number = words.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
                args.rounds = number.ok_or_else(|| format!("--rounds needs a number\n{USAGE}"))?;
            }
            "--only" => {
                let command = words.next().filter(|c| COMMANDS.contains(&c.as_str()));
                args.only = Some(command.ok_or_else(|| format!("--only needs a command\n{USAGE}"))?);
            }
            _ => return Err(format!("unknown word {word}\n{USAGE}").into()),
        }
    }
    Ok(args)
}
