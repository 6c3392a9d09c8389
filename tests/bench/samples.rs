//! What was measured, and the numbers that are read from it.

use std::collections::BTreeMap;

use crate::clock::Answer;
use crate::lap::Pass;

/// All samples of one contender at one command on one config.
#[derive(Default)]
pub struct Cell {
    pub samples: Vec<Answer>,
    /// System calls and processes, from one traced run.
    pub traced: Option<Answer>,
    /// Why it did not run, in its own words.
    pub failure: Option<String>,
}

impl Cell {
    /// Takes in one answer for what it is worth.
    pub fn keep(&mut self, answer: Answer, pass: Pass) {
        match pass {
            Pass::WarmUp => {}
            Pass::Measured => self.samples.push(answer),
            Pass::Traced => self.traced = Some(answer),
        }
    }
}

/// (config, command, contender) -> cell.
#[derive(Default)]
pub struct Results(BTreeMap<(String, String, String), Cell>);

impl Results {
    /// The cell, made if it is new.
    pub fn cell(&mut self, config: &str, command: &str, contender: &str) -> &mut Cell {
        self.0.entry((config.to_owned(), command.to_owned(), contender.to_owned())).or_default()
    }

    /// Forgets what only had to run along: a lap's other commands.
    pub fn keep_only(&mut self, command: &str) {
        self.0.retain(|(_, of, _), _| of == command);
    }

    /// The cell, if anything was measured or failed there.
    pub fn get(&self, config: &str, command: &str, contender: &str) -> Option<&Cell> {
        self.0.get(&(config.to_owned(), command.to_owned(), contender.to_owned()))
    }
}

/// One line of the tables: what it is called, how it is read, and how it is shown.
pub struct Measure {
    pub name: &'static str,
    pub read: fn(&Cell) -> Option<f64>,
    pub decimals: usize,
}

/// The lines of the tables, in order.
pub const MEASURES: [Measure; 10] = [
    Measure { name: "wall min (ms)", read: wall_min, decimals: 2 },
    Measure { name: "wall first quartile", read: |c| of(c, 0.25, |a| a.wall, 1e6), decimals: 2 },
    Measure { name: "wall median", read: |c| of(c, 0.5, |a| a.wall, 1e6), decimals: 2 },
    Measure { name: "wall third quartile", read: |c| of(c, 0.75, |a| a.wall, 1e6), decimals: 2 },
    Measure { name: "CPU min (ms)", read: |c| of(c, 0.0, |a| a.cpu, 1e6), decimals: 2 },
    Measure { name: "CPU median", read: |c| of(c, 0.5, |a| a.cpu, 1e6), decimals: 2 },
    Measure { name: "peak memory (MB)", read: peak, decimals: 2 },
    Measure { name: "page faults, median", read: |c| of(c, 0.5, |a| a.faults, 1.0), decimals: 0 },
    Measure { name: "system calls", read: calls, decimals: 0 },
    Measure { name: "processes", read: |c| c.traced.map(|a| real(a.processes)), decimals: 0 },
];

/// Milliseconds.
pub fn wall_min(cell: &Cell) -> Option<f64> {
    of(cell, 0.0, |a| a.wall, 1e6)
}

/// The largest of all samples, in units of 10^6 bytes.
pub fn peak(cell: &Cell) -> Option<f64> {
    of(cell, 1.0, |a| a.peak * 1024, 1e6)
}

fn calls(cell: &Cell) -> Option<f64> {
    cell.traced.map(|a| real(a.calls))
}

/// The value below which `part` of the samples lie, in units of `unit`.
fn of(cell: &Cell, part: f64, read: fn(&Answer) -> i64, unit: f64) -> Option<f64> {
    let mut values: Vec<f64> = cell.samples.iter().map(|a| real(read(a)) / unit).collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let at = (part * last as f64).round() as usize;
    values.get(at).copied()
}

#[allow(clippy::cast_precision_loss)]
fn real(number: i64) -> f64 {
    number as f64
}
