//! Changing the limits of a container that runs: all of what is asked, or nothing.

use nix::errno::Errno;
use nix::unistd::{SysconfVar, sysconf};

use super::{Cgroup, Hierarchy, controllers, file};
use crate::error::{Error, Problem, Result};
use crate::plan::cgroup::{Absent, Program, Setting};
use crate::plan::list::Range;

/// What a file said before it was written to: the writes that bring it back.
struct Before {
    file: String,
    values: Vec<String>,
}

impl Cgroup {
    /// Puts `settings` and, if given, `devices` in force while the container runs.
    ///
    /// Controllers that weren't needed until now are enabled, then the settings are written in their order and each is
    /// read back. The device program is replaced last, in one step.
    ///
    /// # Errors
    /// By the JSON path of the setting that the kernel refuses, or takes and does not keep. All limits are then as they
    /// were before; if one can't be brought back, a second problem names its file.
    pub fn update(&self, settings: &[Setting], devices: Option<&Program>) -> Result<()> {
        settings.iter().try_for_each(|setting| self.check_usage(setting))?;
        let hierarchy = Hierarchy::find()?;
        // One below another mount has no path to enable anything along; what is missing shows in writing.
        if let Ok(names) = self.path().strip_prefix(hierarchy.path()) {
            controllers::enable(&hierarchy, names, self, settings)?;
        }
        let mut before = Vec::with_capacity(settings.len());
        let done = settings
            .iter()
            .try_for_each(|setting| self.change(setting, &mut before))
            .and_then(|()| devices.map_or(Ok(()), |program| self.attach_devices(program)));
        done.map_err(|error| self.roll_back(error, &before))
    }

    /// One setting: noted, written, read back.
    fn change(&self, setting: &Setting, before: &mut Vec<Before>) -> Result<()> {
        let (mut name, mut value) = (&setting.file, &setting.value);
        let mut old = file::read(self, name);
        if old == Err(Errno::ENOENT) {
            match &setting.absent {
                Absent::Refuse => {}
                Absent::Skip => return Ok(()),
                Absent::Instead(other, its_value) => {
                    (name, value) = (other, its_value);
                    old = file::read(self, name);
                }
            }
        }
        let refused = |cause| self.refused(setting, name, value, cause);
        let old = match old {
            Err(Errno::ENOENT) => return Err(refused(Errno::ENOENT)),
            // One that can only be written (memory.reclaim) has nothing to bring back.
            Err(_) => return file::write(self, name, value).map_err(refused),
            Ok(old) => old,
        };
        // Leaving idleness behind gives a cgroup the usual weight, not the one that it had.
        let weight = if name == "cpu.idle" { file::read(self, "cpu.weight").ok() } else { None };
        file::write(self, name, value).map_err(refused)?;
        // Only what was taken is to be taken back: what the kernel refuses for a disk that is not there it would refuse again.
        let weight =
            weight.map(|weight| Before { file: "cpu.weight".into(), values: restoring("cpu.weight", "", &weight) });
        before.extend(weight);
        before.push(Before { file: name.clone(), values: restoring(name, value, &old) });
        let now = file::read(self, name).map_err(refused)?;
        if holds(name, value, &now) {
            return Ok(());
        }
        let what = format!("the kernel took {value:?} for {name}, which now says {:?}", now.trim());
        Err(Error::new(&setting.place, what))
    }

    /// Brings back what was before, the last change first.
    fn roll_back(&self, mut error: Error, before: &[Before]) -> Error {
        let mut lost = Vec::new();
        for Before { file, values } in before.iter().rev() {
            for value in values {
                if let Err(cause) = file::write(self, file, value) {
                    lost.push(format!("{file} to {:?} ({})", value.trim(), cause.desc().to_lowercase()));
                }
            }
        }
        if lost.is_empty() {
            if let Some(last) = error.problems.last_mut() {
                last.what.push_str("; all limits are as before");
            }
        } else {
            let what = format!("could not be set back: {}", lost.join(", "));
            error.problems.push(Problem::new(self.path().display().to_string(), what));
        }
        error
    }
}

/// The writes that make `file` say `old` again, after `value` was written to it.
///
/// A file with a line for each device takes one line a write; there only the device's own line is brought back, and one
/// that had none gets the words that take it out again (kernel: cgroup-v2).
fn restoring(file: &str, value: &str, old: &str) -> Vec<String> {
    let target = value.split(' ').next().unwrap_or_default();
    let line = |old: &str| old.lines().find(|line| line.split(' ').next() == Some(target)).map(str::to_owned);
    let absent = match file {
        "io.max" => Some("rbps=max wbps=max riops=max wiops=max"),
        "io.weight" | "io.bfq.weight" => Some("default"),
        "io.latency" => Some("target=0"),
        "rdma.max" => Some("hca_handle=max hca_object=max"),
        "misc.max" | "dmem.max" | "dmem.min" | "dmem.low" => Some("max"),
        _ => None,
    };
    match absent {
        Some(absent) => vec![line(old).unwrap_or_else(|| format!("{target} {absent}"))],
        // An idle cgroup says 0, which nobody can write; it comes back with cpu.idle.
        None if file == "cpu.weight" && matches!(old.trim(), "" | "0") => Vec::new(),
        // To write nothing at all would not reach the kernel.
        None if old.trim().is_empty() => vec!["\n".to_owned()],
        None => vec![old.trim_end().to_owned()],
    }
}

