//! What lies between the process and the host: namespaces, mounts, cgroup, seccomp, names, network.

use std::fs;
use std::os::unix::fs::MetadataExt;

use nix::sys::utsname;
use serde_json::{Map, Value, json};

use crate::status::Status;

/// The inode numbers of this process's namespaces, by kind, and the user namespace's maps.
pub fn namespaces() -> Value {
    let kinds = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];
    let inode = |kind: &str| {
        fs::metadata(format!("/proc/self/ns/{kind}"))
            .map(|file| file.ino())
            .ok()
    };
    kinds
        .into_iter()
        .map(|kind| (kind.to_owned(), json!(inode(kind))))
        .collect::<Map<_, _>>()
        .into()
}

/// `uid_map`, `gid_map` as rows of three numbers, `setgroups`, and the offsets of the time namespace.
pub fn id_maps() -> Value {
    let rows = |name: &str| {
        let text = fs::read_to_string(format!("/proc/self/{name}")).ok()?;
        let row = |line: &str| {
            line.split_whitespace()
                .filter_map(|word| word.parse().ok())
                .collect::<Vec<u64>>()
        };
        Some(text.lines().map(row).collect::<Vec<_>>())
    };
    let text = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).ok();
    json!({
        "uid": rows("uid_map"),
        "gid": rows("gid_map"),
        "setgroups": text("setgroups").map(|word| word.trim().to_owned()),
        "time_offsets": text("timens_offsets"),
    })
}

/// The mounts of this namespace in the order of mountinfo (`proc_pid_mountinfo(5)`).
pub fn mounts() -> Value {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    text.lines().filter_map(mount).collect()
}

fn mount(line: &str) -> Option<Value> {
    let (left, right) = line.split_once(" - ")?;
    let left: Vec<&str> = left.split(' ').collect();
    let right: Vec<&str> = right.split(' ').collect();
    let list = |words: &str| words.split(',').map(str::to_owned).collect::<Vec<_>>();
    Some(json!({
        "id": left.first()?.parse::<u64>().ok()?,
        "parent": left.get(1)?.parse::<u64>().ok()?,
        "device": left.get(2)?,
        "root": unescape(left.get(3)?),
        "target": unescape(left.get(4)?),
        "options": list(left.get(5)?),
        "propagation": propagation(left.get(6..)?),
        "fstype": right.first()?,
        "source": unescape(right.get(1)?),
        "super_options": list(right.get(2)?),
    }))
}

/// `private`, `unbindable`, or those of `shared` and `slave` that hold.
fn propagation(tags: &[&str]) -> String {
    let name = |tag: &&str| match tag.split(':').next() {
        Some("shared") => Some("shared"),
        Some("master") => Some("slave"),
        Some("unbindable") => Some("unbindable"),
        _ => None,
    };
    let names: Vec<&str> = tags.iter().filter_map(name).collect();
    if names.is_empty() {
        "private".to_owned()
    } else {
        names.join(",")
    }
}

/// Undoes the octal escapes of mountinfo: `\040` is a space.
fn unescape(word: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = word.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if first == b'\\' => {
                bytes.push(byte);
                rest = &after[3..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The path in the v2 hierarchy, and all lines of the file.
pub fn cgroup() -> Value {
    let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    json!({
        "path": text.lines().find_map(|line| line.strip_prefix("0::")),
        "lines": text.lines().collect::<Vec<_>>(),
    })
}

/// The mode (0 off, 1 strict, 2 filter) and the number of filters.
pub fn seccomp(status: &Status) -> Value {
    json!({"mode": status.number("Seccomp"), "filters": status.number("Seccomp_filters")})
}

/// Host and domain name, and the kernel's release and machine.
pub fn names() -> Value {
    let text = |name: &std::ffi::OsStr| name.to_string_lossy().into_owned();
    match utsname::uname() {
        Ok(names) => json!({
            "hostname": text(names.nodename()),
            "domainname": text(names.domainname()),
            "release": text(names.release()),
            "machine": text(names.machine()),
        }),
        Err(_) => Value::Null,
    }
}

/// The network interfaces by name, with their flags as `/sys` or, without it, as netlink's file
/// in `/proc` tells; `lo_up` is tried for real: a packet from 127.0.0.1 to itself.
pub fn network() -> Value {
    let text = fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    let names = text
        .lines()
        .skip(2)
        .filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()));
    json!({"interfaces": names.collect::<Vec<_>>(), "lo_up": loopback().is_ok()})
}

fn loopback() -> std::io::Result<()> {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(socket.local_addr()?)?;
    socket.send(b"here").map(drop)
}
