//! Container ids.

use std::fmt;

use crate::error::{Error, Result};

/// A file name may have this many bytes, and a container's directory bears its id (pathname(7)).
const LONGEST: usize = 255;

/// A container's id: 1 to 255 letters, digits and `_ + . -`, neither `.` nor `..`.
///
/// That is the pattern `[A-Za-z0-9_+.-]{1,1024}` which runtimes document, as far as a file name goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(String);

impl Id {
    /// Checks `text`; the error names the character that an id can't have.
    pub fn new(text: &str) -> Result<Self> {
        let wrong = |what: String| Error::new("container id", what);
        if text.is_empty() {
            return Err(wrong("must not be empty".into()));
        }
        if text == "." || text == ".." {
            return Err(wrong(format!("{text:?} is the name of a directory")).hint("give the container another name"));
        }
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_+.-".contains(letter);
        if let Some((place, letter)) = text.chars().enumerate().find(|(_, letter)| !allowed(*letter)) {
            return Err(wrong(format!("{text:?} has {letter:?} at position {}", place + 1))
                .hint("an id consists of letters, digits and _ + . -"));
        }
        if text.len() > LONGEST {
            return Err(wrong(format!("has {} characters", text.len()))
                .hint(format!("at most {LONGEST}, because a directory is named after it")));
        }
        Ok(Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_an_id() {
        for text in ["a", "web-1", "A_b+c.d", "-x", "...", ".hidden", "0", &"x".repeat(255)] {
            assert_eq!(Id::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_may_not() {
        let cases = [
            ("", "container id: must not be empty"),
            (".", "container id: \".\" is the name of a directory (give the container another name)"),
            ("..", "container id: \"..\" is the name of a directory (give the container another name)"),
            ("a/b", "container id: \"a/b\" has '/' at position 2 (an id consists of letters, digits and _ + . -)"),
            ("a\nb", "container id: \"a\\nb\" has '\\n' at position 2 (an id consists of letters, digits and _ + . -)"),
            ("é", "container id: \"é\" has 'é' at position 1 (an id consists of letters, digits and _ + . -)"),
        ];
        for (text, says) in cases {
            assert_eq!(Id::new(text).unwrap_err().to_string(), says);
        }
        assert_eq!(
            Id::new(&"x".repeat(256)).unwrap_err().to_string(),
            "container id: has 256 characters (at most 255, because a directory is named after it)"
        );
    }
}
