//! `linux.devices` (spec: config-linux, Devices): the nodes, mknod(2)'s rules.

use oci_spec::runtime::{LinuxDevice, LinuxDeviceType, Spec};

use super::Findings;
use crate::bundle::path;
use crate::error::Problem;

/// The kernel's device numbers have 12 bits for the major and 20 for the minor number.
const MOST_MAJOR: i64 = (1 << 12) - 1;
const MOST_MINOR: i64 = (1 << 20) - 1;

pub fn check(spec: &Spec, found: &mut Findings) {
    let devices = spec.linux().as_ref().and_then(|linux| linux.devices().as_deref()).unwrap_or_default();
    for (index, device) in devices.iter().enumerate() {
        let place = format!("linux.devices[{index}]");
        check_path(&place, device, found);
        check_numbers(&place, device, found);
        check_mode(&place, device, found);
        check_twin(&place, device, &devices[..index], found);
    }
}

fn check_path(place: &str, device: &LinuxDevice, found: &mut Findings) {
    let path = device.path();
    if path.as_os_str().is_empty() {
        found.error(Problem::new(format!("{place}.path"), "is missing"));
    } else if found.absolute(path, || format!("{place}.path")) && path::inside(path).parent().is_none() {
        found.error(Problem::new(format!("{place}.path"), "the root itself can't be a device"));
    }
}

fn check_numbers(place: &str, device: &LinuxDevice, found: &mut Findings) {
    if device.typ() == LinuxDeviceType::A {
        let problem = Problem::new(format!("{place}.type"), "\"a\" is for device rules, not for nodes");
        return found.error(problem.hint("one of c, b, u, p"));
    }
    let (major, minor) = (device.major(), device.minor());
    if device.typ() == LinuxDeviceType::P {
        return;
    }
    if (major, minor) == (0, 0) {
        return found.error(
            Problem::new(place, "has no major and minor number").hint("`ls -l` shows those of the host's node"),
        );
    }
    for (name, number, most) in [("major", major, MOST_MAJOR), ("minor", minor, MOST_MINOR)] {
        if !(0..=most).contains(&number) {
            found.error(Problem::new(format!("{place}.{name}"), format!("must be within 0 and {most}, not {number}")));
        }
    }
}

fn check_mode(place: &str, device: &LinuxDevice, found: &mut Findings) {
    // Engines copy st_mode, so the bits of a file type may be there.
    if let Some(mode) = device.file_mode().filter(|mode| mode & !(libc::S_IFMT | 0o7777) != 0) {
        let problem = Problem::new(format!("{place}.fileMode"), format!("{mode} is no file mode"));
        found.error(problem.hint("JSON has no octal numbers: 0666 is written 438"));
    }
    for (name, id) in [("uid", device.uid()), ("gid", device.gid())] {
        if id == Some(u32::MAX) {
            found.error(
                Problem::new(format!("{place}.{name}"), format!("{} is no valid id", u32::MAX))
                    .hint("ids go up to 4294967294"),
            );
        }
    }
}

fn check_twin(place: &str, device: &LinuxDevice, earlier: &[LinuxDevice], found: &mut Findings) {
    let node = path::inside(device.path());
    let Some(twin) = earlier.iter().position(|other| path::inside(other.path()) == node) else {
        return;
    };
    let problem = Problem::new(place, format!("{} is already given by devices[{twin}]", node.display()));
    if earlier[twin] == *device { found.warn(problem) } else { found.error(problem) }
}
