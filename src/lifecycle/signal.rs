//! Signals, as people and engines write them.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use nix::sys::signal::Signal as Named;

/// The first and the last of the realtime signals, as people count them: as glibc does. The kernel has two more in front of
/// them and musl, which this program may be built with, keeps three of those to itself.
const REALTIME: RangeInclusive<i32> = 34..=64;

/// A signal by its number: 0 to 64, where 0 only asks whether the process is there (kill(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal(i32);

impl Signal {
    /// SIGKILL.
    pub const KILL: Self = Self(libc::SIGKILL);
    /// SIGTERM.
    pub const TERM: Self = Self(libc::SIGTERM);

    /// The one of this number, which must be from 0 to 64.
    pub fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Its number.
    pub fn number(self) -> i32 {
        self.0
    }
}

impl FromStr for Signal {
    type Err = String;

    /// Reads `9`, `KILL`, `SIGKILL` (in any case), `RTMIN`, `RTMIN+3`, `RTMAX-1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || {
            let last = REALTIME.end();
            format!("no signal {text:?} (a name such as TERM or SIGTERM, RTMIN+1, or a number up to {last})")
        };
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = text.parse().ok().filter(|number| (0..=*REALTIME.end()).contains(number));
            return number.map(Self).ok_or_else(unknown);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let number = match name {
            // Older names of the same signals.
            "CLD" => Some(libc::SIGCHLD),
            "IOT" => Some(libc::SIGIOT),
            "POLL" => Some(libc::SIGPOLL),
            _ => Named::from_str(&format!("SIG{name}")).ok().map(|signal| signal as i32).or_else(|| realtime(name)),
        };
        number.map(Self).ok_or_else(unknown)
    }
}

/// `RTMIN`, `RTMIN+n`, `RTMAX-n`, `RTMAX` (signal(7)).
fn realtime(name: &str) -> Option<i32> {
    let (first, last) = REALTIME.into_inner();
    let (base, offset) = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(""), _) => (first, 0),
        (_, Some("")) => (last, 0),
        (Some(offset), _) => (first, distance(offset.strip_prefix('+')?)?),
        (_, Some(offset)) => (last, -distance(offset.strip_prefix('-')?)?),
        (None, None) => return None,
    };
    let number = base + offset;
    REALTIME.contains(&number).then_some(number)
}

fn distance(digits: &str) -> Option<i32> {
    (digits.len() < 3 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

impl fmt::Display for Signal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Named::try_from(self.0) {
            Ok(signal) => out.write_str(signal.as_str()),
            Err(_) if REALTIME.contains(&self.0) => write!(out, "SIGRTMIN+{}", self.0 - REALTIME.start()),
            Err(_) => write!(out, "signal {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_to_write_one() {
        let cases = [
            ("9", 9),
            ("KILL", 9),
            ("SIGKILL", 9),
            ("sigterm", 15),
            ("Hup", 1),
            ("0", 0),
            ("64", 64),
            ("09", 9),
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("rtmax-1", 63),
            ("RTMAX", 64),
            ("SIGRTMIN+30", 64),
            ("CLD", 17),
            ("POLL", 29),
        ];
        for (text, number) in cases {
            assert_eq!(text.parse::<Signal>(), Ok(Signal(number)), "{text}");
        }
    }

    #[test]
    fn what_is_none() {
        let long = "9".repeat(30);
        for text in [
            "",
            "-1",
            "65",
            "99999999999999",
            &long,
            "SIG",
            "KILLER",
            "SIGSIGKILL",
            "RTMIN+31",
            "RTMIN-1",
            "RTMAX+1",
            "RTMIN+",
            "RTMIN++1",
            " 9",
            "9 ",
            "+9",
            "0x9",
        ] {
            assert!(text.parse::<Signal>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn shown_as_people_know_them() {
        let shown = |number| Signal(number).to_string();
        assert_eq!([shown(15), shown(34), shown(36)], ["SIGTERM", "SIGRTMIN+0", "SIGRTMIN+2"]);
        assert_eq!(shown(0), "signal 0");
    }
}
