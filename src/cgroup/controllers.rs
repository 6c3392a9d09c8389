//! Controllers: enabled down to the cgroup where settings need them, or a sentence that says why they can't be.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::{Cgroup, Hierarchy, file, hierarchy, processes};
use crate::error::{Error, Problem, Result};
use crate::plan::cgroup::{Absent, Setting};

const CONTROLLERS: &str = "cgroup.controllers";
const SUBTREE: &str = "cgroup.subtree_control";

/// Enables the controllers that `settings` need in all cgroups above `names`, as far as they aren't. What asks for no limit
/// has one where it can be had, and does without.
pub(super) fn enable(hierarchy: &Hierarchy, names: &Path, cgroup: &Cgroup, settings: &[Setting]) -> Result<()> {
    // Each with the place that can't do without it, if there is one.
    let mut needed: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for setting in settings.iter().filter(|setting| !setting.controller.is_empty()) {
        let place = (setting.absent != Absent::Skip).then_some(&*setting.place);
        let first = needed.entry(&setting.controller).or_insert(place);
        *first = first.or(place);
    }
    if needed.is_empty() {
        return Ok(());
    }
    let has = |directory: &dyn AsFd, list: &str| file::read(directory.as_fd(), list);
    let here = has(cgroup, CONTROLLERS).map_err(|cause| cgroup.error(CONTROLLERS, "cannot read", cause))?;
    needed.retain(|controller, _| !contains(&here, controller));
    if needed.is_empty() {
        return Ok(());
    }
    let root = has(hierarchy, CONTROLLERS).unwrap_or_default();
    let lacking = needed.iter().filter(|(controller, _)| !contains(&root, controller));
    Error::all(lacking.filter_map(|(controller, place)| Some(unavailable(controller, (*place)?))).collect())?;
    needed.retain(|controller, _| contains(&root, controller));

    let mut path = hierarchy.path().to_owned();
    let mut directory: Option<OwnedFd> = None;
    for name in names {
        let level = directory.as_ref().map_or(hierarchy.as_fd(), AsFd::as_fd);
        let on = file::read(level, SUBTREE).unwrap_or_default();
        for (controller, place) in needed.iter().filter(|(controller, _)| !contains(&on, controller)) {
            match (pass_on(level, controller), place) {
                (Err(cause), Some(place)) => return Err(refused(controller, place, &path, level, cause).into()),
                (Ok(()), _) | (_, None) => {}
            }
        }
        let next = file::open_directory(level, name.as_ref());
        path.push(name);
        directory = Some(next.map_err(|cause| Error::io(path.display().to_string(), "cannot open the cgroup", cause))?);
    }
    Ok(())
}

/// Enables a controller for the children of a cgroup.
///
/// Of one that has processes the kernel refuses it for most controllers. For these few it makes the cgroup the root of
/// a threaded subtree instead, whose children can't have processes before they become threaded: no place for containers.
fn pass_on(level: impl AsFd, controller: &str) -> Result<(), Errno> {
    const THREADED: [&str; 4] = ["cpu", "cpuset", "perf_event", "pids"];
    let level = level.as_fd();
    // The root of the whole hierarchy has no type: it alone may have both.
    if THREADED.contains(&controller)
        && file::read(level, "cgroup.type").is_ok()
        && file::read(level, "cgroup.procs").is_ok_and(|pids| !pids.is_empty())
    {
        return Err(Errno::EBUSY);
    }
    file::write(level, SUBTREE, &format!("+{controller}"))
}

/// Passes all that a new parent has on to its children: so each container has its statistics, at no cost to the
/// next ones. As nothing depends on it a refusal is no error.
pub(super) fn offer(parent: &OwnedFd) {
    let Ok(all) = file::read(parent, CONTROLLERS) else { return };
    let words: Vec<_> = all.split_whitespace().map(|controller| format!("+{controller}")).collect();
    if !words.is_empty() && file::write(parent, SUBTREE, &words.join(" ")).is_err() {
        for word in words {
            let _ = file::write(parent, SUBTREE, &word);
        }
    }
}

