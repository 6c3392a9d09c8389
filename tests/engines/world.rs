//! A private world for an engine: its own namespaces, a pure cgroup v2 view, its own /run, and a
//! host whose files can't be changed.
//!
//! Three processes make it. [`run`] makes the cgroup and starts [`enter`], which joins it, unshares
//! and becomes `unshare` and `docker-init` (an init that reaps, since shims and conmon become its
//! children). That starts the test once more, in [`crate::inside`].

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;

use crate::command::{Trouble, Verdict, failed, shell, until};
use crate::options::Options;
use crate::report::Report;
use crate::rows::daily::debian;

/// The first argument of the process that goes into the cgroup and the namespaces.
pub const ENTER: &str = "--stage=enter";
/// The first argument of the process inside.
pub const INSIDE: &str = "--stage=inside";

/// Everything that an engine keeps, on a file system of its own.
pub const STORE: &str = "/run/store";

/// Tells [`enter`] its cgroup.
const CGROUP: &str = "ONGGI_ENGINES_CGROUP";
/// The leaf that holds all processes which are in no container.
const LEAF: &str = "init";
/// The beginning of our cgroups' names; the process id follows.
const PREFIX: &str = "onggi-engines-";

/// Whether a world can be made here, and the engines are installed.
pub fn possible(options: &Options) -> Verdict {
    let lacking = if !nix::unistd::geteuid().is_root() {
        Some("needs root: namespaces, mounts and a cgroup are made".to_owned())
    } else if cgroup2().is_none() {
        Some("needs a cgroup v2 mount: mount -t cgroup2 none /sys/fs/cgroup/unified".to_owned())
    } else {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/packages");
        let ran = shell(&format!("'{}' --check", script.display()), "", options.deadline(10))?;
        (ran.status != 0).then(|| format!("{}; run {}", ran.err.trim(), script.display()))
    };
    match lacking {
        None => Ok(()),
        Some(why) if options.required => Err(failed(why)),
        Some(why) => Err(Trouble::Skipped(why)),
    }
}

/// Asks an engine's rows in a world of their own, and gives each report to `add` as it comes.
pub fn run(engine: &str, options: &Options, add: &mut dyn FnMut(&Report)) -> Verdict {
    let top = cgroup2().ok_or_else(|| failed("no cgroup v2 mount"))?;
    remove_stale(&top);
    let cgroup = top.join(format!("{PREFIX}{}", std::process::id()));
    fs::create_dir_all(cgroup.join(LEAF))?;
    let heard = listen(engine, options, &cgroup, add);
    let events = cgroup.join("cgroup.events");
    until("all processes of the world end", options.deadline(10), || {
        Ok(fs::read_to_string(&events)?.contains("populated 0"))
    })?;
    remove(&cgroup).map_err(|error| failed(format!("{}: {error}", cgroup.display())))?;
    heard
}

fn listen(engine: &str, options: &Options, cgroup: &Path, add: &mut dyn FnMut(&Report)) -> Verdict {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(ENTER)
        .args(options.words(engine))
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/run/home")
        .env("LC_ALL", "C")
        .env("ONGGI_BIN", &options.runtime)
        .env("ONGGI_TEST_PATIENCE", options.patience.to_string())
        .env(CGROUP, cgroup)
        .envs(std::env::var_os(debian::ARCHIVE).map(|archive| (debian::ARCHIVE, archive)))
        .envs(crate::podman::ENVIRONMENT)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let (tell, told) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::Builder::new().spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        })?;
    }
    let end = Instant::now() + options.deadline(900);
    while let Ok(line) = told.recv_timeout(end.saturating_duration_since(Instant::now())) {
        match serde_json::from_str(&line) {
            Ok(report) => add(&report),
            Err(_) => println!("{line}"),
        }
    }
    // At the end of its output it is dead or about to be; if it was the deadline, all of it must go.
    let late = Instant::now() >= end;
    if late {
        child.kill()?;
    }
    let status = child.wait()?;
    if late {
        return Err(failed("not done in time; killed"));
    }
    if status.success() { Ok(()) } else { Err(failed(format!("ended early: {status}"))) }
}

/// Joins the cgroup, makes it the root of a cgroup namespace, moves into the leaf, and becomes the
/// first process inside. Returns only if that fails.
pub fn enter(options: &Options) -> Verdict {
    let cgroup = PathBuf::from(std::env::var_os(CGROUP).unwrap_or_default());
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    fs::write(cgroup.join("cgroup.procs"), "0")?;
    unshare(CloneFlags::CLONE_NEWCGROUP)?;
    // A cgroup that has processes can't hand controllers to its children.
    fs::write(cgroup.join(LEAF).join("cgroup.procs"), "0")?;
    let engine = options.engines.first().map_or("", String::as_str);
    let error = Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--uts", "--ipc", "--fork"])
        .args(["--mount-proc", "--kill-child", "--", "/usr/bin/docker-init", "--"])
        .arg(std::env::current_exe()?)
        .arg(INSIDE)
        .args(options.words(engine))
        .env_remove(CGROUP)
        .exec();
    Err(failed(format!("unshare: {error}")))
}

