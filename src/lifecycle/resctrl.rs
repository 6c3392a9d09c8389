//! Groups of resctrl (the kernel's Documentation/filesystems/resctrl.rst): a container's class of service for caches and memory
//! bandwidth (`linux.intelRdt`), and its monitoring group.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::plan::Rdt;

const PLACE: &str = "linux.intelRdt";
/// Where it is mounted nearly everywhere.
const USUAL: &str = "/sys/fs/resctrl";

/// The groups that a container's processes are put into: of control, and below it of monitoring.
#[derive(Debug)]
pub struct Groups<'a> {
    root: PathBuf,
    rdt: &'a Rdt,
    /// In the order in which a process must enter them.
    pub directories: Vec<PathBuf>,
    /// Those that are not there yet: ours to make, and to remove.
    pub missing: Vec<PathBuf>,
}

/// Where resctrl is mounted.
pub fn find() -> Result<PathBuf> {
    // Few machines have it: tests of what is around it bring a directory that looks like it.
    #[cfg(feature = "fault")]
    if let Some(path) = std::env::var_os("ONGGI_FAULT_RESCTRL") {
        return Ok(path.into());
    }
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mounted = text.lines().filter(|line| line.contains(" - resctrl ")).filter_map(|line| line.split(' ').nth(4));
    let mounted: Vec<&str> = mounted.collect();
    if let Some(path) = mounted.iter().find(|path| **path == USUAL).or_else(|| mounted.first()) {
        return Ok(PathBuf::from(path));
    }
    let known = fs::read_to_string("/proc/filesystems").unwrap_or_default().lines().any(|it| it.ends_with("\tresctrl"));
    Err(if known {
        Error::new(PLACE, "resctrl is not mounted on this host").hint(format!("mount -t resctrl resctrl {USUAL}"))
    } else {
        Error::new(PLACE, "can't be put into force: this host has no resctrl").hint(
            "it takes a processor with Intel RDT or AMD QoS and a kernel with CONFIG_X86_CPU_RESCTRL; or leave it out",
        )
    })
}

impl<'a> Groups<'a> {
    /// What has to be made below `root`, the mount of resctrl, for container `id`. Nothing is.
    ///
    /// Errors: a group that must be there and is not; one that is there and says something else.
    pub fn intended(root: &Path, rdt: &'a Rdt, id: &str) -> Result<Self> {
        let own = match rdt.clos.as_deref() {
            None => root.join(id),
            Some("/") => root.to_owned(),
            Some(name) => root.join(name),
        };
        let there = own.is_dir();
        if let (Some(name), false, true) = (&rdt.clos, there, rdt.schemata.is_empty()) {
            let what = format!("\"{name}\" does not exist, and there is no schema to make it with");
            return Err(Error::new("linux.intelRdt.closID", what)
                .hint(format!("make {} first, or give l3CacheSchema, memBwSchema or schemata", own.display())));
        }
        if there && !rdt.schemata.is_empty() {
            compare(&own, rdt)?;
        }
        let monitor = rdt.monitoring.then(|| own.join("mon_groups").join(id));
        let mut missing = Vec::new();
        missing.extend(Some(&own).filter(|_| !there).cloned());
        missing.extend(monitor.as_ref().filter(|monitor| !monitor.is_dir()).cloned());
        let directories = [own].into_iter().chain(monitor).collect();
        Ok(Self { root: root.to_owned(), rdt, directories, missing })
    }

    /// Makes the groups that are missing, and writes the schemata of one that is new. After an error the caller removes them.
    pub fn make(&self) -> Result<()> {
        for directory in &self.missing {
            fs::create_dir(directory).map_err(|cause| {
                let what = format!("group {} can't be made", directory.display());
                let full = cause.raw_os_error() == Some(libc::ENOSPC);
                let error = Error::io(PLACE, what, cause);
                if full { error.hint("the processor has no more classes of service, or monitors") } else { error }
            })?;
        }
        let own = &self.directories[0];
        if self.missing.first() != Some(own) {
            return Ok(());
        }
        // A line at a time: then the kernel says which one it does not like.
        for line in &self.rdt.schemata {
            open(&own.join("schemata"))?.write_all(format!("{line}\n").as_bytes()).map_err(|cause| {
                let error = Error::io(PLACE, format!("the schema \"{line}\" is refused"), cause);
                let status = fs::read_to_string(self.root.join("info/last_cmd_status")).unwrap_or_default();
                if status.trim().is_empty() { error } else { error.hint(status.trim()) }
            })?;
        }
        Ok(())
    }
}

