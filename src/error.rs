//! What onggi says when something is wrong: the place, the cause and the remedy.
//!
//! An [`Error`] is one or more [`Problem`]s. Each names where it lies (the JSON path in
//! config.json, an argument, a file), says what is wrong in one sentence, and, where there is
//! something to be done, what. Errors are returned, never logged on the way: `main` prints them once.

use std::borrow::Cow;
use std::fmt;

/// `Result` with onggi's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: `process.cwd`, `mounts[3] /data`, `--console-socket`, a path. Empty when the sentence says it all.
    pub place: String,
    /// What is wrong, with its cause: `must be an absolute path, not "data"`.
    pub what: String,
    /// What to do about it, where that can be known.
    pub hint: Option<String>,
    /// Of a warning: whether it is for the log file alone. On a terminal it would be noise.
    pub quiet: bool,
}

impl Problem {
    /// A problem at `place`.
    pub fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into(), hint: None, quiet: false }
    }

    /// Adds the remedy.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Has the warning be for the log file alone, if `quiet`.
    #[must_use]
    pub fn quiet(mut self, quiet: bool) -> Self {
        self.quiet = quiet;
        self
    }

    /// Says it as a warning.
    pub fn warn(&self) {
        if self.quiet {
            tracing::warn!(target: LOG_FILE, "{self}");
        } else {
            tracing::warn!("{self}");
        }
    }
}

/// The target of an event that is for the log file alone.
pub const LOG_FILE: &str = "log file";

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(out, "{}: ", shortened(&self.place))?;
        }
        out.write_str(&shortened(&self.what))?;
        match &self.hint {
            Some(hint) => write!(out, " ({})", shortened(hint)),
            None => Ok(()),
        }
    }
}

/// The most letters that a word is shown with, and how many of its beginning and end are left of a longer one.
const WORD: usize = 300;
const BEGINNING: usize = 160;
const END: usize = 40;

/// Long words without their middle: a value from a config may be of any length, and an error is a sentence.
fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= WORD {
        return text.into();
    }
    let short = |word: &str| {
        let letters = word.chars().count();
        if letters <= WORD {
            return word.to_owned();
        }
        let beginning: String = word.chars().take(BEGINNING).collect();
        let end: String = word.chars().skip(letters - END).collect();
        format!("{beginning}[...]{end}")
    };
    text.split(' ').map(short).collect::<Vec<_>>().join(" ").into()
}

/// One or more problems that end a command, and the exit status it ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// At least one.
    pub problems: Vec<Problem>,
    /// The exit status: 1 unless the command's contract has another (126, 127, 255).
    pub status: u8,
}

impl Error {
    /// An error of one problem.
    pub fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Problem::new(place, what).into()
    }

    /// An error of one problem whose cause is a system error: `place: what: cause`. What can be done about some causes
    /// is the same wherever they come up; who knows better says so after it.
    pub fn io(place: impl Into<String>, what: impl fmt::Display, cause: impl Into<std::io::Error>) -> Self {
        let cause = cause.into();
        let error = Self::new(place, format!("{what}: {}", cause_text(&cause)));
        match cause.raw_os_error() {
            Some(libc::EMFILE) => {
                error.hint("onggi may have too few files open: raise the limit (`ulimit -n`, LimitNOFILE=)")
            }
            Some(libc::ENOSYS) => {
                error.hint("onggi needs Linux 5.14 or newer, and no seccomp profile around it that hides its calls")
            }
            Some(libc::EFBIG) => error.hint("files may not get that large: raise the limit (`ulimit -f`, LimitFSIZE=)"),
            Some(libc::ENFILE) => error.hint("the whole machine has too many files open: see fs.file-max (sysctl)"),
            _ => error,
        }
    }

    /// Adds the remedy to the last problem.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Some(last) = self.problems.last_mut() {
            last.hint = Some(hint.into());
        }
        self
    }

    /// Ends the command with `status` instead of 1.
    #[must_use]
    pub fn status(mut self, status: u8) -> Self {
        self.status = status;
        self
    }

    /// All of `problems` as one error; `Ok` if there are none.
    pub fn all(problems: Vec<Problem>) -> Result<()> {
        if problems.is_empty() { Ok(()) } else { Err(Self { problems, status: 1 }) }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem], status: 1 }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                out.write_str("; ")?;
            }
            write!(out, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The system's own words for a cause, in lower case and without `(os error N)`: engines match
/// `no such file or directory`, `permission denied`, `no such process` in just this form.
pub fn cause_text(cause: &std::io::Error) -> String {
    let text = match cause.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => cause.to_string(),
    };
    let mut letters = text.chars();
    match letters.next() {
        // But not `i/O error`, as musl has it.
        Some(first) if !text.starts_with("I/O") => first.to_lowercase().chain(letters).collect(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_word_is_shown_without_its_middle() {
        let long = format!("a{}z", "ö".repeat(5000));
        let text = Problem::new("process.cwd", format!("must be absolute, not \"{long}\" or the like")).to_string();
        assert!(text.starts_with("process.cwd: must be absolute, not \"aööö"), "{text}");
        assert!(text.ends_with("öööz\" or the like") && text.contains("ö[...]ö"), "{text}");
        assert!(text.chars().count() < 300, "{text}");
        let list = "one \"word\", ".repeat(200);
        assert_eq!(Problem::new("", list.clone()).to_string(), list);
    }
}
