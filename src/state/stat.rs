//! `/proc/PID/stat` (`proc_pid_stat(5)`).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

const PF_EXITING: u64 = 0x4;

/// What tells a process from another that got its number later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Field 3: `R`, `S`, `D`, `T`, `Z` (zombie), `X` (dead) ...
    pub state: u8,
    /// Field 9: `PF_*` of the kernel's sched.h.
    pub flags: u64,
    /// Field 22: when it started, in clock ticks after boot.
    pub start_time: u64,
    /// Field 52: the wait status of a zombie, as wait(2) gives it; 0 while it lives, and for whoever may not trace it.
    pub exit_code: i32,
}

impl Stat {
    /// The process `pid` as it is now; `None` if there is none.
    ///
    /// Fails where the kernel does not say: no file descriptors left, say, or no procfs. That is no sign that it has ended.
    pub fn of(pid: i32) -> Result<Option<Self>> {
        // The line has 52 numbers of at most 20 digits and a name of at most 64 bytes.
        let mut line = [0; 1280];
        let path = format!("/proc/{pid}/stat");
        match File::open(&path).and_then(|mut file| file.read(&mut line)) {
            Ok(length) => Ok(line.get(..length).and_then(Self::parse)),
            Err(_) if !Path::new("/proc/self").exists() => {
                Err(Error::new("/proc", "does not show this pid namespace").hint("mount -t proc proc /proc"))
            }
            Err(cause) if matches!(cause.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => Ok(None),
            Err(cause) => Err(Error::io(path, "can't be read", cause)),
        }
    }

    /// Reads the line. The name (field 2) stands in parentheses and may have any bytes in it, parentheses and spaces
    /// too; so fields are counted from the last `)`.
    fn parse(line: &[u8]) -> Option<Self> {
        let after_name = line.iter().rposition(|byte| *byte == b')')? + 1;
        let rest = std::str::from_utf8(line.get(after_name..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let flags = fields.nth(5)?.parse().ok()?;
        let start_time = fields.nth(12)?.parse().ok()?;
        let exit_code = fields.nth(29)?.parse().ok()?;
        Some(Self { state, flags, start_time, exit_code })
    }

    /// Whether it has ended: a zombie has, it only waits for its parent to ask.
    pub fn ended(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }

    /// Whether it has ended, or is about to: it runs no program any more. A pid namespace's init may be long about it, until
    /// all others in there have been waited for.
    pub fn ends(&self) -> bool {
        self.ended() || self.flags & PF_EXITING != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, state: char) -> String {
        format!(
            "42 ({name}) {state} 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654321 1000 10 18446744073709551615 \
             1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 256\n"
        )
    }

    #[test]
    fn names_may_have_anything_in_them() {
        for name in ["sh", "a b", "a) Z 1 (b", ")", "", "x\ny", "(((", ") R 5"] {
            let stat = Stat::parse(line(name, 'S').as_bytes()).unwrap();
            assert_eq!(
                stat,
                Stat { state: b'S', flags: 0x40_0100, start_time: 987_654_321, exit_code: 256 },
                "{name:?}"
            );
        }
    }

    #[test]
    fn names_need_not_be_text() {
        let mut line = line("xx", 'Z').into_bytes();
        line[4] = 0xff;
        assert!(Stat::parse(&line).unwrap().ended());
    }

    #[test]
    fn what_is_cut_off_is_nothing() {
        let line = line("sh", 'S');
        for end in 0..line.len() - 5 {
            assert_eq!(Stat::parse(&line.as_bytes()[..end]), None, "{end}");
        }
    }

    #[test]
    fn this_process_lives_and_a_wrong_number_does_not() {
        let me = Stat::of(std::process::id().cast_signed()).unwrap().unwrap();
        assert!(!me.ended() && me.start_time > 0);
        assert_eq!(Stat::of(-1), Ok(None));
    }
}
