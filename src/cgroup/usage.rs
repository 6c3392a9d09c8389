//! What a sentence about memory needs: the limit, the peak, and whether the kernel had to kill.

use std::path::Path;

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

    /// The nearest cgroup, this one or one above it, that has as many processes as its pids.max lets it have, and that number.
    pub fn full(&self) -> Option<(&Path, u64)> {
        self.path().ancestors().find_map(|path| {
            let directory = file::open_cgroup(path).ok()?;
            let number = |name: &str| file::read(&directory, name).ok()?.trim().parse::<u64>().ok();
            number("pids.max")
                .filter(|&most| number("pids.current").is_some_and(|now| now >= most))
                .map(|most| (path, most))
        })
    }

    /// The quota of cpu.max: microseconds in each period, or `max`; `None` without the controller.
    pub fn quota(&self) -> Option<String> {
        file::read(self, "cpu.max").ok()?.split_whitespace().next().map(str::to_owned)
    }

    /// How many processes of this cgroup and below it the kernel killed for want of memory; 0 where that isn't known.
    pub fn oom_kills(&self) -> u64 {
        file::read(self, "memory.events").ok().and_then(|text| file::keyed(&text, "oom_kill")).unwrap_or(0)
    }
}
