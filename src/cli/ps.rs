//! `onggi ps`

use std::ffi::OsString;
use std::process::{Command, Stdio};

use clap::Parser;

use super::list::Format;
use super::{Context, Run, output};
use crate::error::{Error, Result};
use crate::lifecycle;
use crate::state::Id;

/// Show the processes of a container.
#[derive(Parser, Debug)]
#[command(
    name = "ps",
    override_usage = "onggi ps [OPTIONS] <ID> [PS OPTION]...",
    after_help = "Examples:\n  onggi ps jar aux\n  onggi ps jar -o pid,rss,args\n  onggi ps --format json jar"
)]
pub struct Ps {
    /// A table made by ps(1), or a JSON array of process ids.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// The container's id.
    #[arg(value_parser = Id::new)]
    id: Id,
    /// Options for ps(1); -ef without any.
    #[arg(last = true, value_name = "PS OPTIONS")]
    options: Vec<OsString>,
}

impl Run for Ps {
    fn run(self, context: &Context) -> Result<u8> {
        let pids = lifecycle::ps::ps(&context.store()?, &self.id)?;
        match self.format {
            Format::Json => output::print_json(&pids)?,
            Format::Table => output::print(&filtered(&table(self.options)?, &pids)?)?,
        }
        Ok(0)
    }
}

/// What ps(1) says about all processes of the host.
fn table(mut options: Vec<OsString>) -> Result<String> {
    if options.is_empty() {
        options.push("-ef".into());
    }
    let ps = Command::new("ps").args(options).stdin(Stdio::null()).output();
    let ps = ps.map_err(|cause| Error::io("ps", "can't be run", cause).hint("--format json needs no ps"))?;
    if ps.status.success() {
        Ok(String::from_utf8_lossy(&ps.stdout).into_owned())
    } else {
        let told = String::from_utf8_lossy(&ps.stderr);
        let told = told.lines().next().unwrap_or("it did not say why").trim_start_matches("error: ");
        Err(Error::new("ps", format!("ended with {}: {told}", ps.status))
            .hint("what follows the id are options of ps(1)"))
    }
}

/// The heading, and the lines of `pids`.
fn filtered(table: &str, pids: &[i32]) -> Result<String> {
    let heading = table.lines().next().unwrap_or_default();
    let column = heading.split_whitespace().position(|word| word == "PID").ok_or_else(|| {
        Error::new("ps", "its table has no column PID").hint("choose options with which it has, such as -ef or aux")
    })?;
    let ours = |line: &&str| {
        line.split_whitespace().nth(column).and_then(|pid| pid.parse().ok()).is_some_and(|pid| pids.contains(&pid))
    };
    let lines = std::iter::once(heading).chain(table.lines().skip(1).filter(ours));
    Ok(lines.flat_map(|line| [line, "\n"]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_of_the_container() {
        let table = "UID  PID PPID CMD\nroot   1    0 init\nami   12    1 sh 1\nami   21   12 12\n";
        assert_eq!(filtered(table, &[12, 99]).unwrap(), "UID  PID PPID CMD\nami   12    1 sh 1\n");
        assert_eq!(filtered(table, &[]).unwrap(), "UID  PID PPID CMD\n");
        assert!(filtered("USER COMMAND\n", &[1]).is_err());
    }
}
