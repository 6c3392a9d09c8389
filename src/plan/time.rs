//! `linux.timeOffsets`: the clocks of a new time namespace (`time_namespaces(7)`).

use std::ffi::CString;
use std::fmt::Write;

use oci_spec::runtime::Linux;

/// What is written to `timens_offsets`: a line for each clock, in the order of their names. None where no clock is moved.
pub fn offsets(linux: &Linux) -> Option<CString> {
    let mut clocks: Vec<_> = linux.time_offsets().iter().flatten().collect();
    clocks.sort_by_key(|(clock, _)| *clock);
    let lines = clocks.into_iter().fold(String::new(), |mut lines, (clock, offset)| {
        // Writing to a String can't fail.
        let _ = writeln!(lines, "{clock} {} {}", offset.secs().unwrap_or(0), offset.nanosecs().unwrap_or(0));
        lines
    });
    CString::new(lines).ok().filter(|lines| !lines.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_clock() {
        let lines = |offsets| offsets_of(serde_json::json!({"timeOffsets": offsets}));
        assert_eq!(lines(serde_json::json!({})), None);
        let both = serde_json::json!({"monotonic": {"secs": -5, "nanosecs": 999_999_999}, "boottime": {}});
        assert_eq!(lines(both).as_deref(), Some(c"boottime 0 0\nmonotonic -5 999999999\n"));
    }

    fn offsets_of(linux: serde_json::Value) -> Option<CString> {
        offsets(&serde_json::from_value(linux).unwrap())
    }
}
