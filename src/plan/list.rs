//! Lists of numbers, `0-3,7` or `0-31:2/4`: sets of processors and of memory nodes (cpuset(7), List format).

/// One part of a list, between its commas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Where it begins.
    pub first: u32,
    /// Where it ends; not before it begins.
    pub last: u32,
    /// Of every `group` numbers the first `used` are meant.
    pub used: u32,
    /// 1 where all are meant; not 0.
    pub group: u32,
}

/// Why a part is no range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong<'a> {
    /// It is neither a number nor two of them.
    Form,
    /// It ends before it begins.
    Backwards,
    /// This number is far higher than any there is.
    High(&'a str),
}

impl Range {
    /// Reads a part: `7`, `0-3`, `0-31:2/4`.
    pub fn parse(part: &str) -> Result<Range, Wrong<'_>> {
        let (range, stride) = part.split_once(':').unwrap_or((part, "1/1"));
        let (first, last) = match range.split_once('-') {
            Some(ends) => ends,
            // The kernel has strides of ranges only.
            None if range.len() < part.len() => return Err(Wrong::Form),
            None => (range, range),
        };
        let (used, group) = stride.split_once('/').ok_or(Wrong::Form)?;
        let range = Range { first: number(first)?, last: number(last)?, used: number(used)?, group: number(group)? };
        match range {
            Range { group: 0, .. } => Err(Wrong::Form),
            Range { first, last, .. } if first > last => Err(Wrong::Backwards),
            range => Ok(range),
        }
    }

    /// Its numbers below `most`.
    pub fn numbers(self, most: u32) -> impl Iterator<Item = u32> {
        let Range { first, last, used, group } = self;
        (first..most.min(last.saturating_add(1))).filter(move |number| (number - first) % group < used)
    }

    /// Whether only some of the numbers between its ends are meant.
    pub fn has_stride(self) -> bool {
        self.used < self.group
    }
}

/// Plain decimal digits, without a sign.
fn number(text: &str) -> Result<u32, Wrong<'_>> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().map_err(|_| Wrong::High(text)) } else { Err(Wrong::Form) }
}

/// Adds a number to a set as the kernel takes it: bit `number % 64` of word `number / 64`.
pub fn add(set: &mut Vec<u64>, number: u32) {
    let word = number as usize / 64;
    set.resize(set.len().max(word + 1), 0);
    set[word] |= 1 << (number % 64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_ranges() {
        let numbers = |part: &'static str| Range::parse(part).map(|range| range.numbers(1 << 16).collect::<Vec<_>>());
        assert_eq!(numbers("7"), Ok(vec![7]));
        assert_eq!(numbers("0-3"), Ok(vec![0, 1, 2, 3]));
        assert_eq!(numbers("2-11:2/4"), Ok(vec![2, 3, 6, 7, 10, 11]));
        assert_eq!(numbers("65535-4294967295"), Ok(vec![65535]));
        for wrong in ["", "-", "-1", "1-", "a", "0x1", " 0", "+1", "1-2-3", "0-3:2", "0-3:/", "0-3:1/0", "0:1/2"] {
            assert_eq!(Range::parse(wrong), Err(Wrong::Form), "{wrong}");
        }
        assert_eq!(Range::parse("3-1"), Err(Wrong::Backwards));
        assert_eq!(Range::parse("0-99999999999"), Err(Wrong::High("99999999999")));
    }

    #[test]
    fn sets_are_words() {
        let mut set = Vec::new();
        for number in [64, 63, 0] {
            add(&mut set, number);
        }
        assert_eq!(set, [1 << 63 | 1, 1]);
    }
}