/// Inside: mounts and network as an engine wants them. From the host's the mounts are cut off already.
///
/// Returns the path of a copy of the runtime: what is below /run and /tmp is hidden, and the
/// original may be built anew meanwhile.
pub fn furnish(options: &Options) -> Verdict<String> {
    let patience = options.deadline(10);
    let runtime = fs::read(&options.runtime)?;
    if let Some(rootfs) = &options.rootfs {
        change_root(rootfs, patience)?;
    }
    let nodev = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    // Not nodev: containers' root file systems lie there.
    mount_new("tmpfs", "/run", MsFlags::MS_NOSUID, "mode=755")?;
    for path in ["/dev/shm", "/dev/mqueue"] {
        let _ = umount2(path, MntFlags::MNT_DETACH);
    }
    mount_new("tmpfs", "/dev/shm", nodev, "mode=1777")?;
    mount_new("tmpfs", "/tmp", MsFlags::MS_NOSUID, "mode=1777")?;
    for path in ["/run/home", "/run/lock", "/run/bin", STORE] {
        fs::create_dir_all(path)?;
    }
    let name = options.runtime.file_name().unwrap_or_default();
    let copy = Path::new("/run/bin").join(name);
    fs::write(&copy, runtime)?;
    fs::set_permissions(&copy, Permissions::from_mode(0o755))?;
    shell("umount -R /sys/fs/cgroup", "", patience)?.works()?;
    mount_new("cgroup2", "/sys/fs/cgroup", nodev | MsFlags::MS_NOEXEC, "")?;
    for path in ["/etc", "/var"] {
        let (upper, work) = (format!("/run/upper{path}"), format!("/run/work{path}"));
        fs::create_dir_all(&upper)?;
        fs::create_dir_all(&work)?;
        let options = format!("lowerdir={path},upperdir={upper},workdir={work}");
        mount_new("overlay", path, MsFlags::empty(), &options)?;
    }
    let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    mount(None::<&str>, "/", None::<&str>, read_only, None::<&str>)?;
    // Shared among each other, as systemd leaves a host's mounts, and engines count on it: for a user namespace Podman gives
    // conmon mounts of its own, and what conmon's clean-up unmounts there must be gone from Podman's too.
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_SHARED, None::<&str>)?;
    shell("ip link set lo up", "", patience)?.works()?;
    fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
    nix::unistd::sethostname("engines")?;
    Ok(copy.display().to_string())
}

/// Makes another distribution's root directory ours, with the machine's devices; its files stay as they are.
fn change_root(rootfs: &Path, patience: Duration) -> Verdict {
    let root = rootfs.display();
    let bind = format!("mount --bind {root} {root} && mount -t proc proc {root}/proc");
    let rest = format!("for name in dev sys; do mount --rbind /$name {root}/$name || exit; done");
    shell(&format!("{bind} && {rest}"), "", patience)?.works()?;
    std::env::set_current_dir(rootfs)?;
    // pivot_root(2), "pivot_root(\".\", \".\")": the old root lies on top of the new one until it is unmounted.
    nix::unistd::pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    Ok(std::env::set_current_dir("/")?)
}

/// The controllers that containers can have in this world.
pub fn controllers() -> String {
    fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default()
}

fn mount_new(kind: &str, target: &str, flags: MsFlags, options: &str) -> Verdict {
    mount(Some("none"), target, Some(kind), flags, Some(options))
        .map_err(|error| failed(format!("mount {kind} on {target}: {error}")))
}

/// Where cgroup v2 is mounted, on pure and on hybrid hosts.
fn cgroup2() -> Option<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    // proc_pid_mountinfo(5): the file system's type is the first field after the lone hyphen.
    let line = table.lines().find(|line| line.contains(" - cgroup2 "))?;
    line.split(' ').nth(4).map(PathBuf::from)
}

/// Removes a cgroup and all below it, deepest first.
fn remove(cgroup: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(cgroup)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(cgroup)
}

/// Removes what tests left that were killed, as far as nothing runs there.
fn remove_stale(top: &Path) {
    for entry in fs::read_dir(top).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(PREFIX);
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = remove(&entry.path());
        }
    }
}