/// The schemata of a group before they were changed.
pub struct Before {
    schemata: PathBuf,
    text: String,
}

impl Before {
    /// Brings them back.
    pub fn restore(&self) {
        for line in self.text.lines() {
            // What the kernel has said it takes again.
            if let Ok(mut file) = open(&self.schemata) {
                let _ = file.write_all(format!("{line}\n").as_bytes());
            }
        }
    }
}

/// Changes the schemata of the first of `directories`, a running container's group: all `lines` or none. Each comes with the
/// flag that it was given by.
pub fn change(directories: &[PathBuf], lines: &[(&str, &str)]) -> Result<Option<Before>> {
    let Some((flag, _)) = lines.first() else { return Ok(None) };
    let Some(own) = directories.first() else {
        return Err(Error::new(*flag, "the container has no Intel RDT group").hint("leave it out"));
    };
    let schemata = own.join("schemata");
    let text = fs::read_to_string(&schemata)
        .map_err(|cause| Error::io(*flag, format!("{} can't be read", schemata.display()), cause))?;
    let before = Before { schemata, text };
    for (flag, line) in lines {
        if let Err(cause) = open(&before.schemata)?.write_all(format!("{line}\n").as_bytes()) {
            before.restore();
            return Err(Error::io(*flag, format!("the schema \"{line}\" is refused"), cause));
        }
    }
    Ok(Some(before))
}

/// The files through which a process enters `directories`, in their order.
pub fn tasks(directories: &[PathBuf]) -> Result<Vec<OwnedFd>> {
    directories.iter().map(|directory| open(&directory.join("tasks")).map(OwnedFd::from)).collect()
}

/// Removes groups that were made, the last one first. Tasks that are still in them go back to the group above.
pub fn remove(made: &[PathBuf]) -> Result<()> {
    for directory in made.iter().rev() {
        match fs::remove_dir(directory) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                return Err(Error::io(PLACE, format!("group {} can't be removed", directory.display()), cause));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Opens a file of a group for writing. In resctrl every file is there already, and none can be made.
fn open(path: &Path) -> Result<File> {
    let opened = File::options().append(true).create(true).open(path);
    opened.map_err(|cause: io::Error| Error::io(PLACE, format!("{} can't be written", path.display()), cause))
}

/// A group that somebody else made must say what the config says: others are in it (spec: config-linux, IntelRdt).
fn compare(group: &Path, rdt: &Rdt) -> Result<()> {
    let path = group.join("schemata");
    let text = fs::read_to_string(&path)
        .map_err(|cause| Error::io(PLACE, format!("{} can't be read", path.display()), cause))?;
    // Of two lines about one resource the later counts.
    let later = |index: usize, name: &str| rdt.schemata[index + 1..].iter().any(|line| schema(line).0 == name);
    for (index, line) in rdt.schemata.iter().enumerate() {
        let (name, wanted) = schema(line);
        if later(index, name) {
            continue;
        }
        let there = text.lines().map(schema).find(|(other, _)| *other == name).map(|(_, domains)| domains);
        if !there.as_ref().is_some_and(|there| wanted.iter().all(|domain| there.contains(domain))) {
            let what = format!("group {} is there already, and does not say \"{line}\"", group.display());
            let shown: Vec<&str> = text.lines().map(str::trim).collect();
            return Err(Error::new("linux.intelRdt.closID", what)
                .hint(format!("it says {}; take another closID, or leave the schemata out", shown.join(" "))));
        }
    }
    Ok(())
}

/// The resource of a line, and what it says of each domain: `L3:0=0ff;1=ff` and `L3:1=FF;0=ff` say the same.
fn schema(line: &str) -> (&str, Vec<(String, String)>) {
    let (name, domains) = line.trim().split_once(':').unwrap_or((line.trim(), ""));
    let plain = |text: &str| match text.trim().trim_start_matches('0').to_ascii_lowercase() {
        digits if digits.is_empty() => "0".to_owned(),
        digits => digits,
    };
    let domains = domains.split(';').filter_map(|domain| domain.split_once('='));
    (name, domains.map(|(id, value)| (plain(id), plain(value))).collect())
}

#[cfg(test)]
#[path = "resctrl/tests.rs"]
mod tests;
