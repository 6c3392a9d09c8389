//! `linux.uidMappings`, `linux.gidMappings` and those of mounts: the rules of `uid_map(5)`, and that the ids of the process
//! are mapped.

use oci_spec::runtime::{LinuxIdMapping, LinuxNamespaceType, Spec};

use super::{Findings, has, is_new};
use crate::error::Problem;

/// `UID_GID_MAP_MAX_EXTENTS` of the kernel.
const MOST: usize = 340;
/// All of them are one write, of less than a page.
const LONGEST: usize = 4095;

pub fn check(spec: &Spec, found: &mut Findings) {
    let linux = spec.linux().as_ref();
    let uids = linux.and_then(|linux| linux.uid_mappings().as_deref()).unwrap_or_default();
    let gids = linux.and_then(|linux| linux.gid_mappings().as_deref()).unwrap_or_default();
    let new = is_new(spec, LinuxNamespaceType::User);
    for (place, mappings) in [("linux.uidMappings", uids), ("linux.gidMappings", gids)] {
        if mappings.is_empty() {
            if new {
                let hint = "for instance [{\"containerID\": 0, \"hostID\": 1000, \"size\": 1}]; `onggi spec --rootless` writes both";
                found.error(Problem::new(place, "is empty, but a new user namespace needs it").hint(hint));
            }
        } else if !has(spec, LinuxNamespaceType::User) {
            let problem = Problem::new(place, "there is no user namespace to map ids for");
            found.error(problem.hint("add {\"type\": \"user\"} to linux.namespaces, or leave the mappings out"));
        } else if new {
            check_ranges(place, mappings, found);
        } else {
            let problem = Problem::new(place, "is not looked at: the user namespace to join has its own mappings");
            found.warn(problem);
        }
    }
    if new {
        check_ids(spec, uids, gids, found);
    }
}

/// The mappings of one mount, which is at `place`: both lists, or none.
pub fn check_mount(place: &str, mount: &oci_spec::runtime::Mount, found: &mut Findings) {
    let lists = [("uidMappings", mount.uid_mappings()), ("gidMappings", mount.gid_mappings())];
    let lists = lists.map(|(name, list)| (name, list.as_deref().unwrap_or_default()));
    if lists.iter().all(|(_, list)| list.is_empty()) {
        return;
    }
    for (name, list) in lists {
        if list.is_empty() {
            let problem = Problem::new(format!("{place} {name}"), "is missing, or empty");
            found.error(problem.hint("uidMappings and gidMappings of a mount go together"));
        } else {
            check_ranges(&format!("{place} {name}"), list, found);
        }
    }
}

fn check_ranges(place: &str, mappings: &[LinuxIdMapping], found: &mut Findings) {
    if mappings.len() > MOST {
        found.error(Problem::new(place, format!("has {} ranges, the kernel takes at most {MOST}", mappings.len())));
    }
    let digits = |number: u32| number.checked_ilog10().map_or(1, |log| log as usize + 1);
    let line = |of: &LinuxIdMapping| digits(of.container_id()) + digits(of.host_id()) + digits(of.size()) + 3;
    let length = mappings.iter().map(line).sum::<usize>();
    if mappings.len() <= MOST && length > LONGEST {
        let what = format!("takes {length} bytes as text, the kernel takes at most {LONGEST}");
        found.error(Problem::new(place, what).hint("join ranges that go on in one another"));
    }
    for (index, mapping) in mappings.iter().enumerate() {
        let place = format!("{place}[{index}]");
        if mapping.size() == 0 {
            found.error(Problem::new(format!("{place}.size"), "must be at least 1"));
            continue;
        }
        for (side, first) in [("containerID", mapping.container_id()), ("hostID", mapping.host_id())] {
            if first.checked_add(mapping.size()).is_none() {
                let what = format!("{first} and {} more ids go beyond {}", mapping.size(), u32::MAX - 1);
                found.error(Problem::new(format!("{place}.{side}"), what));
            }
        }
    }
    check_overlaps(place, "containerID", mappings, LinuxIdMapping::container_id, found);
    check_overlaps(place, "hostID", mappings, LinuxIdMapping::host_id, found);
}

fn check_overlaps(
    place: &str,
    side: &str,
    mappings: &[LinuxIdMapping],
    first: impl Fn(&LinuxIdMapping) -> u32,
    found: &mut Findings,
) {
    let mut order: Vec<(usize, u64, u64)> = mappings
        .iter()
        .enumerate()
        .map(|(index, mapping)| {
            (index, u64::from(first(mapping)), u64::from(first(mapping)) + u64::from(mapping.size()))
        })
        .collect();
    order.sort_by_key(|&(_, start, _)| start);
    for pair in order.windows(2) {
        let [(one, _, end), (other, start, _)] = pair else {
            continue;
        };
        if start < end {
            let (earlier, later) = (one.min(other), one.max(other));
            let what = format!("overlaps the {side} range of [{earlier}]");
            found.error(Problem::new(format!("{place}[{later}].{side}"), what));
        }
    }
}

/// An id that is not mapped can't be taken by the process: the kernel says only "invalid argument".
fn check_ids(spec: &Spec, uids: &[LinuxIdMapping], gids: &[LinuxIdMapping], found: &mut Findings) {
    let Some(process) = spec.process() else {
        return;
    };
    let user = process.user();
    let mut wanted =
        vec![("process.user.uid".to_owned(), user.uid(), uids), ("process.user.gid".to_owned(), user.gid(), gids)];
    for (index, gid) in user.additional_gids().iter().flatten().enumerate() {
        wanted.push((format!("process.user.additionalGids[{index}]"), *gid, gids));
    }
    for (place, id, mappings) in wanted {
        if !mappings.is_empty() && !is_mapped(id, mappings) {
            let list = if place.ends_with("uid") { "linux.uidMappings" } else { "linux.gidMappings" };
            found.error(
                Problem::new(place, format!("{id} is not mapped by {list}")).hint("map it, or name an id that is"),
            );
        }
    }
}

/// Whether an id inside has one outside.
pub fn is_mapped(id: u32, mappings: &[LinuxIdMapping]) -> bool {
    mappings.iter().any(|range| id.checked_sub(range.container_id()).is_some_and(|offset| offset < range.size()))
}
