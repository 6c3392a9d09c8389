//! From files of cgroup v2 to properties of units: one table, for what `linux.resources` asks for in the spec's words as well
//! as by `unified` keys, since both are files by now.

use super::value::{Property, Value};
use crate::plan::cgroup::{Absent, Setting};
use crate::plan::list::Range;

/// CPUQuota= is a whole percentage in the files that systemd keeps: 10 ms of each second.
const QUOTA_STEP: u64 = 10_000;
const SECOND: u64 = 1_000_000;
/// The period of a cgroup for which nobody has set one (kernel: cgroup-v2, cpu.max).
const USUAL_PERIOD: u64 = 100_000;
/// More processors than any machine has.
const MOST_NUMBERS: u32 = 1 << 16;

/// The properties that say the same as `settings`, as far as systemd has them. The rest (hugetlb, rdma, bursts, limits of
/// single devices) systemd leaves alone, so there it is enough that we write them.
pub fn properties(settings: &[Setting]) -> Vec<Property> {
    settings.iter().flat_map(property).collect()
}

fn property(setting: &Setting) -> Vec<Property> {
    let value = setting.value.trim();
    let limit = |name: &str| amount(value).map(|limit| Property::new(name, Value::Number(limit)));
    let set = |name: &str| bits(value).map(|bits| Property::new(name, Value::Bits(bits)));
    let one = match setting.file.as_str() {
        "cpu.max" => return bandwidth(value),
        "cpu.weight" => limit("CPUWeight"),
        // Out of idleness a cgroup comes with the usual weight.
        "cpu.idle" => Some(if value == "1" { idle() } else { Property::new("CPUWeight", Value::Number(100)) }),
        "cpuset.cpus" => set("AllowedCPUs"),
        "cpuset.mems" => set("AllowedMemoryNodes"),
        "memory.min" => limit("MemoryMin"),
        "memory.low" => limit("MemoryLow"),
        "memory.high" => limit("MemoryHigh"),
        "memory.max" => limit("MemoryMax"),
        "memory.swap.max" => limit("MemorySwapMax"),
        "pids.max" => limit("TasksMax"),
        "io.weight" => io_weight(value),
        // systemd converts to BFQ's own range by itself.
        "io.bfq.weight" => match &setting.absent {
            Absent::Instead(_, weight) => io_weight(weight),
            _ => None,
        },
        _ => None,
    };
    one.into_iter().collect()
}

/// `CPUWeight=idle`, which systemd knows from version 252 on.
pub fn idle() -> Property {
    Property::new("CPUWeight", Value::Number(0))
}

