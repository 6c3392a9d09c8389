//! `linux.netDevices`.

use oci_spec::runtime::Linux;

use super::{Host, NetDevice};
use crate::bundle::{Findings, check};
use crate::error::Problem;

/// The devices in the order of their names on the host: an object of JSON has none.
pub fn new(linux: &Linux, host: &Host, found: &mut Findings) -> Vec<NetDevice> {
    let devices = check::net_devices(linux);
    if !devices.is_empty() && !host.privileged() {
        let problem = Problem::new("linux.netDevices", "only root can move network devices of the host");
        found.error(problem.hint("run onggi as root, or leave them out"));
    }
    devices.into_iter().map(|(host, inside)| NetDevice { host: host.to_owned(), inside: inside.to_owned() }).collect()
}
