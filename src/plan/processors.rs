//! Lists of processors: `0-3,7`, as taskset(1), cpuset(7) and `process.execCPUAffinity` write them.

use std::fmt;

use super::list::{self, Range, Wrong};

/// As many as any kernel can have (`CONFIG_NR_CPUS` at its highest).
const MOST: u32 = 8192;

/// A set of processors, as `sched_setaffinity(2)` takes it: bit `n % 64` of word `n / 64` is processor `n`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processors(Vec<u64>);

impl Processors {
    /// Reads a list. Errors: what is wrong with it, to be put after its place.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut set = Self::default();
        for part in list.split(',') {
            let range = match Range::parse(part) {
                Ok(range) if !range.has_stride() => range,
                Ok(_) | Err(Wrong::Form) => return Err(format!("\"{list}\" is no list of processors")),
                Err(Wrong::Backwards) => return Err(format!("the range {part} of \"{list}\" ends before it begins")),
                Err(Wrong::High(number)) => return Err(unknown(number)),
            };
            if let Some(number) = [range.first, range.last].into_iter().find(|number| *number >= MOST) {
                return Err(unknown(number));
            }
            range.numbers(MOST).for_each(|processor| list::add(&mut set.0, processor));
        }
        Ok(set)
    }

    /// The words.
    pub fn words(&self) -> &[u64] {
        &self.0
    }
}

fn unknown(number: impl fmt::Display) -> String {
    format!("there is no processor {number}: Linux has at most {MOST}, from 0 on")
}

/// In the shortest form of a list.
impl fmt::Display for Processors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has =
            |processor: u32| self.0.get(processor as usize / 64).is_some_and(|word| word >> (processor % 64) & 1 == 1);
        let mut next = 0;
        let mut comma = "";
        while let Some(first) = (next..MOST).find(|processor| has(*processor)) {
            next = (first..MOST).find(|processor| !has(*processor)).unwrap_or(MOST);
            write!(out, "{comma}{first}")?;
            if next > first + 1 {
                write!(out, "-{}", next - 1)?;
            }
            comma = ",";
        }
        out.write_str("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_become_words_and_lists_again() {
        for (list, words, shown) in [
            ("0", vec![1], "0"),
            ("0-3,7", vec![0x8f], "0-3,7"),
            ("3,1,2,2-3", vec![0b1110], "1-3"),
            ("64,63", vec![1 << 63, 1], "63-64"),
            ("0,128", vec![1, 0, 1], "0,128"),
        ] {
            let set = Processors::parse(list).unwrap();
            assert_eq!((set.words(), set.to_string().as_str()), (&words[..], shown), "{list}");
        }
        assert_eq!(Processors::parse("8191").unwrap().words().len(), 128);
    }

    #[test]
    fn what_is_no_list_is_told() {
        for wrong in ["", ",", "0,", "-1", "1-", "a", "0x1", "0 1", " 0", "1-2-3", "+1", "0-3;7"] {
            assert_eq!(Processors::parse(wrong), Err(format!("\"{wrong}\" is no list of processors")));
        }
        assert_eq!(Processors::parse("3-1"), Err("the range 3-1 of \"3-1\" ends before it begins".to_owned()));
        for far in ["8192", "0-99999999999"] {
            let error = Processors::parse(far).unwrap_err();
            assert!(
                error.starts_with("there is no processor ") && error.ends_with("at most 8192, from 0 on"),
                "{error}"
            );
        }
    }
}
