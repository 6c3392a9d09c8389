//! The walk over the bytes. It leans on their being JSON; on other bytes it merely ends early.

use std::borrow::Cow;
use std::fmt;

use super::near;
use super::table::{Field, Kind};
use crate::bundle::Findings;
use crate::error::Problem;

/// Where a value lies. On the stack of the walk, so that it costs nothing until somebody asks.
enum Place<'a> {
    Top(&'a str),
    Field(&'a Place<'a>, &'a str),
    Key(&'a Place<'a>, &'a str),
    Member(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top(prefix) => out.write_str(prefix),
            Self::Field(Self::Top(""), name) => out.write_str(name),
            Self::Field(object, name) => write!(out, "{object}.{name}"),
            Self::Key(object, key) => write!(out, "{object}[\"{key}\"]"),
            Self::Member(array, index) => write!(out, "{array}[{index}]"),
        }
    }
}

struct Walk<'a> {
    json: &'a str,
    /// In bytes.
    at: usize,
}

pub fn walk(json: &str, kind: Kind, prefix: &str, found: &mut Findings) {
    Walk { json, at: 0 }.value(kind, &Place::Top(prefix), found);
}

/// The path of the innermost value of `json` that begins at `offset` or holds the byte before it: `mounts[3].options`; empty
/// for the whole, which is of `kind`.
pub fn path(json: &str, kind: Kind, offset: usize) -> String {
    let mut path = String::new();
    Walk { json, at: 0 }.descend(kind, offset, &mut path);
    path
}

impl<'a> Walk<'a> {
    fn value(&mut self, kind: Kind, place: &Place, found: &mut Findings) {
        match (self.next(), kind) {
            (b'{', Kind::Object(fields)) => self.object(fields, place, found),
            (b'{', Kind::Map(of)) => self.map(*of, place, found),
            (b'[', Kind::List(fields)) => self.list(fields, place, found),
            // Serde takes an array for an object with known members, by their order. (Not for a map: there it complains itself.)
            (b'[', Kind::Object(_)) => {
                found.error(Problem::new(place.to_string(), "invalid type: array, expected an object"));
                self.skip();
            }
            _ => self.skip(),
        }
    }

    fn object(&mut self, fields: &'static [Field], place: &Place, found: &mut Findings) {
        let start = self.at;
        // A bit for each field that was there.
        let mut seen = 0_u64;
        self.at += 1;
        while let Some((at, key)) = self.key() {
            let Some((index, (name, kind))) = fields.iter().enumerate().find(|(_, (name, _))| *name == key) else {
                if let Some(problem) = near::problem(&place.to_string(), &key, fields) {
                    found.warn(problem);
                }
                self.value(Kind::Value, place, found);
                continue;
            };
            let place = Place::Field(place, name);
            if seen & 1 << index != 0 {
                found.error(self.twice(start, at, &key, &place));
            }
            seen |= 1 << index;
            if matches!(kind, Kind::Required) && self.next() == b'n' {
                // null is as good as nothing.
                absent(&place, found);
            }
            self.value(*kind, &place, found);
        }
        for (index, (name, kind)) in fields.iter().enumerate() {
            if matches!(kind, Kind::Required) && seen & 1 << index == 0 {
                absent(&Place::Field(place, name), found);
            }
        }
    }

    fn map(&mut self, of: Kind, place: &Place, found: &mut Findings) {
        let start = self.at;
        let mut keys = Vec::new();
        self.at += 1;
        while let Some((at, key)) = self.key() {
            self.value(of, &Place::Key(place, &key), found);
            keys.push((key, at));
        }
        keys.sort_unstable();
        for pair in keys.windows(2) {
            if let [(one, _), (other, at)] = pair
                && one == other
            {
                found.error(self.twice(start, *at, other, &Place::Key(place, other)));
            }
        }
    }

