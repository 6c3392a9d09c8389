//! What a check found.

use std::ffi::CString;
use std::path::Path;

use crate::error::{Error, Problem, Result};

/// What was found wrong so far. Checks go on after an error, so that a person can mend everything at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// What forbids making the container.
    pub errors: Vec<Problem>,
    /// What a careful colleague would mention.
    pub warnings: Vec<Problem>,
}

impl Findings {
    /// Notes an error.
    pub fn error(&mut self, problem: Problem) {
        self.errors.push(problem);
    }

    /// Notes a warning.
    pub fn warn(&mut self, problem: Problem) {
        self.warnings.push(problem);
    }

    /// `bytes` as the kernel takes strings. A NUL byte, which would cut it short there, is an error; `place` is asked for only then.
    pub fn text(&mut self, bytes: impl Into<Vec<u8>>, place: impl FnOnce() -> String) -> CString {
        CString::new(bytes).unwrap_or_else(|cause| {
            let what = format!("contains a NUL byte (at offset {})", cause.nul_position());
            self.error(Problem::new(place(), what));
            CString::default()
        })
    }

    /// Whether `path` is absolute, which is an error if not; `place` is asked for only then.
    pub fn absolute(&mut self, path: &Path, place: impl FnOnce() -> String) -> bool {
        let absolute = path.is_absolute();
        if !absolute {
            let what = format!("must be an absolute path, not \"{}\"", path.display());
            self.error(Problem::new(place(), what));
        }
        absolute
    }

    /// The value of another room, or nothing and its problems among ours.
    pub fn take<T>(&mut self, result: Result<T, Vec<Problem>>) -> Option<T> {
        result.map_err(|problems| self.errors.extend(problems)).ok()
    }

    /// `value` with the warnings, or the errors if there are any. There is a value wherever there are no errors.
    pub fn into_result<T>(self, value: Option<T>) -> Result<(T, Vec<Problem>)> {
        match value {
            Some(value) if self.errors.is_empty() => Ok((value, self.warnings)),
            _ => Err(Error { problems: self.errors, status: 1 }),
        }
    }
}
