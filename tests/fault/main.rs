//! Everything that can fail is made to fail, and every time nothing is left.
//!
//! The child's steps: an onggi built with the feature `fault` fails at the coordinate that `ONGGI_FAULT` names
//! ([`steps`], [`later`]). The parent's side: what real hosts do wrong ([`parent`]), and, by strace(1), an error at any of
//! its system calls, or its death there ([`calls`]); or another command is faster ([`between`]). Afterwards the host must
//! be as it was, and the id free.
#![allow(clippy::unwrap_used, clippy::expect_used)] // Here a panic is a test's failure.

#[path = "../support/mod.rs"]
mod support;

mod between;
mod bundles;
mod calls;
mod later;
mod parent;
mod program;
mod resctrl;
mod steps;
mod sweep;
