//! `mounts` (spec: config, Mounts): targets, types and sources. Their options are judged by `plan`, where their table is.

use std::path::Path;

use oci_spec::runtime::{Mount, Spec};

use super::Findings;
use super::idmap::check_mount;
use crate::bundle::path;
use crate::error::Problem;

/// What lxcfs and the like put over files of procfs. Anything else mounted inside /proc could redirect what the runtime, and the
/// container's own privileged programs, read and write there.
const INSIDE_PROC: [&str; 11] = [
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/net/dev",
    "/proc/slabinfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/crypto/fips_enabled",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/uptime",
];

pub fn check(spec: &Spec, found: &mut Findings) {
    for (index, mount) in spec.mounts().iter().flatten().enumerate() {
        check_destination(index, mount, found);
        check_kind(&place(index, mount), mount, found);
        check_mount(&place(index, mount), mount, found);
    }
}

/// How a mount is called in messages: `mounts[3] /data`.
pub fn place(index: usize, mount: &Mount) -> String {
    format!("mounts[{index}] {}", mount.destination().display()).trim_end().to_owned()
}

fn check_destination(index: usize, mount: &Mount, found: &mut Findings) {
    let destination = mount.destination();
    if destination.as_os_str().is_empty() {
        return found.error(Problem::new(format!("mounts[{index}].destination"), "is missing"));
    }
    let target = path::inside(destination);
    if target == Path::new("/") {
        let problem = Problem::new(place(index, mount), "nothing can be mounted on the root itself");
        return found.error(problem.hint("root.path names the root file system"));
    }
    if target.strip_prefix("/proc").is_ok_and(|below| below.components().next().is_some())
        && !INSIDE_PROC.iter().any(|allowed| target == Path::new(allowed))
    {
        let problem = Problem::new(place(index, mount), "nothing may be mounted inside /proc");
        found.error(problem.hint("except over the files that lxcfs provides, such as /proc/meminfo"));
    }
    if destination.is_relative() {
        let problem = Problem::new(place(index, mount), format!("is relative and taken as {}", target.display()));
        found.warn(problem.hint("write an absolute path"));
    }
}

fn check_kind(place: &str, mount: &Mount, found: &mut Findings) {
    let kind = mount.typ().as_deref().unwrap_or_default();
    let asked = |words: &[&str]| mount.options().iter().flatten().any(|option| words.contains(&option.as_str()));
    let source = mount.source().as_deref().is_some_and(|source| !source.as_os_str().is_empty());
    if kind == "bind" || asked(&["bind", "rbind"]) {
        if !source && !asked(&["remount"]) {
            found.error(
                Problem::new(place, "a bind mount needs a source")
                    .hint("the file or directory of the host to show there"),
            );
        }
    } else if matches!(kind, "" | "none") {
        let hint = "name a file system, or add the option bind or rbind";
        found.error(Problem::new(place, "has no type").hint(hint));
    }
}
