//! The files below src/, as text.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the library.
pub struct Source {
    /// Below src/: `launch/arm.rs`.
    pub path: String,
    /// Its lines, as they are.
    pub text: String,
}

impl Source {
    /// The room it is in: the folder's name, or the file's own at the top (`error`, `lib`, `main`).
    pub fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Whether it is a file of unit tests.
    pub fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs")
    }

    /// Its lines with their numbers, from 1, without comments, and without what follows the first `#[cfg(test)]`.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
        (1..).zip(lines.map(|line| line.split("//").next().unwrap()))
    }

    /// How many `super`s lead from it to the top of the library.
    pub fn depth(&self) -> usize {
        let parts = self.path.split('/').count();
        if self.path.ends_with("/mod.rs") { parts - 1 } else { parts }
    }
}

/// All of src/.
pub fn all() -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path: path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned(), text });
            }
        }
    }
    assert!(found.len() > 100, "src/ has more files than {}", found.len());
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}
