//! systemd as PID 1. Runs in the boot `systemd` of `make vm-test`; elsewhere everything is skipped.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod kit;
mod machine;