fn contains(list: &str, controller: &str) -> bool {
    list.split_whitespace().any(|word| word == controller)
}

/// The controller is there, but this cgroup can't pass it on.
fn refused(controller: &str, place: &str, path: &Path, level: impl AsFd, cause: Errno) -> Problem {
    let file = path.join(SUBTREE);
    let what = |why: String| Problem::new(place, format!("needs the {controller} controller, {why}"));
    let text = cause.desc().to_lowercase();
    match cause {
        Errno::EACCES | Errno::EPERM | Errno::EROFS => {
            what(format!("which is not delegated to this user: {}: {text}", file.display())).hint(format!(
                "run as root, or delegate it: Delegate={controller} in a drop-in of user@.service, then log in anew"
            ))
        }
        Errno::ENOENT => what(format!("which is not passed on as far as {}", path.display())),
        Errno::EBUSY => {
            let pids = file::read(level, "cgroup.procs").unwrap_or_default();
            let pids: Vec<_> = pids.lines().map(str::to_owned).collect();
            what(format!("which {} can't pass on while it has {}", path.display(), processes::named(&pids)))
                .hint("move them into a cgroup below it: one with processes has no children with limits")
        }
        Errno::EOPNOTSUPP => what(format!("which {} can't pass on: it is a threaded cgroup", path.display())),
        _ => what(format!("which can't be enabled: {}: {text}", file.display())),
    }
}

/// The controller isn't in the hierarchy at all: by which of the kernel's reasons?
fn unavailable(controller: &str, place: &str) -> Problem {
    let table = std::fs::read_to_string("/proc/cgroups").unwrap_or_default();
    let mounts = hierarchy::mounts("cgroup").unwrap_or_default();
    let (why, remedy) = reason(controller, &table, &mounts);
    Problem::new(place, format!("needs the {controller} controller, {why}")).hint(remedy)
}

/// Why a controller is missing, by /proc/cgroups and the mounts of cgroup v1; and the remedy.
fn reason(controller: &str, table: &str, mounts: &[hierarchy::Mount]) -> (String, String) {
    // Only io had another name before.
    let old = if controller == "io" { "blkio" } else { controller };
    let line = table.lines().find(|line| line.split_whitespace().next() == Some(old));
    let numbers: Vec<&str> = line.map(|line| line.split_whitespace().skip(1).collect()).unwrap_or_default();
    let bound = mounts.iter().find(|mount| mount.options.split(',').any(|option| option == old));
    let at = |path: &PathBuf| format!(" (mounted at {})", path.display());
    match numbers[..] {
        [] => ("which this kernel does not have".into(), "leave it out, or use a kernel built with it".into()),
        [.., "0"] => ("which is disabled".into(), format!("boot without cgroup_disable={old}, or leave it out")),
        ["0", ..] => (
            "which is not delegated to this part of the hierarchy".into(),
            "enable it in cgroup.subtree_control of the cgroups above, or leave it out".into(),
        ),
        _ => (
            format!("which is bound to cgroup v1{}", bound.map(|mount| at(&mount.path)).unwrap_or_default()),
            format!("boot with cgroup_no_v1={old} or systemd.unified_cgroup_hierarchy=1, or leave it out"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons() {
        let table = "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t4\t15\t1\nblkio\t7\t1\t1\npids\t0\t1\t0\ncpu\t0\t9\t1\n";
        let mounts = [hierarchy::Mount { path: "/sys/fs/cgroup/blkio".into(), options: "rw,blkio".into() }];
        let reason = |controller| reason(controller, table, &mounts).0;
        assert_eq!(reason("io"), "which is bound to cgroup v1 (mounted at /sys/fs/cgroup/blkio)");
        assert_eq!(reason("memory"), "which is bound to cgroup v1");
        assert_eq!(reason("pids"), "which is disabled");
        assert_eq!(reason("cpu"), "which is not delegated to this part of the hierarchy");
        assert_eq!(reason("misc"), "which this kernel does not have");
    }
}
