//! `onggi generate`

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use clap_complete::Shell;

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
            What::Man { dir } => {
                let written = fs::create_dir_all(&dir).and_then(|()| clap_mangen::generate_to(whole, &dir));
                written.map_err(|cause| failed(&dir, cause))?;
            }
            What::Completions { shell } => {
                let mut text = Vec::new();
                clap_complete::generate(shell, &mut whole, "onggi", &mut text);
                output::print(&String::from_utf8_lossy(&text))?;
            }
        }
        Ok(0)
    }
}

fn failed(dir: &Path, cause: std::io::Error) -> Error {
    Error::io(dir.display().to_string(), "can't be filled", cause)
}
