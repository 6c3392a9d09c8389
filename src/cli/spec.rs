//! `onggi spec`

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::Parser;
use nix::unistd::{getegid, geteuid};

use super::{Context, Run};
use crate::bundle;
use crate::error::{Error, Result};

/// Write a config.json to begin with.
#[derive(Parser, Debug)]
#[command(name = "spec")]
pub struct Spec {
    /// Into this directory.
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    bundle: PathBuf,
    /// For an ordinary user: with a user namespace, in which you are root.
    #[arg(long)]
    rootless: bool,
}

impl Run for Spec {
    fn run(self, _: &Context) -> Result<u8> {
        let config = if self.rootless {
            bundle::spec::rootless(geteuid().as_raw(), getegid().as_raw())
        } else {
            bundle::spec::default()
        };
        let path = self.bundle.join("config.json");
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        file.and_then(|mut file| file.write_all(config.as_bytes())).map(|()| 0).map_err(|cause| {
            let place = path.display().to_string();
            if cause.kind() == ErrorKind::AlreadyExists {
                Error::new(place, "exists already").hint("remove it first, or choose another directory with --bundle")
            } else {
                Error::io(place, "can't be written", cause)
            }
        })
    }
}