/// A number, with the unit that the kernel takes (`memparse`), or `max`.
fn amount(text: &str) -> Option<u64> {
    if text == "max" {
        return Some(u64::MAX);
    }
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "" => 0,
        "k" | "K" => 10,
        "m" | "M" => 20,
        "g" | "G" => 30,
        "t" | "T" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// cpu.max: `max`, `50000`, `50000 100000`, `max 100000`. systemd counts what a second may have.
fn bandwidth(value: &str) -> Vec<Property> {
    let mut words = value.split_whitespace();
    let quota = words.next().and_then(amount);
    let period = words.next().map(str::parse::<u64>);
    let (Some(quota), None | Some(Ok(1..))) = (quota, &period) else { return Vec::new() };
    let period = period.and_then(Result::ok);
    let second = if quota == u64::MAX {
        quota
    } else {
        let exact = u128::from(quota) * u128::from(SECOND) / u128::from(period.unwrap_or(USUAL_PERIOD));
        let rounded = exact.div_ceil(QUOTA_STEP.into()).max(1) * u128::from(QUOTA_STEP);
        u64::try_from(rounded).unwrap_or(u64::MAX)
    };
    let mut all = vec![Property::new("CPUQuotaPerSecUSec", Value::Number(second))];
    all.extend(period.map(|period| Property::new("CPUQuotaPeriodUSec", Value::Number(period))));
    all
}

/// io.weight: `default 200`, or only the number. Weights of single devices are written by us alone.
fn io_weight(value: &str) -> Option<Property> {
    let number = value.strip_prefix("default").unwrap_or(value).trim();
    Some(Property::new("IOWeight", Value::Number(number.parse().ok()?)))
}

/// A list as cpuset(7) has it (`0-3,7`, `0-31:2/4`), as a set of bits.
fn bits(list: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for part in list.split(',') {
        let range = Range::parse(part).ok().filter(|range| range.last < MOST_NUMBERS)?;
        for number in range.numbers(MOST_NUMBERS) {
            let byte = number as usize / 8;
            bytes.resize(bytes.len().max(byte + 1), 0);
            bytes[byte] |= 1 << (number % 8);
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(file: &str, value: &str) -> String {
        let all = properties(&[Setting::new(file, value, "x")]);
        all.iter().map(|one| format!("{}={}", one.name, one.value)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_file_that_systemd_knows() {
        for (file, value, wanted) in [
            ("cpu.max", "50000 100000", "CPUQuotaPerSecUSec=500000 CPUQuotaPeriodUSec=100000"),
            ("cpu.max", "33333 100000", "CPUQuotaPerSecUSec=340000 CPUQuotaPeriodUSec=100000"),
            ("cpu.max", "1000 1000000", "CPUQuotaPerSecUSec=10000 CPUQuotaPeriodUSec=1000000"),
            ("cpu.max", "150000", "CPUQuotaPerSecUSec=1500000"),
            ("cpu.max", "max", "CPUQuotaPerSecUSec=infinity"),
            ("cpu.max", "max 50000", "CPUQuotaPerSecUSec=infinity CPUQuotaPeriodUSec=50000"),
            ("cpu.max", "50000 0", ""),
            ("cpu.max", "x 100", ""),
            ("cpu.weight", "79", "CPUWeight=79"),
            ("cpuset.cpus", "0-2,9", "AllowedCPUs=0 1 2 9"),
            ("cpuset.cpus", "0-7:1/4", "AllowedCPUs=0 4"),
            ("cpuset.cpus", "all", ""),
            ("cpuset.cpus", "0-4000000000", ""),
            ("cpuset.mems", "1", "AllowedMemoryNodes=1"),
            ("memory.max", "104857600", "MemoryMax=104857600"),
            ("memory.max", "100M", "MemoryMax=104857600"),
            ("memory.max", "max", "MemoryMax=infinity"),
            ("memory.max", "99999999999999T", ""),
            ("memory.min", "1k", "MemoryMin=1024"),
            ("memory.low", "7", "MemoryLow=7"),
            ("memory.high", "1G", "MemoryHigh=1073741824"),
            ("memory.swap.max", "0", "MemorySwapMax=0"),
            ("pids.max", "100", "TasksMax=100"),
            ("pids.max", "max", "TasksMax=infinity"),
            ("io.weight", "default 200", "IOWeight=200"),
            ("io.weight", "200", "IOWeight=200"),
            ("io.weight", "8:0 200", ""),
            ("io.max", "8:0 rbps=1", ""),
            ("cpu.idle", "1", "CPUWeight=0"),
            ("cpu.idle", "0", "CPUWeight=100"),
            ("cpu.max.burst", "1", ""),
            ("hugetlb.2MB.max", "1", ""),
        ] {
            assert_eq!(said(file, value), wanted, "{file} {value}");
        }
    }

    #[test]
    fn the_weight_that_stands_in_for_bfqs() {
        let instead = Absent::Instead("io.weight".into(), "default 4950".into());
        let setting = Setting { absent: instead, ..Setting::new("io.bfq.weight", "default 500", "x") };
        assert_eq!(properties(&[setting]), [Property::new("IOWeight", Value::Number(4950))]);
    }

    #[test]
    fn sets_are_bytes_with_the_lowest_number_first() {
        assert_eq!(bits("0,9,15"), Some(vec![1, 0b1000_0010]));
        assert_eq!(bits("0-7"), Some(vec![0xff]));
    }
}
