//! `linux.resources.memory`.

use oci_spec::runtime::LinuxMemory;

use super::{Absent, Outcome, Setting};

const PLACE: &str = "linux.resources.memory";

/// Adds what `memory` asks for.
pub(super) fn memory(memory: &LinuxMemory, outcome: &mut Outcome) {
    let limit = amount(memory.limit(), "limit", outcome);
    let swap = amount(memory.swap(), "swap", outcome);
    let reservation = amount(memory.reservation(), "reservation", outcome);
    if let Some(limit) = limit {
        let check_usage = memory.check_before_update() == Some(true) && limit != Amount::Unlimited;
        let setting = Setting::new("memory.max", limit, format!("{PLACE}.limit"));
        outcome.settings.push(Setting { check_usage, absent: limit.absent(), ..setting });
    }
    match swap_alone(limit, swap) {
        Ok(Some(swap)) => {
            // The file is missing where swap isn't accounted; then it is unlimited.
            let setting = Setting::new("memory.swap.max", swap, format!("{PLACE}.swap"));
            outcome.settings.push(Setting { absent: swap.absent(), ..setting });
        }
        Ok(None) => {}
        Err(what) => outcome.wrong(format!("{PLACE}.swap"), what),
    }
    if let Some(reservation) = reservation {
        outcome.set("memory.low", reservation, format!("{PLACE}.reservation"));
    }
    notes(memory, outcome);
}

/// A number of bytes, or none at all.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Amount {
    Bytes(u64),
    Unlimited,
}

impl Amount {
    /// What follows where the file is missing.
    fn absent(self) -> Absent {
        if self == Self::Unlimited { Absent::Skip } else { Absent::Refuse }
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => bytes.fmt(out),
            Self::Unlimited => out.write_str("max"),
        }
    }
}

/// A number as the spec has it: 0 for nothing asked, -1 for unlimited.
fn amount(value: Option<i64>, name: &str, outcome: &mut Outcome) -> Option<Amount> {
    match value? {
        0 => None,
        -1 => Some(Amount::Unlimited),
        bytes => {
            let amount = u64::try_from(bytes).ok().map(Amount::Bytes);
            if amount.is_none() {
                let what = format!("must be a number of bytes, or -1 for unlimited, not {bytes}");
                outcome.wrong(format!("{PLACE}.{name}"), what);
            }
            amount
        }
    }
}

/// The limit of swap alone: the spec's `swap` is that of memory and swap together.
fn swap_alone(limit: Option<Amount>, swap: Option<Amount>) -> Result<Option<Amount>, String> {
    match (limit, swap) {
        // Without any limit of memory there was none of both together in cgroup v1.
        (Some(Amount::Unlimited), None) | (_, Some(Amount::Unlimited)) => Ok(Some(Amount::Unlimited)),
        (_, None) => Ok(None),
        (None | Some(Amount::Unlimited), Some(Amount::Bytes(_))) => {
            Err("can't be set without a memory limit: it is the limit of memory and swap together".into())
        }
        (Some(Amount::Bytes(limit)), Some(Amount::Bytes(swap))) => match swap.checked_sub(limit) {
            Some(alone) => Ok(Some(Amount::Bytes(alone))),
            None => Err(format!(
                "memory+swap limit should be >= memory limit: {swap} bytes for both together are less than the {limit} for memory alone"
            )),
        },
    }
}

/// What cgroup v2 does not have. Engines send some of it always, and none of it takes a limit away.
fn notes(memory: &LinuxMemory, outcome: &mut Outcome) {
    let asked = |value: Option<i64>| value.is_some_and(|value| value > 0);
    for (name, asked, why) in [
        ("kernel", asked(memory.kernel()), "kernel memory is part of memory.limit"),
        ("kernelTCP", asked(memory.kernel_tcp()), "TCP buffers are part of memory.limit"),
        ("swappiness", memory.swappiness().is_some(), "swappiness belongs to the whole machine"),
        ("disableOOMKiller", memory.disable_oom_killer() == Some(true), "the OOM killer can't be turned off"),
        ("useHierarchy", memory.use_hierarchy() == Some(false), "limits hold for everything below"),
    ] {
        if asked {
            outcome.note(format!("{PLACE}.{name}"), format!("ignored: in cgroup v2 {why}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writes(memory: &LinuxMemory) -> Result<Vec<String>, String> {
        let mut outcome = Outcome::default();
        super::memory(memory, &mut outcome);
        match outcome.problems.first() {
            Some(problem) => Err(problem.to_string()),
            None => Ok(outcome.settings.iter().map(|setting| format!("{}={}", setting.file, setting.value)).collect()),
        }
    }

    fn limits(limit: Option<i64>, swap: Option<i64>) -> Result<Vec<String>, String> {
        let mut memory = LinuxMemory::default();
        memory.set_limit(limit).set_swap(swap);
        writes(&memory)
    }

    #[test]
    fn swap_is_memory_and_swap_less_memory() {
        assert_eq!(limits(Some(100), Some(300)).unwrap(), ["memory.max=100", "memory.swap.max=200"]);
        assert_eq!(limits(Some(100), Some(100)).unwrap(), ["memory.max=100", "memory.swap.max=0"]);
        assert_eq!(limits(Some(100), Some(-1)).unwrap(), ["memory.max=100", "memory.swap.max=max"]);
        assert_eq!(limits(Some(100), Some(0)).unwrap(), ["memory.max=100"]);
        assert_eq!(limits(Some(-1), None).unwrap(), ["memory.max=max", "memory.swap.max=max"]);
        assert_eq!(limits(None, Some(-1)).unwrap(), ["memory.swap.max=max"]);
        assert_eq!(limits(None, None).unwrap(), [""; 0]);
        assert_eq!(limits(Some(0), Some(0)).unwrap(), [""; 0]);
    }

    #[test]
    fn swap_that_makes_no_sense() {
        for (limit, swap) in [(Some(300), Some(100)), (None, Some(100)), (Some(-1), Some(100)), (Some(1), Some(-2))] {
            let problem = limits(limit, swap).unwrap_err();
            assert!(problem.starts_with("linux.resources.memory.swap: "), "{problem}");
        }
        assert!(limits(Some(-2), None).unwrap_err().starts_with("linux.resources.memory.limit: "));
    }

    #[test]
    fn what_engines_send_without_meaning_it() {
        let mut memory = LinuxMemory::default();
        memory
            .set_kernel(Some(100))
            .set_kernel_tcp(Some(0))
            .set_swappiness(Some(60))
            .set_disable_oom_killer(Some(false));
        assert_eq!(writes(&memory).unwrap(), [""; 0]);
        let mut outcome = Outcome::default();
        super::memory(&memory, &mut outcome);
        let places: Vec<_> = outcome.notes.iter().map(|note| note.place.as_str()).collect();
        assert_eq!(places, ["linux.resources.memory.kernel", "linux.resources.memory.swappiness"]);
    }
}
