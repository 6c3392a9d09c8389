//! Open files, terminals, the nodes of `/dev`, and single files that a test asks for.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use nix::fcntl::OFlag;
use nix::sys::stat::{major, minor};
use serde_json::{Map, Value, json};

use crate::kernel;
use crate::probes::outcome;

/// The open descriptors but the one that lists them, in ascending order.
pub fn descriptors() -> Value {
    let Ok(folder) = nix::dir::Dir::open(
        "/proc/self/fd",
        OFlag::O_RDONLY | OFlag::O_DIRECTORY,
        nix::sys::stat::Mode::empty(),
    ) else {
        return Value::Null;
    };
    let own = folder.as_raw_fd();
    let names = folder
        .into_iter()
        .filter_map(|entry| entry.ok()?.file_name().to_str().ok()?.parse::<i32>().ok());
    let mut numbers: Vec<i32> = names.filter(|&fd| fd != own).collect();
    numbers.sort_unstable();
    numbers.into_iter().map(descriptor).collect()
}

fn descriptor(fd: i32) -> Value {
    let link = format!("/proc/self/fd/{fd}");
    // Looked at through /proc: adopting a number as an owned descriptor would close it.
    let kind = fs::metadata(&link).map_or_else(|_| "unknown", |file| kind(&file));
    let flags = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
    let flags = flags.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|octal| i32::from_str_radix(octal.trim(), 8).ok());
    json!({
        "fd": fd,
        "target": fs::read_link(&link).map(|path| path.to_string_lossy().into_owned()).ok(),
        "kind": kind,
        "close_on_exec": flags.map(|flags| flags & OFlag::O_CLOEXEC.bits() != 0),
    })
}

/// Stdin, stdout and stderr: a terminal or not, its name, its window and whether it controls this session.
pub fn standard_streams() -> Value {
    (0..3).map(stream).collect()
}

fn stream(fd: i32) -> Value {
    let name = kernel::terminal_name(fd);
    let size = kernel::window_size(fd).ok();
    json!({
        "open": fs::symlink_metadata(format!("/proc/self/fd/{fd}")).is_ok(),
        "tty": size.is_some(),
        "name": name,
        "rows": size.map(|(rows, _)| rows),
        "columns": size.map(|(_, columns)| columns),
    })
}

/// Whether the process has a controlling terminal: only then `/dev/tty` opens.
pub fn controlling_terminal() -> bool {
    fs::File::open("/dev/tty").is_ok()
}

/// Everything directly in `/dev`, by path.
pub fn devices() -> Value {
    let Ok(folder) = fs::read_dir("/dev") else {
        return Value::Null;
    };
    let paths = folder.filter_map(|entry| Some(entry.ok()?.path().to_string_lossy().into_owned()));
    paths
        .map(|path| {
            let facts = facts(&path);
            (path, facts)
        })
        .collect::<Map<_, _>>()
        .into()
}

/// Kind, mode, owner, size, device numbers and link target of one path, not followed, or `{"error": "ENOENT"}`.
pub fn facts(path: &str) -> Value {
    match fs::symlink_metadata(path) {
        Err(cause) => json!({"error": outcome(&cause)}),
        Ok(file) => json!({
            "kind": kind(&file),
            "mode": file.mode() & 0o7777,
            "uid": file.uid(),
            "gid": file.gid(),
            "size": file.len(),
            "major": major(file.rdev()),
            "minor": minor(file.rdev()),
            "link": fs::read_link(path).map(|target| target.to_string_lossy().into_owned()).ok(),
        }),
    }
}

/// A file's text, at most 64 KiB, or `{"error": "EACCES"}`; of a directory its names, sorted.
pub fn contents(path: &str) -> Value {
    let failed = |cause: &std::io::Error| json!({"error": outcome(cause)});
    if fs::metadata(path).is_ok_and(|file| file.is_dir()) {
        return match fs::read_dir(path) {
            Err(cause) => failed(&cause),
            Ok(folder) => {
                let mut names: Vec<String> = folder
                    .filter_map(|entry| {
                        Some(entry.ok()?.file_name().to_string_lossy().into_owned())
                    })
                    .collect();
                names.sort();
                json!(names)
            }
        };
    }
    match head(path) {
        Ok(bytes) => json!(String::from_utf8_lossy(&bytes)),
        Err(cause) => failed(&cause),
    }
}

fn head(path: &str) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(64 << 10)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn kind(file: &fs::Metadata) -> &'static str {
    let kind = file.file_type();
    match () {
        () if kind.is_dir() => "directory",
        () if kind.is_symlink() => "link",
        () if kind.is_char_device() => "char",
        () if kind.is_block_device() => "block",
        () if kind.is_fifo() => "fifo",
        () if kind.is_socket() => "socket",
        () if kind.is_file() => "file",
        () => "anonymous",
    }
}
