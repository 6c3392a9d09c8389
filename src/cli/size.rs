//! Amounts of memory, as people write them.

/// Reads `1024`, `512m`, `1.5G`, `64MiB`, in bytes; units are powers of 1024, as docker(1) and runc(8) have it. `-1` is
/// unlimited.
pub fn bytes(text: &str) -> Option<i64> {
    if text == "-1" {
        return Some(-1);
    }
    let split = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = unit.trim_start().to_ascii_lowercase();
    let shift = match unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')).unwrap_or(&unit) {
        "" if unit != "ib" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        "p" => 50,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.len() > 9 || (number.contains('.') && fraction.is_empty()) {
        return None;
    }
    let scale = |digits: &str| digits.parse::<u128>().ok()?.checked_mul(1 << shift);
    let part = if fraction.is_empty() { 0 } else { scale(fraction)? / 10u128.pow(u32::try_from(fraction.len()).ok()?) };
    i64::try_from(scale(whole)?.checked_add(part)?).ok()
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes() {
        for (text, size) in [
            ("0", 0),
            ("-1", -1),
            ("1024", 1024),
            ("10b", 10),
            ("1k", 1024),
            ("2KB", 2048),
            ("2KiB", 2048),
            ("512m", 512 << 20),
            ("1.5G", 3 << 29),
            ("0.5t", 1 << 39),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(bytes(text), Some(size), "{text}");
        }
        for text in
            ["", "x", "-2", "1x", "m", "1.", ".5m", "1ib", "1..2", "9223372036854775808", "9999999p", "1 2", "+1"]
        {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
