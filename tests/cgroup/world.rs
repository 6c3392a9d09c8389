//! A thread with a pure cgroup v2 view, a directory in it, and processes to put into cgroups.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use oci_spec::runtime::Linux;
use onggi::cgroup::{Cgroup, Hierarchy};
use onggi::error::Error;
use onggi::plan;

/// Where the v2 view is.
pub const ROOT: &str = "/sys/fs/cgroup";

/// A directory at the root of the hierarchy, removed with all below it at the end, processes killed.
pub struct World {
    name: String,
}

impl World {
    /// Shows this thread, and the processes that it starts, cgroup v2 only. `None`, said loudly, without root.
    pub fn enter() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if let Err(cause) = view() {
            eprintln!("SKIPPED: no private cgroup v2 view: {cause} (needs root)");
            return None;
        }
        let name = format!("onggi-cgroup-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        fs::create_dir(Path::new(ROOT).join(&name)).unwrap();
        Some(Self { name })
    }

    /// The directory on the host.
    pub fn path(&self) -> PathBuf {
        Path::new(ROOT).join(&self.name)
    }

    /// The cgroupsPath of something below it.
    pub fn place(&self, below: &str) -> String {
        format!("/{}/{below}", self.name)
    }

    /// Makes a cgroup below it; `resources` as in config.json.
    pub fn create(&self, below: &str, resources: &str) -> Result<Cgroup, Error> {
        create(&self.place(below), resources).map(Option::unwrap)
    }

    /// The names of all directories below it.
    pub fn listing(&self) -> Vec<String> {
        let mut names = Vec::new();
        list(&self.path(), "", &mut names);
        names.sort();
        names
    }
}

/// Makes a cgroup at a cgroupsPath.
pub fn create(place: &str, resources: &str) -> Result<Option<Cgroup>, Error> {
    let plan = planned(place, resources);
    Cgroup::create(&Hierarchy::find()?, &plan, "an-id")
}

/// The plan of a config with this cgroupsPath and these resources.
pub fn planned(place: &str, resources: &str) -> plan::Cgroup {
    let json = format!(r#"{{"cgroupsPath": {place:?}, "resources": {resources}}}"#);
    let linux: Linux = serde_json::from_str(&json).unwrap();
    plan::Cgroup::new(&linux).unwrap()
}

fn list(path: &Path, prefix: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(path).unwrap().flatten().filter(|entry| entry.file_type().unwrap().is_dir()) {
        let name = format!("{prefix}{}", entry.file_name().display());
        list(&entry.path(), &format!("{name}/"), names);
        names.push(name);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let path = self.path();
        let cgroup = Cgroup::open(&path).unwrap().unwrap();
        cgroup.kill().unwrap();
        cgroup.wait_empty(soon()).unwrap();
        Cgroup::remove(&path, std::slice::from_ref(&path), soon()).unwrap();
        assert!(!path.exists());
    }
}

fn view() -> nix::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    umount2(ROOT, MntFlags::MNT_DETACH)?;
    mount(Some("none"), ROOT, Some("cgroup2"), MsFlags::empty(), none)
}

/// A deadline that is met unless something is wrong.
pub fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// A process that waits for its stdin to be closed; killed and reaped when it goes out of scope.
pub struct Process(Child);

impl Process {
    /// Starts one.
    pub fn start() -> Self {
        Self::shell("read line")
    }

    /// Starts a shell with a script.
    pub fn shell(script: &str) -> Self {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// Starts one in a cgroup.
    pub fn start_in(cgroup: &Cgroup) -> Self {
        let process = Self::start();
        // Who waited for execve is told before the kernel has given the process its new name.
        let name = format!("/proc/{}/comm", process.pid());
        let end = Instant::now() + Duration::from_secs(10);
        while fs::read_to_string(&name).unwrap().trim() != "sh" {
            assert!(Instant::now() < end, "it is no shell");
            std::thread::yield_now();
        }
        cgroup.add(process.pid()).unwrap();
        process
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }

    /// Gives it a line and reads all that it says until its end.
    pub fn answer(mut self) -> String {
        self.0.stdin.take().unwrap().write_all(b"go\n").unwrap();
        std::io::read_to_string(self.0.stdout.take().unwrap()).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
