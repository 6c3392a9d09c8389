//! Lengths of time, as Go programs take them.

use std::time::Duration;

/// Reads `5s`, `1m30s`, `1.5h`, `250ms` (Go: time.ParseDuration); longer than nothing.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut all = 0f64;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, unit) = rest.split_at(end);
        let end = unit.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(unit.len());
        let (unit, next) = unit.split_at(end);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        all += number.parse::<f64>().ok()? * seconds;
        rest = next;
    }
    Duration::try_from_secs_f64(all).ok().filter(|length| !length.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_reads_them() {
        for (text, milliseconds) in
            [("5s", 5000), ("1m30s", 90_000), ("1.5h", 5_400_000), ("250ms", 250), ("2000us", 2), (".5s", 500)]
        {
            assert_eq!(parse(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "5", "0s", "-1s", "s", "1x", "1 s", "1..5s", "999999999999999999999999h"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
