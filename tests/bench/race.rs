//! The samples: every command of every contender on one config, in rounds of random order.

use std::time::{SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::args::Args;
use crate::clock::Clock;
use crate::contender::{Container, Contender};
use crate::lap::{Pass, Runner};
use crate::samples::Results;
use crate::stage::Stage;
use crate::{Result, guard};

/// What is raced, in the order of the report.
pub const COMMANDS: [&str; 7] = ["run", "create", "start", "delete", "exec", "state", "--version"];
const WARM_UP: usize = 3;

/// Commands that make one sample together: a container lives through three of them.
const LAPS: [&[&str]; 5] = [&["run"], &["create", "start", "delete"], &["exec"], &["state"], &["--version"]];

/// Runs all laps on one config.
pub fn race(
    stage: &Stage,
    clock: &mut Clock,
    entrants: &[Contender],
    config: &str,
    args: &Args,
    results: &mut Results,
) -> Result<()> {
    let mut runners = Vec::new();
    for who in entrants {
        let short = who.container(stage, config, "short")?;
        let container = who.container(stage, config, "long")?;
        let long = match begin_long(stage, clock, who, &container)? {
            None => Ok(container),
            Some(why) => Err(why),
        };
        runners.push(Runner { who, short, long });
    }
    let mut dice = Dice::new();
    for lap in LAPS.iter().filter(|lap| args.only.as_ref().is_none_or(|only| lap.contains(&only.as_str()))) {
        for round in 0..=WARM_UP + args.rounds {
            dice.shuffle(&mut runners);
            let pass = match round {
                r if r < WARM_UP => Pass::WarmUp,
                r if r == WARM_UP + args.rounds => Pass::Traced,
                _ => Pass::Measured,
            };
            for runner in &runners {
                runner.run(stage, clock, lap, pass, results)?;
            }
        }
    }
    for runner in &runners {
        if let Ok(container) = &runner.long {
            end_long(stage, clock, runner.who, container)?;
        }
    }
    Ok(())
}

/// Creates and starts a sleeping container; the failure as text, if it is one.
fn begin_long(stage: &Stage, clock: &mut Clock, who: &Contender, container: &Container) -> Result<Option<String>> {
    for command in ["create", "start"] {
        let answer = clock.run(&who.call(stage, command, container))?;
        let said = clock.said();
        if answer.status != 0 {
            guard::sweep(container);
            return Ok(Some(format!("{command}: exit status {}: {said}", answer.status)));
        }
    }
    if container.pid().is_some() {
        return Ok(None);
    }
    guard::sweep(container);
    Ok(Some("create wrote no pid file".to_owned()))
}

fn end_long(stage: &Stage, clock: &mut Clock, who: &Contender, container: &Container) -> Result<()> {
    let Some(pid) = container.pid() else {
        return Ok(());
    };
    kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGKILL)?;
    clock.reap(pid)?;
    if clock.run(&who.call(stage, "delete", container))?.status != 0 {
        println!("{}: delete of its sleeping container failed: {}", who.name, clock.said());
        guard::sweep(container);
    }
    Ok(())
}

/// xorshift64: order only, no secret.
pub struct Dice(u64);

impl Dice {
    /// Seeded by the time.
    pub fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::from(since.subsec_nanos()) << 32 | since.as_secs() & 0xffff_ffff | 1)
    }

    /// Puts the items into random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            let other = usize::try_from(self.0 >> 33).unwrap_or(0) % (last + 1);
            items.swap(last, other);
        }
    }
}
