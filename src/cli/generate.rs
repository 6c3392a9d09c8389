//! `onggi generate`

use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::{Command, Parser, Subcommand};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{Context, Run, output};
use crate::error::{Error, Result};

/// Make the manual pages and the completions, which are installed with onggi.
#[derive(Parser, Debug)]
#[command(name = "generate", hide = true)]
pub struct Generate {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Write the manual pages into a directory.
    Man {
        /// It is made if it is not there.
        dir: PathBuf,
    },
    /// Print the completions of a shell.
    Completions {
        /// Which one.
        shell: Shell,
    },
}

impl Run for Generate {
    fn run(self, context: &Context) -> Result<u8> {
        let mut whole = context.whole();
        match self.what {
            What::Man { dir } => manual(whole, &dir).map_err(|cause| failed(&dir, cause))?,
            What::Completions { shell } => {
                let mut text = Vec::new();
                clap_complete::generate(shell, &mut whole, "onggi", &mut text);
                output::print(&String::from_utf8_lossy(&text))?;
            }
        }
        Ok(0)
    }
}

/// Writes a page for each command and one for all of them.
fn manual(whole: Command, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let mut whole = whole.disable_help_subcommand(true);
    whole.build();
    for command in whole.get_subcommands().filter(|command| !command.is_hide_set()).chain([&whole]) {
        let page = Man::new(command.clone());
        let mut text = Vec::new();
        page.render(&mut text)?;
        // What stands below a command's help has no better name there.
        let text = String::from_utf8_lossy(&text)
            .replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n")
            .replace(".SH EXTRA\n", ".SH NOTES\n");
        fs::write(dir.join(page.get_filename()), text)?;
    }
    Ok(())
}

fn failed(dir: &Path, cause: io::Error) -> Error {
    Error::io(dir.display().to_string(), "can't be filled", cause)
}
