//! Points in time as RFC 3339 text.

use std::time::{Duration, SystemTime};

/// `time` in UTC with nanoseconds, as runc prints it: `2026-07-01T08:09:10.123456789Z`.
///
/// Trailing zeros of the fraction are left away, as Go's `RFC3339Nano` does.
pub fn nanoseconds(time: SystemTime) -> String {
    let since = since_epoch(time);
    let mut text = seconds_text(since.as_secs());
    if since.subsec_nanos() > 0 {
        text.push('.');
        text.push_str(format!("{:09}", since.subsec_nanos()).trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// `time` in UTC to the second: `2026-07-01T08:09:10Z`.
pub fn seconds(time: SystemTime) -> String {
    seconds_text(since_epoch(time).as_secs()) + "Z"
}

/// A clock before 1970 is not set; it counts as 1970.
fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn seconds_text(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Year, month and day of the `days`th day after 1970-01-01, in the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is a year's last; 146,097 days make 400 years
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        // From `date -u --iso-8601=seconds -d @N`.
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (since, text) in cases {
            assert_eq!(seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(since)), text);
        }
    }

    #[test]
    fn fractions() {
        let at = |nanoseconds| SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds);
        assert_eq!(nanoseconds(at(1)), "1970-01-01T00:00:00.000000001Z");
        assert_eq!(nanoseconds(at(1_500_000_000)), "1970-01-01T00:00:01.5Z");
        assert_eq!(nanoseconds(at(2_000_000_000)), "1970-01-01T00:00:02Z");
    }
}
