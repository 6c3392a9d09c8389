//! The life of a container, seen from inside and from the command line: plain OCI behaviour.
//!
//! Every test here holds for any runtime (`ONGGI_BIN=/usr/sbin/runc cargo test --test life`), but
//! where it says otherwise. Each names the section of the OCI runtime specification it is about.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod activation;
mod binds;
mod bundles;
mod capabilities;
mod cgroup;
mod cgroup_mounts;
mod combinations;
mod copy_up;
mod destinations;
mod events;
mod exec;
mod hooks;
mod idmap;
mod kill;
mod kit;
mod labels;
mod lifecycle;
mod mounts;
mod names;
mod namespaces;
mod nested;
mod net_devices;
mod notify;
mod numa;
mod process;
mod rootfs;
mod rootless;
mod scheduling;
mod schema;
mod seccomp;
mod states;
mod terminal;
mod time;
mod update;
mod waits;
