//! `linux.resources.blockIO`: the controller io.

use oci_spec::runtime::{LinuxBlockIo, LinuxThrottleDevice};

use super::{Absent, Outcome, Setting};

const PLACE: &str = "linux.resources.blockIO";

/// Adds what `block` asks for.
pub(super) fn io(block: &LinuxBlockIo, outcome: &mut Outcome) {
    if let Some(weight) = block.weight().filter(|&weight| weight != 0) {
        set_weight("default", weight, format!("{PLACE}.weight"), outcome);
    }
    no_leaf_weight(block.leaf_weight(), format!("{PLACE}.leafWeight"), outcome);
    for (index, device) in block.weight_device().iter().flatten().enumerate() {
        let place = format!("{PLACE}.weightDevice[{index}]");
        no_leaf_weight(device.leaf_weight(), format!("{place}.leafWeight"), outcome);
        if device.weight().is_none() && device.leaf_weight().is_none() {
            outcome.wrong(&*place, "must have a weight");
        }
        let Some(number) = number(device.major(), device.minor(), &place, outcome) else { continue };
        if let Some(weight) = device.weight().filter(|&weight| weight != 0) {
            set_weight(&number, weight, format!("{place}.weight"), outcome);
        }
    }
    throttle(block.throttle_read_bps_device().as_ref(), "throttleReadBpsDevice", "rbps", outcome);
    throttle(block.throttle_write_bps_device().as_ref(), "throttleWriteBpsDevice", "wbps", outcome);
    throttle(block.throttle_read_iops_device().as_ref(), "throttleReadIOPSDevice", "riops", outcome);
    throttle(block.throttle_write_iops_device().as_ref(), "throttleWriteIOPSDevice", "wiops", outcome);
}

/// A weight of all devices (`default`) or of one (`8:0`).
///
/// Where the BFQ scheduler is loaded its own file is there, with the range of old (1 to 1000); BFQ takes no notice of
/// io.weight. Elsewhere it is io.weight, from 1 to 10000.
fn set_weight(target: &str, weight: u16, place: String, outcome: &mut Outcome) {
    if !(10..=1000).contains(&weight) {
        return outcome.wrong(place, format!("must be from 10 to 1000, not {weight}"));
    }
    let instead = format!("{target} {}", weight_to_io(weight));
    let setting = Setting::new("io.bfq.weight", format!("{target} {weight}"), place);
    outcome.settings.push(Setting { absent: Absent::Instead("io.weight".into(), instead), ..setting });
}

/// A weight of cgroup v1 (10 to 1000) as io.weight (1 to 10000), along a straight line.
fn weight_to_io(weight: u16) -> u32 {
    1 + (u32::from(weight) - 10) * 9999 / 990
}

fn no_leaf_weight(weight: Option<u16>, place: String, outcome: &mut Outcome) {
    if weight.is_some_and(|weight| weight != 0) {
        outcome.wrong(place, "cgroup v2 has no weights of leaves: processes live in leaves only; leave it out");
    }
}

/// Limits of one kind, for each device; a rate of 0 is no limit.
fn throttle(devices: Option<&Vec<LinuxThrottleDevice>>, name: &str, key: &str, outcome: &mut Outcome) {
    for (index, device) in devices.into_iter().flatten().enumerate() {
        let place = format!("{PLACE}.{name}[{index}]");
        let Some(number) = number(device.major(), device.minor(), &place, outcome) else { continue };
        let rate = match device.rate() {
            0 => "max".to_owned(),
            rate => rate.to_string(),
        };
        outcome.set("io.max", format!("{number} {key}={rate}"), place);
    }
}

/// A device's number as the kernel writes it: `8:0`.
fn number(major: i64, minor: i64, place: &str, outcome: &mut Outcome) -> Option<String> {
    if let (Ok(major), Ok(minor)) = (u32::try_from(major), u32::try_from(minor)) {
        return Some(format!("{major}:{minor}"));
    }
    outcome.wrong(place, format!("{major}:{minor} is not a device number"));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights() {
        assert_eq!([10, 11, 100, 500, 1000].map(weight_to_io), [1, 11, 910, 4950, 10_000]);
    }
}
