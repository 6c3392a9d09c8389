//! `linux.timeOffsets`: the rules of `time_namespaces(7)`.

use oci_spec::runtime::{LinuxNamespaceType, Spec};

use super::{Findings, has, is_new};
use crate::error::Problem;

/// The clocks that a time namespace has of its own.
const CLOCKS: [&str; 2] = ["boottime", "monotonic"];

pub fn check(spec: &Spec, found: &mut Findings) {
    let Some(offsets) = spec.linux().as_ref().and_then(|linux| linux.time_offsets().as_ref()) else { return };
    if !offsets.is_empty() && !is_new(spec, LinuxNamespaceType::Time) {
        let problem = Problem::new("linux.timeOffsets", "needs a new time namespace, whose clocks it moves");
        found.error(if has(spec, LinuxNamespaceType::Time) {
            problem.hint("those of the time namespace to join can't be moved any more: leave it out")
        } else {
            problem.hint("add {\"type\": \"time\"} to linux.namespaces")
        });
    }
    let mut clocks: Vec<_> = offsets.iter().collect();
    clocks.sort_by_key(|(clock, _)| *clock);
    for (clock, offset) in clocks {
        let place = format!("linux.timeOffsets[\"{clock}\"]");
        if !CLOCKS.contains(&clock.as_str()) {
            let problem = Problem::new(&place, "is no clock that a time namespace has");
            found.error(problem.hint("boottime and monotonic are; the time of day is the same everywhere"));
        }
        if let Some(nanosecs) = offset.nanosecs().filter(|nanosecs| *nanosecs > 999_999_999) {
            let what = format!("must be within 0 and 999999999, not {nanosecs}");
            found.error(Problem::new(format!("{place}.nanosecs"), what).hint("whole seconds go to secs"));
        }
    }
}
