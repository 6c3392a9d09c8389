//! The test kit: what every integration test stands on.
//!
//! A test is a closure given to [`guarded`] (or [`guarded_rootless`]). It runs in a process and, as
//! root, a [`world`] of its own, gets a [`Host`], and afterwards the [`guard`] compares the host with
//! what it was before. In between it makes [`Bundle`]s, whose process is the payload
//! (`tests/payload`), leads them through a [`Runtime`] and reads what the payload saw ([`Report`]).
//!
//! `ONGGI_BIN=/usr/sbin/runc` points the same tests at another runtime: a test of plain OCI
//! behaviour that no other runtime passes is probably wrong. `ONGGI_TEST_KEEP=1` keeps the bundles.
#![allow(dead_code, unused_imports)] // Each test target uses its part of the kit.
#![allow(clippy::unwrap_used, clippy::expect_used)] // Here a panic is a test's failure.

mod agent;
mod bundle;
mod command;
mod config;
mod container;
mod guard;
mod host;
mod kernel;
mod programs;
mod pty;
mod report;
mod runtime;
mod snapshot;
mod socket;
mod world;

pub use agent::{Agent, Answer, Seen};
pub use bundle::Bundle;
pub use command::{Invocation, Output, patience};
pub use container::{Container, Ending, reap, reaper};
pub use guard::{guarded, guarded_rootless, lasting_differences, settle};
pub use host::Host;
pub use kernel::{before_exec, inherit, seize};
pub use programs::{copy_hello, copy_payload};
pub use pty::{ConsoleSocket, Pty, attach};
pub use report::Report;
pub use runtime::Runtime;
pub use snapshot::Snapshot;
pub use world::{kernel_before, no_mapped_tmpfs, noted, skipped};
