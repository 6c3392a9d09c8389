//! The names in a config.json: those that nearly are a field's, and those that are there twice.
//!
//! The spec wants unknown properties ignored, so serde says nothing of `noNewPrivilege` or of a `hostname` inside
//! `process`: the container would start with less than its author believes. Here such a name is a warning; a key that is
//! twice in one object is an error, because readers take the first for true and parsers the last.
//!
//! It is one walk over the text, beside the parser, and it allocates nothing as long as all names are known: [`table`] has
//! them, [`walk`] compares, [`near`] guesses what was meant. What is below an unknown name is somebody's extension and none of ours.
//!
//! May enter: JSON that parses, from `bundle` alone.

mod near;
pub mod table;
mod walk;

use super::Findings;
pub use near::nearest;
use table::Kind;
pub use walk::path;

/// Looks at the names of `json`, which must be the text of a value that parses; `prefix` is what problems are placed
/// below (`process`, or nothing). Warnings are misspelt and misplaced names, errors are keys given twice.
pub fn look(json: &str, kind: Kind, prefix: &str) -> Findings {
    let mut found = Findings::default();
    walk::walk(json, kind, prefix, &mut found);
    found
}

#[cfg(test)]
mod tests;
