//! The runtimes that race through the engines: the one under test, and the distribution's.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::unistd::AccessFlags;

use crate::command::{Verdict, failed};
use crate::world::controllers;

/// Lets Debian's crun run without `CAP_SYS_RESOURCE`: it raises a limit that it believes to need.
const NO_MEMLOCK: &str = include_str!("../bench/clock/no_memlock.c");
/// Stands before crun where it could not run otherwise; a shell's start would cost too much.
const PRELOADED: &str = include_str!("crun.c");
const WRAPPER: &str = "/run/bin/crun-preloaded";

/// A runtime.
pub struct Rival {
    /// Its name in the table.
    pub name: &'static str,
    /// Its program.
    pub path: String,
}

impl Rival {
    /// What Docker knows it by. `runc` would be whatever is first on dockerd's PATH.
    pub fn registered(&self) -> String {
        format!("race-{}", self.name)
    }
}

/// Those that are on this machine, the one under test first.
pub fn all(runtime: &str) -> Verdict<Vec<Rival>> {
    let mut all = vec![Rival { name: "onggi", path: runtime.to_owned() }];
    if Path::new("/usr/bin/crun").exists() {
        let able = caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_SYS_RESOURCE);
        let able = able.map_err(|error| failed(error.to_string()))? && controllers().contains("io");
        let path = if able { "/usr/bin/crun".to_owned() } else { preloaded()? };
        all.push(Rival { name: "crun", path });
    }
    let runc = ["/usr/sbin/runc", "/usr/bin/runc"].into_iter().find(|path| Path::new(path).exists());
    all.extend(runc.map(|path| Rival { name: "runc", path: path.to_owned() }));
    Ok(all)
}

/// Compiles, once for a world, what goes before crun.
fn preloaded() -> Verdict<String> {
    if nix::unistd::access(WRAPPER, AccessFlags::X_OK).is_err() {
        compile(NO_MEMLOCK, "/run/bin/no_memlock.so", &["-shared", "-fPIC"])?;
        compile(PRELOADED, WRAPPER, &["-static"])?;
    }
    Ok(WRAPPER.to_owned())
}

fn compile(source: &str, to: &str, flags: &[&str]) -> Verdict {
    let from = format!("{to}.c");
    fs::write(&from, source)?;
    let ran = Command::new("cc").args(["-O2", "-o", to, &from]).args(flags).output()?;
    if ran.status.success() { Ok(()) } else { Err(failed(String::from_utf8_lossy(&ran.stderr).into_owned())) }
}
