//! The five capability sets, by name (capabilities(7)).

use serde_json::{Value, json};

use crate::status::Status;

/// The names in the order of their numbers, `linux/capability.h`.
const NAMES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// `{"bounding": ["CAP_CHOWN", ...], "effective": ..., ...}`; a set is null where there is no `/proc`.
pub fn report(status: &Status) -> Value {
    let set = |field| status.mask(field).map(names);
    json!({
        "bounding": set("CapBnd"),
        "effective": set("CapEff"),
        "inheritable": set("CapInh"),
        "permitted": set("CapPrm"),
        "ambient": set("CapAmb"),
    })
}

fn names(mask: u64) -> Vec<String> {
    let name = |bit: usize| {
        NAMES
            .get(bit)
            .map_or_else(|| format!("CAP_{bit}"), |&name| name.into())
    };
    (0..64)
        .filter(|bit| mask & (1 << bit) != 0)
        .map(name)
        .collect()
}
