//! The race as tables for people and as JSON for programs.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::args::Args;
use crate::contender::{Contender, NAMES};
use crate::crowd::{Crowds, WIDTHS};
use crate::goals::Goal;
use crate::race::COMMANDS;
use crate::samples::{MEASURES, Results};
use crate::{CONFIGS, Result};

const RIVALS: [&str; 3] = ["floor", "crun", "runc"];

/// A table for each config and command, then the crowds, then who failed and why.
pub fn print(entrants: &[Contender], results: &Results, crowds: &Crowds) {
    for config in CONFIGS {
        for command in COMMANDS {
            if NAMES.iter().any(|name| results.get(config, command, name).is_some()) {
                print_command(results, config, command);
            }
        }
    }
    if !crowds.is_empty() {
        header("engine: containers a second");
        for width in WIDTHS {
            let name = if width == 1 { "one after the other".to_owned() } else { format!("{width} at a time") };
            row(&name, 0, |who| crowds.iter().find(|(key, _)| **key == (who, width))?.1.as_ref().ok().copied());
        }
    }
    println!();
    for who in entrants {
        for (config, command, why) in failures(results, who.name) {
            println!("{} does not {command} {config}: {why}", who.name);
        }
    }
    println!("CPU and page faults: the command, the children that it reaped, and the container's own process");
    println!(
        "(after `create` read from /proc; after `start` from the wait that reaped it). The floor's --version is the start of a static C program."
    );
}

fn failures<'a>(results: &'a Results, who: &str) -> Vec<(&'static str, &'static str, &'a str)> {
    let mut found = Vec::new();
    for config in CONFIGS {
        for command in COMMANDS {
            if let Some(why) = results.get(config, command, who).and_then(|cell| cell.failure.as_deref()) {
                found.push((config, command, why));
            }
        }
    }
    found
}

fn print_command(results: &Results, config: &str, command: &str) {
    header(&format!("{config}: {command}"));
    for measure in MEASURES {
        row(measure.name, measure.decimals, |who| results.get(config, command, who).and_then(measure.read));
    }
}

fn header(title: &str) {
    print!("\n{title:<24}");
    for name in NAMES {
        print!("{name:>9}");
    }
    print!("  ");
    for rival in RIVALS {
        print!("{:>12}", format!("onggi/{rival}"));
    }
    println!();
}

fn row(name: &str, decimals: usize, read: impl Fn(&'static str) -> Option<f64>) {
    print!("  {name:<22}");
    for who in NAMES {
        print!("{:>9}", read(who).map_or("-".to_owned(), |value| format!("{value:.decimals$}")));
    }
    print!("  ");
    for rival in RIVALS {
        let ratio = read("onggi").zip(read(rival)).filter(|(_, other)| *other > 0.0);
        print!("{:>12}", ratio.map_or("-".to_owned(), |(ours, other)| format!("{:.2}", ours / other)));
    }
    println!();
}

/// Everything, with each sample: for charts and for comparing one day with another.
pub fn write_json(
    path: &Path,
    args: &Args,
    entrants: &[Contender],
    results: &Results,
    crowds: &Crowds,
    goals: &[Goal],
) -> Result<()> {
    let mut configs = Map::new();
    for config in CONFIGS {
        let mut commands = Map::new();
        for command in COMMANDS {
            let cells = entrants
                .iter()
                .filter_map(|who| Some((who.name.to_owned(), cell_json(results, config, command, who.name)?)));
            commands.insert(command.to_owned(), Value::Object(cells.collect()));
        }
        configs.insert(config.to_owned(), Value::Object(commands));
    }
    let crowds: Vec<Value> = crowds
        .iter()
        .map(|((who, width), rate)| json!({"contender": who, "at_a_time": width, "per_second": rate.as_ref().ok()}))
        .collect();
    let goals: Vec<Value> = goals
        .iter()
        .map(|goal| json!({"goal": goal.text, "at_most": goal.limit, "figure": goal.figure, "met": goal.met()}))
        .collect();
    let whole = json!({"rounds": args.rounds, "configs": configs, "crowds": crowds, "goals": goals});
    fs::write(path, format!("{whole:#}\n"))?;
    println!("\nEvery sample: {}", path.display());
    Ok(())
}

fn cell_json(results: &Results, config: &str, command: &str, who: &str) -> Option<Value> {
    let cell = results.get(config, command, who)?;
    let measures = MEASURES.iter().map(|m| (m.name.to_owned(), json!((m.read)(cell))));
    let samples: Vec<Value> = cell
        .samples
        .iter()
        .map(|a| json!({"wall_ns": a.wall, "cpu_ns": a.cpu, "peak_kib": a.peak, "faults": a.faults}))
        .collect();
    let measures: Map<String, Value> = measures.collect();
    Some(json!({"measures": measures, "samples": samples, "failure": cell.failure}))
}
