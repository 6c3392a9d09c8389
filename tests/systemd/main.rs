//! systemd as PID 1, and containers whose cgroups it makes. Runs in the boot `systemd` of `make vm-test`; elsewhere all is
//! skipped but what it means that there is no systemd.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod annotations;
mod driver;
mod engines;
mod kit;
mod machine;
mod names;
mod nobody;
mod update;
mod user;
