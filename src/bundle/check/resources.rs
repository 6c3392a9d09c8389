//! What `linux.resources` says twice in different words. Its values are judged by `plan`, which turns them into files of the cgroup.

use oci_spec::runtime::{LinuxThrottleDevice, LinuxWeightDevice, Spec};

use super::Findings;
use crate::error::Problem;

pub fn check(spec: &Spec, found: &mut Findings) {
    let Some(resources) = spec.linux().as_ref().and_then(|linux| linux.resources().as_ref()) else { return };
    let pages = resources.hugepage_limits().iter().flatten();
    once("hugepageLimits", pages.map(|limit| (limit.page_size().clone(), limit.limit())), found);
    let Some(block) = resources.block_io() else { return };
    let weight = |device: &LinuxWeightDevice| (number(device.major(), device.minor()), device.weight());
    once("blockIO.weightDevice", block.weight_device().iter().flatten().map(weight), found);
    for (list, devices) in [
        ("blockIO.throttleReadBpsDevice", block.throttle_read_bps_device()),
        ("blockIO.throttleWriteBpsDevice", block.throttle_write_bps_device()),
        ("blockIO.throttleReadIOPSDevice", block.throttle_read_iops_device()),
        ("blockIO.throttleWriteIOPSDevice", block.throttle_write_iops_device()),
    ] {
        let rate = |device: &LinuxThrottleDevice| (number(device.major(), device.minor()), device.rate());
        once(list, devices.iter().flatten().map(rate), found);
    }
}

fn number(major: i64, minor: i64) -> String {
    format!("{major}:{minor}")
}

/// Each subject at most once, or always with the same limit.
fn once<L: PartialEq>(list: &str, members: impl Iterator<Item = (String, L)>, found: &mut Findings) {
    let mut earlier: Vec<(String, L)> = Vec::new();
    for (index, (subject, limit)) in members.enumerate() {
        if let Some(first) = earlier.iter().position(|(other, set)| *other == subject && *set != limit) {
            let place = format!("linux.resources.{list}[{index}]");
            let problem = Problem::new(place, format!("{subject} has another limit by {list}[{first}]"));
            found.error(problem.hint("leave one out"));
        }
        earlier.push((subject, limit));
    }
}
