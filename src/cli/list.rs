//! `onggi list`

use clap::{Parser, ValueEnum};

use super::{Context, Run, output, table};
use crate::error::Result;
use crate::lifecycle::list::{Listed, list};

/// List all containers of this root directory.
#[derive(Parser, Debug)]
#[command(name = "list")]
pub struct List {
    /// How they are listed.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// Only the ids.
    #[arg(long, short)]
    quiet: bool,
}

/// A table for people, or JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

impl Run for List {
    fn run(self, context: &Context) -> Result<u8> {
        let listed = list(&context.store()?)?;
        if self.quiet {
            let ids: Vec<_> = listed.iter().map(|one| one.id.as_str()).collect();
            let newline = if ids.is_empty() { "" } else { "\n" };
            return output::print(&(ids.join("\n") + newline)).map(|()| 0);
        }
        for error in listed.iter().filter_map(|one| one.state.as_ref().err()) {
            tracing::warn!("{error}");
        }
        let states: Vec<_> = listed.iter().filter_map(|one| one.state.as_ref().ok()).collect();
        match self.format {
            Format::Table => output::print(&table::text(&rows(&listed))),
            // Programs that know runc's list know `null` for none, and do not know containers without a state.
            Format::Json if listed.is_empty() => output::print("null\n"),
            Format::Json => output::print_json(&states),
        }
        .map(|()| 0)
    }
}

fn rows(listed: &[Listed]) -> Vec<Vec<String>> {
    let headings = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"].map(str::to_owned).to_vec();
    let row = |one: &Listed| match &one.state {
        Ok(state) => vec![
            one.id.to_string(),
            state.pid.unwrap_or(0).to_string(),
            state.status.to_string(),
            one_line(&state.bundle.display().to_string()),
            state.created.clone().unwrap_or_default(),
            state.owner.clone().unwrap_or_default(),
        ],
        Err(_) => vec![one.id.to_string(), "-".into(), "damaged".into(), "-".into(), "-".into(), "-".into()],
    };
    std::iter::once(headings).chain(listed.iter().map(row)).collect()
}

/// With line ends and other control characters written out: a row is a line.
fn one_line(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, letter| {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
        line
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_row_is_a_line() {
        assert_eq!(super::one_line("/a b/ö\n\u{1b}c"), "/a b/ö\\n\\u{1b}c");
    }
}
