//! What a sentence about memory needs: the limit, the peak, and whether the kernel had to kill.

use super::{Cgroup, file};

/// The memory of a cgroup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// memory.max in bytes; `None` without a limit or without the controller.
    pub limit: Option<u64>,
    /// The most that was in use at once, in bytes (memory.peak, Linux 5.19; before it what is in use now).
    pub peak: Option<u64>,
    /// How many processes the kernel killed for want of memory.
    pub oom_kills: u64,
}

impl std::fmt::Display for Memory {
    /// `limit 16384 KiB, peak 16380 KiB`; what isn't known is a question mark.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let amount = |bytes: Option<u64>| bytes.map_or_else(|| "?".to_owned(), |bytes| format!("{} KiB", bytes / 1024));
        write!(out, "limit {}, peak {}", amount(self.limit), amount(self.peak))
    }
}

impl Cgroup {
    /// The memory limit, peak and OOM kills; nothing of a cgroup that is gone or lacks the controller.
    pub fn memory(&self) -> Memory {
        let number = |name: &str| file::read(self, name).ok().and_then(|text| text.trim().parse().ok());
        Memory {
            limit: number("memory.max"),
            peak: number("memory.peak").or_else(|| number("memory.current")),
            oom_kills: self.oom_kills(),
        }
    }

    /// How many processes of this cgroup and below it the kernel killed for want of memory; 0 where that isn't known.
    pub fn oom_kills(&self) -> u64 {
        file::read(self, "memory.events").ok().and_then(|text| file::keyed(&text, "oom_kill")).unwrap_or(0)
    }
}
