//! The small controllers of `linux.resources`: pids, hugetlb, rdma; and network, which cgroup v2 does without.

use std::collections::BTreeMap;

use oci_spec::runtime::{LinuxHugepageLimit, LinuxNetwork, LinuxPids, LinuxRdma, LinuxResources};

use super::{Absent, Outcome, Setting};

/// Adds what they ask for.
pub(super) fn others(resources: &LinuxResources, outcome: &mut Outcome) {
    if let Some(pids) = resources.pids() {
        set_pids(*pids, outcome);
    }
    for (index, limit) in resources.hugepage_limits().iter().flatten().enumerate() {
        hugepages(index, limit, outcome);
    }
    // In the order of their names, so that the same config always gives the same plan.
    let devices: BTreeMap<_, _> = resources.rdma().iter().flatten().collect();
    for (name, limits) in devices {
        rdma(name, *limits, outcome);
    }
    if let Some(asked) = resources.network() {
        network(asked, outcome);
    }
}

/// pids.max: -1 is no limit, and since runtime-spec 1.3 0 is one.
fn set_pids(pids: LinuxPids, outcome: &mut Outcome) {
    let place = "linux.resources.pids.limit";
    match pids.limit() {
        -1 => outcome.settings.push(Setting { absent: Absent::Skip, ..Setting::new("pids.max", "max", place) }),
        // The kernel counts a process when it is made: with 0 the first one couldn't be. 1 is what was always meant,
        // no process but this.
        0 => outcome.set("pids.max", 1, place),
        limit @ 1.. => outcome.set("pids.max", limit, place),
        limit => outcome.wrong(place, format!("must be a number of processes, or -1 for no limit, not {limit}")),
    }
}

/// hugetlb.SIZE.max, and hugetlb.SIZE.rsvd.max: what is used and what is reserved are counted apart, so that a
/// reservation beyond the limit fails in mmap(2) and not by SIGBUS later. Here 0 is a limit: none of that size.
fn hugepages(index: usize, entry: &LinuxHugepageLimit, outcome: &mut Outcome) {
    let place = format!("linux.resources.hugepageLimits[{index}]");
    let size = entry.page_size();
    let digits = ["KB", "MB", "GB"].iter().find_map(|unit| size.strip_suffix(unit));
    if !digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())) {
        let what = format!("must be a size like \"2MB\" or \"1GB\", not {size:?}");
        return outcome.wrong(format!("{place}.pageSize"), what);
    }
    let place = format!("{place}.limit");
    let limit = match entry.limit() {
        -1 => "max".to_owned(),
        limit @ 0.. => limit.to_string(),
        limit => return outcome.wrong(place, format!("must be a number of bytes, or -1 for no limit, not {limit}")),
    };
    outcome.set(&format!("hugetlb.{size}.rsvd.max"), &limit, &place);
    outcome.set(&format!("hugetlb.{size}.max"), limit, place);
}

/// rdma.max, a line for each device.
fn rdma(name: &str, limits: LinuxRdma, outcome: &mut Outcome) {
    let place = format!("linux.resources.rdma[{name:?}]");
    if name.is_empty() || name.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        return outcome.wrong(place, "is not the name of a device");
    }
    let mut value = name.to_owned();
    for (key, limit) in [("hca_handle", limits.hca_handles()), ("hca_object", limits.hca_objects())] {
        if let Some(limit) = limit {
            value = format!("{value} {key}={limit}");
        }
    }
    if value == name {
        return outcome.wrong(place, "must have hcaHandles, hcaObjects, or both");
    }
    outcome.set("rdma.max", value, place);
}

/// The controllers `net_cls` and `net_prio` exist in cgroup v1 only.
fn network(network: &LinuxNetwork, outcome: &mut Outcome) {
    const WHAT: &str = "cgroup v2 does not mark packets; leave it out and match the cgroup in the firewall \
                        (iptables -m cgroup --path, nft socket cgroupv2)";
    if network.class_id().is_some_and(|class| class != 0) {
        outcome.wrong("linux.resources.network.classID", WHAT);
    }
    if network.priorities().as_ref().is_some_and(|priorities| !priorities.is_empty()) {
        outcome.wrong("linux.resources.network.priorities", WHAT);
    }
}