/// Whether `now` is what a file says that has kept `value`. The kernel rounds amounts of memory down to whole pages, writes
/// lists in its own way and adds what was left out; of files that it does not know this says nothing against them.
fn holds(file: &str, value: &str, now: &str) -> bool {
    let (value, now) = (value.trim(), now.trim());
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    match file {
        "cpuset.cpus" | "cpuset.mems" => numbers(value) == numbers(now),
        "cpu.max" => words(now).starts_with(&words(value)),
        "io.max" | "io.weight" | "io.bfq.weight" | "rdma.max" => {
            let wanted = words(value);
            let line = now.lines().map(words).find(|line| line.first() == wanted.first());
            match line {
                Some(line) => wanted[1..].iter().all(|word| line.contains(word)),
                // A device without any limit has no line.
                None => wanted[1..].iter().all(|word| word.ends_with("=max") || word == "default"),
            }
        }
        _ => match (amount(value), amount(now)) {
            (Some(value), Some(now)) => now <= value && value - now < granule(file),
            _ => value == now || file.rsplit_once('.').is_none_or(|(_, last)| last != "max"),
        },
    }
}

/// A number, perhaps with the unit that the kernel takes (memparse).
fn amount(text: &str) -> Option<u64> {
    let unit = text.bytes().last().map(|unit| unit.to_ascii_uppercase());
    let shift = match unit {
        Some(b'K') => 10,
        Some(b'M') => 20,
        Some(b'G') => 30,
        Some(b'T') => 40,
        _ => 0,
    };
    let digits = if shift > 0 { &text[..text.len() - 1] } else { text };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// How finely a file counts: 1 but for memory, which comes in pages.
fn granule(file: &str) -> u64 {
    if let Some(size) = file.strip_prefix("hugetlb.").and_then(|rest| rest.split("B.").next()) {
        return amount(size).unwrap_or(1);
    }
    if file.starts_with("memory.") {
        let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|page| u64::try_from(page).ok());
        return page.unwrap_or(4096);
    }
    1
}

/// The numbers of a list like `0-3,7` (cpuset(7)).
pub(super) fn numbers(list: &str) -> Vec<u32> {
    // The kernel has refused what is not a number, and no machine has more.
    let ranges = list.split(',').filter_map(|part| Range::parse(part.trim()).ok());
    let mut all: Vec<u32> = ranges.flat_map(|range| range.numbers(1 << 16)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_makes_of_a_value() {
        for (file, value, now) in [
            ("memory.max", "max", "max\n"),
            ("memory.max", "10000001", "9998336\n"),
            ("memory.high", "10M", "10485760\n"),
            ("hugetlb.2MB.max", "5000000", "4194304\n"),
            ("pids.max", "17", "17\n"),
            ("cpu.max", "50000", "50000 100000\n"),
            ("cpu.max", "max 50000", "max 50000\n"),
            ("cpuset.cpus", "0,1,2,5", "0-2,5\n"),
            ("cpuset.cpus", "0-7:1/2", "0,2,4,6\n"),
            (
                "io.max",
                "8:0 rbps=1000",
                "8:16 rbps=1 wbps=max riops=max wiops=max\n8:0 rbps=1000 wbps=max riops=max wiops=max\n",
            ),
            ("io.max", "8:0 rbps=max", ""),
            ("io.weight", "default 200", "default 200\n8:0 300\n"),
            ("cpu.pressure", "some 1 2", "whatever\n"),
        ] {
            assert!(holds(file, value, now), "{file} {value} {now}");
        }
        for (file, value, now) in [
            ("memory.max", "10000001", "max\n"),
            ("memory.max", "8192", "16384\n"),
            ("pids.max", "17", "16\n"),
            ("pids.max", "max", "16\n"),
            ("cpu.max", "50000", "max 100000\n"),
            ("cpuset.cpus", "0-1", "0\n"),
            ("io.max", "8:0 rbps=1000", ""),
            ("io.weight", "8:0 200", "default 100\n"),
        ] {
            assert!(!holds(file, value, now), "{file} {value} {now}");
        }
    }

    #[test]
    fn the_way_back() {
        let restoring = |file, value, old| restoring(file, value, old).join("|");
        assert_eq!(restoring("memory.max", "1", "max\n"), "max");
        assert_eq!(restoring("cpuset.cpus", "1", "\n"), "\n");
        assert_eq!(restoring("cpu.max", "1 2", "max 100000\n"), "max 100000");
        let io = "8:16 rbps=1 wbps=max riops=max wiops=max\n8:0 rbps=2 wbps=max riops=max wiops=max\n";
        assert_eq!(restoring("io.max", "8:0 rbps=9", io), "8:0 rbps=2 wbps=max riops=max wiops=max");
        assert_eq!(restoring("io.max", "9:0 rbps=9", io), "9:0 rbps=max wbps=max riops=max wiops=max");
        assert_eq!(restoring("io.weight", "default 9", "default 100\n"), "default 100");
        assert_eq!(restoring("io.weight", "8:0 9", "default 100\n"), "8:0 default");
        assert_eq!(restoring("rdma.max", "mlx hca_object=9", ""), "mlx hca_handle=max hca_object=max");
        assert_eq!(restoring("cpu.weight", "", "0\n"), "");
    }

    #[test]
    fn amounts() {
        assert_eq!(
            [amount("12"), amount("2K"), amount("1g"), amount("max"), amount("")],
            [Some(12), Some(2048), Some(1 << 30), None, None]
        );
        assert_eq!((granule("hugetlb.2MB.max"), granule("pids.max")), (2 << 20, 1));
    }
}
