//! The life of a container, seen from inside and from the command line: plain OCI behaviour.
//!
//! Every test here holds for any runtime (`ONGGI_BIN=/usr/sbin/runc cargo test --test life`), but
//! where it says otherwise. Each names the section of the OCI runtime specification it is about.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod capabilities;
mod cgroup;
mod copy_up;
mod exec;
mod hooks;
mod kill;
mod kit;
mod labels;
mod lifecycle;
mod mounts;
mod namespaces;
mod net_devices;
mod numa;
mod process;
mod rootfs;
mod rootless;
mod seccomp;
mod terminal;
mod waits;
