//! What the project promised itself, and whether this race kept it.

use crate::CONFIGS;
use crate::race::COMMANDS;
use crate::samples::{Results, peak, wall_min};

/// A promise with its figure; `figure` is none where nothing could be measured.
pub struct Goal {
    pub text: String,
    pub limit: f64,
    pub figure: Option<f64>,
}

impl Goal {
    /// Whether it was kept; a goal without a figure was not.
    pub fn met(&self) -> bool {
        self.figure.is_some_and(|figure| figure <= self.limit)
    }
}

/// Ratios are of minimum wall times.
pub fn judge(results: &Results) -> Vec<Goal> {
    let ratio = |config: &str, command: &str, other: &str| {
        let read = |name| results.get(config, command, name).and_then(wall_min);
        Some(read("onggi")? / read(other)?)
    };
    let mut goals = Vec::new();
    for command in ["run", "create", "exec"] {
        for (other, limit) in [("floor", 2.0), ("crun", 0.2)] {
            goals.push(Goal {
                text: format!("{command} of engine, times {other}'s"),
                limit,
                figure: ratio("engine", command, other),
            });
        }
    }
    for command in ["state", "--version"] {
        goals.push(Goal {
            text: format!("{command}, times crun's"),
            limit: 0.25,
            figure: ratio("engine", command, "crun"),
        });
    }
    for command in COMMANDS {
        let peaks = CONFIGS.iter().filter_map(|config| results.get(config, command, "onggi").and_then(peak));
        goals.push(Goal { text: format!("peak memory of {command}, MB"), limit: 2.5, figure: peaks.reduce(f64::max) });
    }
    goals
}

/// The closing section.
pub fn print(goals: &[Goal]) {
    println!("\nGoals");
    for goal in goals {
        let (verdict, figure) = match goal.figure {
            None => ("not measured", "-".to_owned()),
            Some(figure) if goal.met() => ("met", format!("{figure:.2}")),
            Some(figure) => ("NOT met", format!("{figure:.2}")),
        };
        println!("  {:<34} at most {:>5.2}   {figure:>6}   {verdict}", goal.text, goal.limit);
    }
}
