//! What hostile images, neighbours and callers try. Each test bears the name of the advisory whose trick it plays, or of
//! the thing that would leak, and fails if the rule that stops it is removed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod descriptors;
mod hooks;
mod identity;
mod links;
mod masks;
mod program;
mod race;
mod terminal;
mod values;