    fn list(&mut self, fields: &'static [Field], place: &Place, found: &mut Findings) {
        self.at += 1;
        let mut index = 0;
        while !matches!(self.next(), b']' | b'}' | 0) {
            self.value(Kind::Object(fields), &Place::Member(place, index), found);
            index += 1;
            if self.next() == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    /// Goes down to that value, of `kind`; `path` is the way to it.
    fn descend(&mut self, kind: Kind, offset: usize, path: &mut String) {
        let (object, mut index) = (self.next() == b'{', 0);
        if !object && self.next() != b'[' {
            return;
        }
        self.at += 1;
        loop {
            let mut of = Kind::Value;
            let step = if object {
                let Some((_, key)) = self.key() else { return };
                of = member(kind, &key);
                match kind {
                    Kind::Map(_) => format!("[\"{key}\"]"),
                    _ => format!("{}{key}", if path.is_empty() { "" } else { "." }),
                }
            } else {
                if let Kind::List(fields) = kind {
                    of = Kind::Object(fields);
                }
                if self.next() == b',' {
                    self.at += 1;
                }
                format!("[{index}]")
            };
            self.next();
            let start = self.at;
            self.skip();
            if start > offset || start == self.at {
                return;
            }
            if self.at >= offset {
                path.push_str(&step);
                self.at = start;
                return self.descend(of, offset, path);
            }
            index += 1;
        }
    }

    /// The next key of the object that the walk is in, with its offset, or none at the object's end. Afterwards the walk is at its value.
    fn key(&mut self) -> Option<(usize, Cow<'a, str>)> {
        if self.next() == b',' {
            self.at += 1;
        }
        if self.next() != b'"' {
            self.at += 1;
            return None;
        }
        let at = self.at;
        let raw = self.string();
        if self.next() == b':' {
            self.at += 1;
        }
        Some((at, text(raw)))
    }

    /// The byte at which the next token begins, to which the walk moves; 0 at the end.
    fn next(&mut self) -> u8 {
        let rest = self.rest();
        let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at += blank;
        rest.get(blank).copied().unwrap_or(0)
    }

    /// A string, with its quotes.
    fn string(&mut self) -> &'a str {
        let start = self.at;
        self.at += 1;
        while let Some(length) = self.rest().iter().position(|byte| matches!(byte, b'"' | b'\\')) {
            self.at += length + 1;
            if self.json.as_bytes()[self.at - 1] == b'"' {
                return self.json.get(start..self.at).unwrap_or_default();
            }
            self.at += 1;
        }
        self.at = self.json.len();
        ""
    }

    /// Goes past a value, whatever it is.
    fn skip(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.json.as_bytes().get(self.at) {
            match byte {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                // The end of what this value is in.
                b'}' | b']' | b',' if depth == 0 => return,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// What is still ahead.
    fn rest(&self) -> &'a [u8] {
        self.json.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// A key that stands at `second`, and earlier in the object that begins at `start`.
    fn twice(&self, start: usize, second: usize, key: &str, place: &Place) -> Problem {
        let mut again = Walk { json: self.json, at: start + 1 };
        let mut first = second;
        while let Some((at, other)) = again.key() {
            if other == key {
                first = at;
                break;
            }
            again.skip();
        }
        let what = format!("is given twice: {} and {}", self.position(first), self.position(second));
        Problem::new(place.to_string(), what).hint("leave one out")
    }

    /// `line 3, column 5`, both from 1 and in bytes, as the parser counts them.
    fn position(&self, at: usize) -> String {
        let lines: Vec<&str> = self.json.get(..at).unwrap_or_default().split('\n').collect();
        let (line, column) = (lines.len(), lines.last().map_or(0, |last| last.len()) + 1);
        format!("line {line}, column {column}")
    }
}

/// What stands behind `key` in an object of `kind`.
fn member(kind: Kind, key: &str) -> Kind {
    match kind {
        Kind::Object(fields) => fields.iter().find(|(name, _)| *name == key).map_or(Kind::Value, |(_, kind)| *kind),
        Kind::Map(of) => *of,
        _ => Kind::Value,
    }
}

fn absent(place: &Place, found: &mut Findings) {
    found.error(Problem::new(place.to_string(), "is missing").hint("there is no default for it"));
}

/// What a key says: nearly always just the letters between its quotes.
fn text(raw: &str) -> Cow<'_, str> {
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    if inner.contains('\\') { serde_json::from_str(raw).unwrap_or_default() } else { inner.into() }
}
