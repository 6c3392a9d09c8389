//! The program of the bundles `hello`, `limits` and `rootless`: says what it sees from inside.
//!
//! It reads nothing but `/proc` and its cgroup's files; what it can't see it leaves out.

use std::fs;
use std::os::unix::fs::MetadataExt;

fn main() {
    println!("Hello from inside a container!\n");
    row("process", &process());
    row("user", &user());
    row(
        "host name",
        read("/proc/sys/kernel/hostname")
            .as_deref()
            .unwrap_or("(no /proc)"),
    );
    row("namespaces", &namespaces());
    row("cgroup", &cgroup());
    row("limits", &limits());
    row("network", &network());
    row("mounts", &mounts());
    row(
        "rootfs",
        if fs::write("/.probe", "").is_ok() {
            "can be written to"
        } else {
            "is read-only"
        },
    );
    let _ = fs::remove_file("/.probe");
    println!("\nWhat you see is what its config.json asks for: change it and run it again.");
}

fn row(name: &str, text: &str) {
    println!("  {name:<11} {text}");
}

fn process() -> String {
    let pid = std::process::id();
    let others = fs::read_dir("/proc").map_or(0, |entries| {
        entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok())
            .count()
    });
    let place = if pid == 1 {
        ", the first of its own pid namespace"
    } else {
        ""
    };
    format!("pid {pid}{place}; {others} process(es) to be seen")
}

fn user() -> String {
    // Its directory in /proc belongs to whom a process acts as.
    let Ok(own) = fs::metadata("/proc/self") else {
        return "(no /proc)".to_owned();
    };
    let (uid, gid) = (own.uid(), own.gid());
    // The one line of an identity mapping over all ids is the host's own user namespace.
    let outside = read("/proc/self/uid_map").and_then(|map| {
        let numbers: Vec<u64> = map
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        match numbers[..] {
            [0, 0, 4_294_967_295] => None,
            [inside, outside, _, ..] => {
                (u64::from(uid) >= inside).then(|| u64::from(uid) - inside + outside)
            }
            _ => None,
        }
    });
    let mapped = outside.map_or_else(String::new, |id| format!(", which is uid {id} outside"));
    format!("uid {uid}, gid {gid}{mapped}")
}

fn namespaces() -> String {
    let kinds = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];
    let links = kinds
        .iter()
        .filter_map(|kind| fs::read_link(format!("/proc/self/ns/{kind}")).ok());
    let number =
        |link: std::path::PathBuf| link.to_string_lossy().replace(":[", " ").replace(']', "");
    links.map(number).collect::<Vec<_>>().join(", ")
}

fn cgroup() -> String {
    let lines = read("/proc/self/cgroup").unwrap_or_default();
    let path = lines
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        .unwrap_or("(not to be seen)");
    if path == "/" {
        "/ (the top of its own cgroup namespace)".to_owned()
    } else {
        path.to_owned()
    }
}

fn limits() -> String {
    let files = ["memory.max", "cpu.max", "pids.max"];
    let limit = |file: &&str| {
        Some(format!(
            "{file} {}",
            read(&format!("/sys/fs/cgroup/{file}"))?
        ))
    };
    let all: Vec<String> = files.iter().filter_map(limit).collect();
    if all.is_empty() {
        "none to be seen in /sys/fs/cgroup".to_owned()
    } else {
        all.join(", ")
    }
}

fn network() -> String {
    let table = read("/proc/net/dev").unwrap_or_default();
    let names = table
        .lines()
        .skip(2)
        .filter_map(|line| Some(line.split_once(':')?.0.trim()));
    names.collect::<Vec<_>>().join(", ")
}

fn mounts() -> String {
    let table = read("/proc/self/mountinfo").unwrap_or_default();
    let targets: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .collect();
    format!(
        "{} in all: {} ...",
        targets.len(),
        targets
            .iter()
            .take(6)
            .copied()
            .collect::<Vec<_>>()
            .join(" ")
    )
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path)
        .ok()
        .map(|text| text.trim().to_owned())
}
