//! One sample of each command of a lap, by one contender.

use crate::clock::{Answer, Clock};
use crate::contender::{Container, Contender};
use crate::samples::Results;
use crate::stage::Stage;
use crate::{Result, guard};

/// One contender on its course: what it runs on one config.
pub struct Runner<'a> {
    pub who: &'a Contender,
    /// Ends by itself; made anew by each `run` and `create`.
    pub short: Container<'a>,
    /// Sleeps from the first round to the last, for `exec` and `state`; or why it does not.
    pub long: std::result::Result<Container<'a>, String>,
}

/// What is done with the answers.
#[derive(Clone, Copy, PartialEq)]
pub enum Pass {
    /// Thrown away.
    WarmUp,
    /// Kept.
    Measured,
    /// Under ptrace, for the counts alone.
    Traced,
}

impl Runner<'_> {
    /// Runs the lap's commands in order. A contender that failed in a lap does not try it again.
    pub fn run(&self, stage: &Stage, clock: &mut Clock, lap: &[&str], pass: Pass, results: &mut Results) -> Result<()> {
        let (config, name) = (self.short.config, self.who.name);
        if lap.iter().any(|command| results.cell(config, command, name).failure.is_some()) {
            return Ok(());
        }
        let fail = |why: String, results: &mut Results| {
            for command in lap {
                results.cell(config, command, name).failure = Some(why.clone());
            }
        };
        let container = match (&self.long, lap) {
            (Err(why), ["exec" | "state"]) => {
                fail(why.clone(), results);
                return Ok(());
            }
            (Ok(long), ["exec" | "state"]) => long,
            _ => &self.short,
        };
        let mut until_start = Answer::default();
        for command in lap {
            match self.step(stage, clock, command, container, pass, &mut until_start)? {
                Ok(answer) => results.cell(config, command, name).keep(answer, pass),
                Err(why) => {
                    fail(why, results);
                    if container.id == self.short.id {
                        guard::sweep(container);
                    }
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// One command; `until_start` carries from `create` to `start` what init has cost already.
    fn step(
        &self,
        stage: &Stage,
        clock: &mut Clock,
        command: &str,
        container: &Container,
        pass: Pass,
        until_start: &mut Answer,
    ) -> Result<std::result::Result<Answer, String>> {
        let request = self.who.call(stage, command, container);
        let mut answer = match pass {
            Pass::Traced => clock.trace(&request)?,
            Pass::WarmUp | Pass::Measured => clock.run(&request)?,
        };
        let said = clock.said();
        if answer.status != 0 {
            return Ok(Err(format!("{command}: exit status {}: {said}", answer.status)));
        }
        match (command, container.pid()) {
            ("create", None) => return Ok(Err("create wrote no pid file".to_owned())),
            ("create", Some(pid)) => {
                *until_start = so_far(pid);
                add(&mut answer, until_start);
            }
            ("start", Some(pid)) => {
                let mut program = clock.reap(pid)?;
                program.cpu -= until_start.cpu;
                program.faults -= until_start.faults;
                program.peak = 0;
                add(&mut answer, &program);
            }
            _ => {}
        }
        Ok(Ok(answer))
    }
}

/// A container's init is reaped only after `start`: what it cost until `create` returned is read
/// from /proc (nanoseconds in each task's schedstat, memory's peak, faults in stat's tenth field).
fn so_far(pid: u32) -> Answer {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
    let cpu = tasks.into_iter().flatten().flatten().filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<i64>().ok()
    });
    let stat = read("stat");
    let faults = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(7));
    let status = read("status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|rest| rest.trim().strip_suffix(" kB"));
    Answer {
        cpu: cpu.sum(),
        faults: faults.and_then(|n| n.parse().ok()).unwrap_or(0),
        peak: peak.and_then(|n| n.parse().ok()).unwrap_or(0),
        ..Answer::default()
    }
}

/// Adds what the container's own process cost to what the command cost.
fn add(to: &mut Answer, more: &Answer) {
    to.cpu += more.cpu;
    to.faults += more.faults;
    to.peak = to.peak.max(more.peak);
}
