//! Numbers by their names.

use std::ffi::CStr;

use libc::{MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE, MS_UNBINDABLE};

use crate::plan::Attributes;
use crate::plan::process::RLIMITS;

/// Namespaces by the names that config.json has for them, in the order in which people list them.
const NAMESPACES: [(libc::c_int, &str); 8] = [
    (libc::CLONE_NEWUSER, "user"),
    (libc::CLONE_NEWPID, "pid"),
    (libc::CLONE_NEWNET, "network"),
    (libc::CLONE_NEWIPC, "ipc"),
    (libc::CLONE_NEWUTS, "uts"),
    (libc::CLONE_NEWNS, "mount"),
    (libc::CLONE_NEWCGROUP, "cgroup"),
    (libc::CLONE_NEWTIME, "time"),
];

/// Mount attributes by their options: set, cleared. The access time group is apart.
const ATTRIBUTES: [(u64, &str, &str); 6] = [
    (libc::MOUNT_ATTR_RDONLY, "ro", "rw"),
    (libc::MOUNT_ATTR_NOSUID, "nosuid", "suid"),
    (libc::MOUNT_ATTR_NODEV, "nodev", "dev"),
    (libc::MOUNT_ATTR_NOEXEC, "noexec", "exec"),
    (libc::MOUNT_ATTR_NODIRATIME, "nodiratime", "diratime"),
    (libc::MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow", "symfollow"),
];

/// The kinds in a set of `CLONE_NEW*` flags.
pub fn namespaces(flags: u64) -> Vec<&'static str> {
    let set = NAMESPACES.iter().filter(|(flag, _)| flags & u64::from(flag.unsigned_abs()) != 0);
    set.map(|(_, name)| *name).collect()
}

/// `["nosuid", "relatime"]`, with `prefix` in front of each.
pub fn attributes(attributes: Attributes, prefix: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (bit, set, cleared) in ATTRIBUTES {
        if attributes.set & bit != 0 {
            words.push(format!("{prefix}{set}"));
        } else if attributes.clear & bit != 0 {
            words.push(format!("{prefix}{cleared}"));
        }
    }
    if attributes.clear & libc::MOUNT_ATTR__ATIME != 0 {
        let member = match attributes.set & libc::MOUNT_ATTR__ATIME {
            libc::MOUNT_ATTR_NOATIME => "noatime",
            libc::MOUNT_ATTR_STRICTATIME => "strictatime",
            _ => "relatime",
        };
        words.push(format!("{prefix}{member}"));
    }
    words
}

/// `rslave`.
pub fn propagation(flags: u64) -> String {
    let kind = match flags & !MS_REC {
        MS_SHARED => "shared",
        MS_SLAVE => "slave",
        MS_PRIVATE => "private",
        MS_UNBINDABLE => "unbindable",
        other => return format!("{other:#x}"),
    };
    if flags & MS_REC == 0 { kind.to_owned() } else { format!("r{kind}") }
}

/// `RLIMIT_NOFILE`.
pub fn rlimit(resource: u32) -> String {
    let name = usize::try_from(resource).ok().and_then(|number| RLIMITS.get(number));
    name.map_or_else(|| format!("RLIMIT {resource}"), |name| (*name).to_owned())
}

/// `SCHED_BATCH`.
pub fn policy(number: u32) -> String {
    let names = ["OTHER", "FIFO", "RR", "BATCH", "ISO", "IDLE", "DEADLINE"];
    names.get(number as usize).map_or_else(|| format!("SCHED {number}"), |name| format!("SCHED_{name}"))
}

/// `IOPRIO_CLASS_BE`, of an I/O priority.
pub fn io_class(priority: u32) -> &'static str {
    match priority >> 13 {
        1 => "IOPRIO_CLASS_RT",
        2 => "IOPRIO_CLASS_BE",
        3 => "IOPRIO_CLASS_IDLE",
        _ => "IOPRIO_CLASS_NONE",
    }
}

/// `LINUX32`.
pub fn persona_name(persona: u32) -> &'static str {
    if persona == 8 { "LINUX32" } else { "LINUX" }
}

/// `c`, `b` or `p`.
pub fn device(mode: u32) -> char {
    match mode & libc::S_IFMT {
        libc::S_IFBLK => 'b',
        libc::S_IFIFO => 'p',
        _ => 'c',
    }
}

/// A string of the config on a terminal: what could move its cursor is escaped.
pub fn plain(text: &CStr) -> String {
    plain_text(&text.to_string_lossy())
}

/// The same of text.
pub fn plain_text(text: &str) -> String {
    let escape = |letter: char| {
        if letter.is_control() { letter.escape_default().to_string() } else { letter.to_string() }
    };
    text.chars().map(escape).collect()
}

/// As [`plain`], in quotes where a shell would want them.
pub fn quoted(text: &CStr) -> String {
    let plain = plain(text);
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./=:,@%+".contains(&byte);
    if !plain.is_empty() && plain.bytes().all(bare) { plain } else { format!("'{}'", plain.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_names() {
        let all = (1 << 0) | (1 << 20);
        let attributes = |set, clear| attributes(Attributes { set, clear }, "r").join(" ");
        assert_eq!(attributes(all & 1 | 0x10, 0x70), "rro rnoatime");
        assert_eq!(attributes(0, 0x1 | 0x70), "rrw rrelatime");
        assert_eq!(propagation(MS_SLAVE | MS_REC), "rslave");
        assert_eq!(rlimit(7), "RLIMIT_NOFILE");
        assert_eq!(rlimit(99), "RLIMIT 99");
        assert_eq!(namespaces(0x2002_0000), ["pid", "mount"]);
    }

    #[test]
    fn the_terminal_is_safe() {
        assert_eq!(quoted(c"a\x1b[2J"), "'a\\u{1b}[2J'");
        assert_eq!(quoted(c"it's"), "'it'\\''s'");
        assert_eq!(quoted(c""), "''");
        assert_eq!(quoted(c"/bin/sh"), "/bin/sh");
    }
}
