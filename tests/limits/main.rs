//! cgroup v2 with all its controllers: every limit written, read back, and felt by a workload inside; the tree; who may
//! do what without root.
//!
//! It needs the controllers that many a machine keeps for cgroup v1. What a machine lacks is skipped, and said; in the
//! virtual machine of `make vm-test`, where all is there (`ONGGI_VM`), it is a failure.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod cost;
mod cpu;
mod events;
mod io;
mod kit;
mod memory;
mod others;
mod ownership;
mod pids;
mod privileges;
mod rootless;
mod stuck;
mod tree;
mod update;
