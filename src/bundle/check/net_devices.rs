//! `linux.netDevices` (spec: config-linux, Network Devices): the names, and whether there is a place to move them to.

use std::collections::BTreeMap;

use oci_spec::runtime::{Linux, LinuxNamespaceType, Spec};

use super::{Findings, has};
use crate::error::Problem;

/// `IFNAMSIZ` of the kernel, less the NUL.
const LONGEST_NAME: usize = 15;

/// The devices by their names on the host, each with its name in the container.
pub fn net_devices(linux: &Linux) -> BTreeMap<&str, &str> {
    let devices = linux.net_devices().iter().flatten();
    let named = devices.map(|(host, device)| (host, device.name().as_ref().filter(|name| !name.is_empty())));
    named.map(|(host, inside)| (host.as_str(), inside.unwrap_or(host).as_str())).collect()
}

pub fn check(spec: &Spec, found: &mut Findings) {
    let devices = spec.linux().as_ref().map(net_devices).unwrap_or_default();
    if devices.is_empty() {
        return;
    }
    if !has(spec, LinuxNamespaceType::Network) {
        let problem = Problem::new("linux.netDevices", "need a network namespace to be moved to");
        found.error(problem.hint("add {\"type\": \"network\"} to linux.namespaces"));
    }
    for (index, (host, inside)) in devices.iter().enumerate() {
        let place = place(host);
        check_name(&place, host, false, found);
        if *host == "lo" {
            found.error(Problem::new(&place, "the loopback can't be moved; every network namespace has its own"));
        }
        if inside != host {
            check_name(&format!("{place}.name"), inside, true, found);
        }
        if *inside == "lo" && *host != "lo" {
            found.error(Problem::new(format!("{place}.name"), "\"lo\" is the container's own loopback"));
        }
        let first = devices.iter().take(index).find(|(_, other)| *other == inside && !inside.contains('%'));
        if let Some((first, _)) = first {
            let what = format!("\"{inside}\" is already the name of {first}");
            found.error(Problem::new(format!("{place}.name"), what));
        }
    }
}

/// How a device is called in messages: `linux.netDevices["eth1"]`.
pub fn place(host: &str) -> String {
    format!("linux.netDevices[\"{host}\"]")
}

/// What the kernel takes for a name (`dev_valid_name`); a new one may end in `%d`, which the kernel makes a number.
fn check_name(place: &str, name: &str, new: bool, found: &mut Findings) {
    let plain = name.strip_suffix("%d").filter(|_| new).unwrap_or(name);
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || "/:%".contains(letter);
    let what = if name.is_empty() {
        "is empty".to_owned()
    } else if name.len() > LONGEST_NAME {
        format!("\"{name}\" has {} bytes; a network device's name has at most {LONGEST_NAME}", name.len())
    } else if matches!(name, "." | "..") || plain.contains(odd) {
        format!("\"{name}\" is no name for a network device")
    } else {
        return;
    };
    found.error(Problem::new(place, what).hint("no blanks, no '/', ':' or '%', and not \".\" or \"..\""));
}
