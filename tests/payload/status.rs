//! The fields of `/proc/self/status` (`proc_pid_status(5)`).

use std::collections::HashMap;

/// The file's fields by name; empty where there is no `/proc`.
pub struct Status(HashMap<String, String>);

impl Status {
    /// Reads the file now.
    pub fn read() -> Self {
        let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let fields = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Self(fields.collect())
    }

    /// A field as it is written.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A decimal field.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// A bit mask in hexadecimal: the capability sets and the signal sets.
    pub fn mask(&self, name: &str) -> Option<u64> {
        u64::from_str_radix(self.text(name)?, 16).ok()
    }

    /// The numbers of a field that holds several: `Uid` (real, effective, saved, fs), `Groups`.
    pub fn numbers(&self, name: &str) -> Vec<u64> {
        let words = self.text(name).unwrap_or_default().split_whitespace();
        words.filter_map(|word| word.parse().ok()).collect()
    }
}
