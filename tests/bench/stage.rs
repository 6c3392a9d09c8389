//! The private world of the race: mounts that nobody else sees, programs compiled for it, bundles.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

use crate::{CONFIGS, Result};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench");
const CGROUPS: &str = "/sys/fs/cgroup";
/// Engines' bundles bring files that are bound over the image's.
const ENGINE_FILES: [&str; 3] = ["resolv.conf", "hostname", "hosts"];

/// Where everything is.
pub struct Stage {
    /// Begins every container id, and names the parent cgroup: unique on this machine.
    pub name: String,
    /// On tmpfs: bundles, rootfs, state.
    pub dir: PathBuf,
    /// Cargo's target directory: what we compile, and the results.
    pub target: PathBuf,
    /// The program that starts and measures.
    pub clock: PathBuf,
    /// The library that lets Debian's crun run without `CAP_SYS_RESOURCE`.
    pub no_memlock: PathBuf,
    /// The mount table when all was ready.
    pub mounts: String,
}

/// Builds everything, in the private mounts.
pub fn build(name: String) -> Result<Stage> {
    let target = std::env::current_exe()?
        .ancestors()
        .filter(|dir| dir.join("CACHEDIR.TAG").exists())
        .last()
        .ok_or("this program does not lie in a target directory")?
        .to_path_buf();
    let dir = PathBuf::from("/run/onggi-race");
    let built = target.join("bench");
    fs::create_dir_all(&built)?;
    let stage = Stage {
        clock: built.join("clock"),
        no_memlock: built.join("no_memlock.so"),
        mounts: crate::guard::mounts()?,
        name,
        dir,
        target,
    };
    make_rootfs(&stage)?;
    fs::create_dir(Path::new(CGROUPS).join(&stage.name))?;
    compile("clock/clock.c", &stage.clock, &["-static"])?;
    compile("clock/no_memlock.c", &stage.no_memlock, &["-shared", "-fPIC"])?;
    for config in CONFIGS {
        for (long, program) in [(false, "/true"), (true, "/sleep")] {
            compile("floor/floor.c", &stage.floor(config, long), &stage.floor_flags(config, program))?;
        }
    }
    Ok(stage)
}

/// Enters a mount namespace of our own: cgroup2 alone where cgroups are expected, and a fresh tmpfs on /run. Mounted without options:
/// those of cgroup2 are the whole machine's.
pub fn private_mounts() -> Result<()> {
    const NONE: Option<&str> = None;
    if !cfg!(target_arch = "x86_64") {
        return Err("the race's configs and its floor are written for x86_64".into());
    }
    if !nix::unistd::geteuid().is_root() {
        return Err("the race needs root: it mounts, and it makes cgroups".into());
    }
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)?;
    let mut covered = 0;
    while covered < 16 && umount2(CGROUPS, MntFlags::MNT_DETACH).is_ok() {
        covered += 1;
    }
    mount(Some("none"), CGROUPS, Some("cgroup2"), MsFlags::empty(), NONE)?;
    mount(Some("none"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=755"))?;
    Ok(())
}

fn make_rootfs(stage: &Stage) -> Result<()> {
    let rootfs = stage.rootfs();
    for dir in ["proc", "dev", "sys", "etc", "tmp"] {
        fs::create_dir_all(rootfs.join(dir))?;
    }
    for file in ENGINE_FILES {
        fs::write(stage.dir.join(file), "")?;
        fs::write(rootfs.join("etc").join(file), "")?;
    }
    compile("payload/true.c", &rootfs.join("true"), &["-static"])?;
    compile("payload/sleep.c", &rootfs.join("sleep"), &["-static"])
}

fn compile(source: &str, to: &Path, flags: &[impl AsRef<str>]) -> Result<()> {
    let output = Command::new("cc")
        .args(["-O2", "-Wall", "-Wextra", "-Werror"])
        .args(flags.iter().map(AsRef::as_ref))
        .arg(Path::new(HERE).join(source))
        .arg("-o")
        .arg(to)
        .output()
        .map_err(|e| format!("cc (Debian's gcc and libc6-dev): {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("cc {source}: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
}

impl Stage {
    /// The root file system that all containers share.
    pub fn rootfs(&self) -> PathBuf {
        self.dir.join("rootfs")
    }

    /// The floor for a config; `long`: with a program that does not end.
    pub fn floor(&self, config: &str, long: bool) -> PathBuf {
        self.target.join("bench").join(format!("floor-{config}{}", if long { "-long" } else { "" }))
    }

    fn floor_flags(&self, config: &str, program: &str) -> Vec<String> {
        let parent = match config {
            "engine" => format!("{CGROUPS}/{}/", self.name),
            _ => format!("{CGROUPS}/"),
        };
        let text = |name: &str, value: &str| format!("-D{name}=\"{value}\"");
        let mut flags = vec!["-static".to_owned()];
        flags.push(text("STAGE", &self.dir.display().to_string()));
        flags.push(text("ROOTFS", &self.rootfs().display().to_string()));
        flags.push(text("CGROUP_PARENT", &parent));
        flags.push(text("PROGRAM", program));
        if config == "engine" {
            flags.push("-DENGINE".to_owned());
        }
        flags
    }

    /// Writes the bundle of one container and says where it is.
    pub fn bundle(&self, config: &str, id: &str, program: &str) -> Result<PathBuf> {
        let template = fs::read_to_string(format!("{HERE}/configs/{config}.json"))?;
        let text = template
            .replace("@ROOTFS@", &self.rootfs().display().to_string())
            .replace("@STAGE@", &self.dir.display().to_string())
            .replace("@CGROUP@", &format!("/{}/{id}", self.name))
            .replace("\"/true\"", &format!("\"{program}\""));
        let bundle = self.dir.join("bundles").join(config).join(id);
        fs::create_dir_all(&bundle)?;
        fs::write(bundle.join("config.json"), text)?;
        Ok(bundle)
    }

    /// The state directory of one contender, as `--root` names it.
    pub fn root(&self, contender: &str) -> Result<PathBuf> {
        let root = self.dir.join("state").join(contender);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&root)?;
        Ok(root)
    }
}
