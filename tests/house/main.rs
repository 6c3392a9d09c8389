//! The rules of the house, read from the source itself: who knows whom, how long a file may be, where `unsafe` may stand.
#![allow(clippy::unwrap_used, clippy::expect_used)] // Here a panic is a test's failure.

mod docs;
#[allow(dead_code)] // Each part of the kit has users, but not in every suite.
#[path = "../support/fields.rs"]
mod fields;
mod layers;
mod rules;
mod source;
mod spec;
