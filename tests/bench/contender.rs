//! Who runs: onggi, Debian's crun and runc, and the floor; and with what words.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::clock::Call;
use crate::stage::Stage;

/// The names, in the order of the columns.
pub const NAMES: [&str; 4] = ["floor", "onggi", "crun", "runc"];

/// One program of the race.
pub struct Contender {
    pub name: &'static str,
    /// None for the floor, which is another program for each config.
    binary: Option<PathBuf>,
    env: Vec<String>,
}

/// A container of the race: whose, on which config, and whether its program ends by itself.
pub struct Container<'a> {
    pub config: &'a str,
    pub id: String,
    pub long: bool,
    bundle: PathBuf,
    root: PathBuf,
}

/// Those that are on this machine; says who is missing and how to get them.
pub fn all(stage: &Stage) -> Result<Vec<Contender>> {
    let mut found = vec![Contender { name: "floor", binary: None, env: environment() }];
    let onggi = std::env::var_os("ONGGI_BIN").map_or_else(|| release_build(stage), |path| Ok(PathBuf::from(path)))?;
    for (name, paths, remedy) in [
        ("onggi", vec![onggi], "build it (cargo build --release) or name it in ONGGI_BIN"),
        ("crun", vec!["/usr/bin/crun".into()], "install Debian's package crun"),
        ("runc", vec!["/usr/sbin/runc".into(), "/usr/bin/runc".into()], "install Debian's package runc"),
    ] {
        match paths.into_iter().find(|path| path.exists()) {
            Some(path) => {
                let path = if name == "onggi" { installed(stage, &path)? } else { path.canonicalize()? };
                found.push(Contender { name, binary: Some(path), env: environment() });
            }
            None => println!("{name} is not here and does not run: {remedy}"),
        }
    }
    for crun in found.iter_mut().filter(|c| c.name == "crun") {
        if !caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_SYS_RESOURCE)? {
            println!("crun runs with a preloaded setrlimit: CAP_SYS_RESOURCE is missing, which it believes to need");
            crun.env.push(format!("LD_PRELOAD={}", stage.no_memlock.display()));
        }
    }
    Ok(found)
}

/// A copy of onggi, as an installation makes one. How the linker wrote the file decides how much of it the kernel maps at a
/// time, and so how much memory is counted; nobody runs that one.
fn installed(stage: &Stage, onggi: &Path) -> Result<PathBuf> {
    let copy = stage.target.join("bench/onggi");
    // Anew: what is overwritten keeps its pages.
    if copy.exists() {
        std::fs::remove_file(&copy)?;
    }
    std::fs::copy(onggi, &copy)?;
    Ok(copy.canonicalize()?)
}

fn environment() -> Vec<String> {
    vec!["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()]
}

/// Next to this program's own profile: target/TRIPLE/release/onggi.
fn release_build(stage: &Stage) -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let triple = here.ancestors().nth(3).unwrap_or(&stage.target).to_path_buf();
    Ok(triple.join("release/onggi"))
}

impl Contender {
    /// The program for a config, as a path.
    pub fn binary(&self, stage: &Stage, config: &str, long: bool) -> PathBuf {
        self.binary.clone().unwrap_or_else(|| stage.floor(config, long))
    }

    /// A container of this contender with its bundle; `slot` tells those of one config apart.
    pub fn container<'a>(&self, stage: &Stage, config: &'a str, slot: &str) -> Result<Container<'a>> {
        let id = format!("{}-{}-{slot}", stage.name, self.name);
        let long = slot == "long";
        let bundle = stage.bundle(config, &id, if long { "/sleep" } else { "/true" })?;
        Ok(Container { config, id, long, bundle, root: stage.root(self.name)? })
    }

    /// The call of a command on a container, the same words for all.
    pub fn call(&self, stage: &Stage, command: &str, on: &Container) -> Call {
        let show = |path: &Path| path.display().to_string();
        let binary = show(&self.binary(stage, on.config, on.long));
        let mut argv = vec![binary];
        if command == "--version" {
            argv.push(command.to_owned());
            return Call { argv, env: self.env.clone() };
        }
        argv.extend(["--root".to_owned(), show(&on.root), command.to_owned()]);
        if ["run", "create"].contains(&command) {
            argv.extend(["--bundle".to_owned(), show(&on.bundle)]);
        }
        if command == "create" {
            argv.extend(["--pid-file".to_owned(), show(&on.pid_file())]);
        }
        argv.push(on.id.clone());
        if command == "exec" {
            argv.push("/true".to_owned());
        }
        Call { argv, env: self.env.clone() }
    }
}

impl Container<'_> {
    fn pid_file(&self) -> PathBuf {
        self.bundle.join("pid")
    }

    /// The pid of its init, as the last `create` wrote it.
    pub fn pid(&self) -> Option<u32> {
        std::fs::read_to_string(self.pid_file()).ok()?.trim().parse().ok()
    }

    /// Where its contender keeps what must outlive a command.
    pub fn state_dir(&self) -> PathBuf {
        self.root.join(&self.id)
    }
}
