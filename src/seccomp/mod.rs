//! Seccomp filters.

/// A compiled filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {}
