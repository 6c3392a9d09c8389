//! Device nodes and links below /dev (spec: config-linux, Default Devices and Devices).

use std::ffi::CStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libc::{S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT};
use oci_spec::runtime::{LinuxDevice, LinuxDeviceType};

use super::{Device, DeviceKind, Host, Link, Mount, Namespaces, Source};
use crate::bundle::{Bundle, Findings, path};

/// What every container has: name, major, minor. /dev/console is bound to the terminal when there is one.
const DEFAULT: [(&CStr, u32, u32); 6] = [
    (c"/dev/null", 1, 3),
    (c"/dev/zero", 1, 5),
    (c"/dev/full", 1, 7),
    (c"/dev/random", 1, 8),
    (c"/dev/urandom", 1, 9),
    (c"/dev/tty", 5, 0),
];

/// The links that every container has, with what they point at (spec: runtime-linux, Dev symbolic links).
const LINKS: [(&CStr, &CStr); 5] = [
    (c"/dev/fd", c"/proc/self/fd"),
    (c"/dev/stdin", c"/proc/self/fd/0"),
    (c"/dev/stdout", c"/proc/self/fd/1"),
    (c"/dev/stderr", c"/proc/self/fd/2"),
    (c"/dev/ptmx", c"pts/ptmx"),
];

/// The links; none if /dev is the host's own.
pub fn links(mounts: &[Mount]) -> Vec<Link> {
    if is_bound(mounts) {
        return Vec::new();
    }
    LINKS.iter().map(|(path, target)| Link { path: (*path).to_owned(), target: (*target).to_owned() }).collect()
}

/// The default devices, then those of config.json. One of config.json at a default one's path takes its place; one at a
/// link's gives way to it, as /dev/ptmx does when an engine lists all devices of the host.
pub fn new(
    bundle: &Bundle,
    namespaces: &Namespaces,
    mounts: &[Mount],
    host: &Host,
    found: &mut Findings,
) -> Vec<Device> {
    if is_bound(mounts) {
        return Vec::new();
    }
    // Only the initial user namespace's root can make nodes (mknod(2)); elsewhere the host's are bound.
    let kind =
        if host.initial && !namespaces.has(libc::CLONE_NEWUSER) { DeviceKind::Make } else { DeviceKind::BindFromHost };
    let listed = bundle.spec.linux().as_ref().and_then(|linux| linux.devices().as_deref()).unwrap_or_default();
    let mut plan = Vec::with_capacity(DEFAULT.len() + listed.len());
    for (path, major, minor) in DEFAULT {
        let listed = listed.iter().any(|device| path::inside(device.path()).as_os_str().as_bytes() == path.to_bytes());
        if !listed && !is_covered(mounts, path) {
            let mode = S_IFCHR | 0o666;
            plan.push(Device { index: None, path: path.to_owned(), how: kind, mode, major, minor, uid: 0, gid: 0 });
        }
    }
    for (index, device) in listed.iter().enumerate() {
        let path = path::inside(device.path());
        if !LINKS.iter().any(|(link, _)| link.to_bytes() == path.as_os_str().as_bytes()) {
            plan.push(listed_device(index, device, &path, kind, found));
        }
    }
    plan
}

/// Whether the config mounts something of its own at `path`, on whatever it has at /dev: then that is what is wanted there.
fn is_covered(mounts: &[Mount], path: &CStr) -> bool {
    mounts.iter().rev().take_while(|mount| mount.target.as_bytes() != b"/dev").any(|mount| *mount.target == *path)
}

/// A /dev that is a bind mount is somebody else's: nothing is made in it.
fn is_bound(mounts: &[Mount]) -> bool {
    mounts.iter().any(|mount| mount.target.as_bytes() == b"/dev" && matches!(mount.source, Source::Bind { .. }))
}

fn listed_device(index: usize, device: &LinuxDevice, path: &Path, kind: DeviceKind, found: &mut Findings) -> Device {
    let (format, how) = match device.typ() {
        // Unbuffered devices are character devices to Linux. "a" was refused by the check.
        LinuxDeviceType::C | LinuxDeviceType::U | LinuxDeviceType::A => (S_IFCHR, kind),
        LinuxDeviceType::B => (S_IFBLK, kind),
        // Anyone can make one.
        LinuxDeviceType::P => (S_IFIFO, DeviceKind::Make),
    };
    Device {
        index: Some(index),
        path: found.text(path.as_os_str().as_bytes(), || format!("linux.devices[{index}].path")),
        how,
        mode: format | device.file_mode().unwrap_or(0o666) & !S_IFMT,
        major: u32::try_from(device.major()).unwrap_or_default(),
        minor: u32::try_from(device.minor()).unwrap_or_default(),
        uid: device.uid().unwrap_or_default(),
        gid: device.gid().unwrap_or_default(),
    }
}
