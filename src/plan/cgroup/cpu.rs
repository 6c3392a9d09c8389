//! `linux.resources.cpu`: the controllers cpu and cpuset.

use oci_spec::runtime::LinuxCpu;

use super::Outcome;
use crate::plan::list::Range;

const PLACE: &str = "linux.resources.cpu";

/// Adds what `cpu` asks for.
pub(super) fn cpu(cpu: &LinuxCpu, outcome: &mut Outcome) {
    cpuset(cpu, outcome);
    weight(cpu, outcome);
    bandwidth(cpu, outcome);
    for (name, asked) in [
        ("realtimeRuntime", cpu.realtime_runtime().is_some_and(|runtime| runtime != 0)),
        ("realtimePeriod", cpu.realtime_period().is_some_and(|period| period != 0)),
    ] {
        if asked {
            outcome.wrong(format!("{PLACE}.{name}"), "cgroup v2 has no real-time group scheduling; leave it out");
        }
    }
}

/// cpuset.cpus and cpuset.mems: first, as nothing may run in the cgroup before it has both.
fn cpuset(cpu: &LinuxCpu, outcome: &mut Outcome) {
    for (name, list) in [("cpus", cpu.cpus()), ("mems", cpu.mems())] {
        let Some(list) = list.as_deref().map(str::trim).filter(|list| !list.is_empty()) else { continue };
        let place = format!("{PLACE}.{name}");
        if is_list(list) {
            outcome.set(&format!("cpuset.{name}"), list, place);
        } else {
            outcome.wrong(place, format!("must be a list like \"0-3,7\", not {list:?}"));
        }
    }
}

/// Whether this is a list as cpuset(7) has it. Which numbers there are the kernel knows.
fn is_list(list: &str) -> bool {
    list.split(',').all(|part| Range::parse(part).is_ok())
}

/// cpu.idle and cpu.weight.
fn weight(cpu: &LinuxCpu, outcome: &mut Outcome) {
    let idle = cpu.idle();
    match idle {
        None => {}
        Some(value @ (0 | 1)) => outcome.set("cpu.idle", value, format!("{PLACE}.idle")),
        Some(value) => outcome.wrong(format!("{PLACE}.idle"), format!("must be 0 or 1, not {value}")),
    }
    if let Some(shares) = cpu.shares().filter(|&shares| shares != 0) {
        let place = format!("{PLACE}.shares");
        // An idle group has the least weight of all, and the kernel refuses to give it another.
        if idle == Some(1) {
            outcome.note(place, "an idle cgroup has no weight of its own; ignored");
        } else {
            outcome.set("cpu.weight", shares_to_weight(shares), place);
        }
    }
}

/// cpu.max and cpu.max.burst.
fn bandwidth(cpu: &LinuxCpu, outcome: &mut Outcome) {
    let quota = cpu.quota().filter(|&quota| quota != 0);
    let period = cpu.period().filter(|&period| period != 0);
    let burst = cpu.burst();
    let burst_place = format!("{PLACE}.burst");
    if quota.is_some_and(|quota| quota < -1) {
        outcome.wrong(format!("{PLACE}.quota"), "must be a number of microseconds, or -1 for no limit");
    }
    if let (Some(quota @ 1..), Some(burst)) = (quota, burst)
        && burst > quota.unsigned_abs()
    {
        let what = format!("must be at most the quota of {quota} microseconds, not {burst}");
        return outcome.wrong(burst_place, what);
    }
    // A burst is refused that is greater than the quota, and a quota that is less than the burst: by way of 0 both
    // can change in either direction.
    if burst.is_some() {
        outcome.set("cpu.max.burst", 0, &burst_place);
    }
    let limit = quota.filter(|&quota| quota > 0).map_or_else(|| "max".to_owned(), |quota| quota.to_string());
    let quota_place = format!("{PLACE}.quota");
    match (quota, period) {
        (None, None) => {}
        // The period stays what it is: 100 ms in a new cgroup.
        (Some(_), None) => outcome.set("cpu.max", limit, quota_place),
        (Some(_), Some(period)) => outcome.set("cpu.max", format!("{limit} {period}"), quota_place),
        (None, Some(period)) => outcome.set("cpu.max", format!("max {period}"), format!("{PLACE}.period")),
    }
    if let Some(burst) = burst.filter(|&burst| burst != 0) {
        outcome.set("cpu.max.burst", burst, burst_place);
    }
}

/// cpu.shares (2 to 262144, 1024 being usual) as cpu.weight (1 to 10000, 100 being usual).
///
/// A parabola through the least, usual and greatest values on logarithmic scales, rounded up; what all runtimes agree
/// on since 2025. The earlier straight line gave a usual container less than half the weight of any process beside it.
/// Values outside the range count as its ends, as they do in cgroup v1.
fn shares_to_weight(shares: u64) -> u64 {
    /// 2^1 to 2^18, so that the conversion to a float is exact.
    const LEAST: u32 = 2;
    const GREATEST: u32 = 262_144;
    let shares = u32::try_from(shares).unwrap_or(GREATEST).clamp(LEAST, GREATEST);
    let log = f64::from(shares).log2();
    // (log² + 125 log) / 612 - 7/34, with one division so that whole logarithms come out exactly.
    let exponent = (log * log + 125.0 * log - 126.0) / 612.0;
    let weight = 10f64.powf(exponent).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 10000 by the clamp above")]
    let weight = weight as u64;
    weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_weights() {
        let table = [
            (0, 1),
            (1, 1),
            (2, 1),
            (3, 2),
            (10, 4),
            (100, 17),
            (102, 17),
            (256, 35),
            (512, 59),
            (1024, 100),
            (2048, 174),
            (4096, 303),
            (10_240, 639),
            (262_143, 10_000),
            (262_144, 10_000),
            (u64::MAX, 10_000),
        ];
        for (shares, weight) in table {
            assert_eq!(shares_to_weight(shares), weight, "{shares} shares");
        }
        assert!((2..262_144).all(|shares| shares_to_weight(shares) <= shares_to_weight(shares + 1)));
    }

    #[test]
    fn lists_of_cpus() {
        for good in ["0", "0-3", "0,2-3,7", "0-31:2/4"] {
            assert!(is_list(good), "{good}");
        }
        for bad in ["", "a", "3-1", "-1", "0,", "0;1", "+1", "0-3\n"] {
            assert!(!is_list(bad), "{bad}");
        }
    }
}
