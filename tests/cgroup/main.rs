//! The cgroup room against the kernel: needs root and a cgroup v2 mount somewhere.
//!
//! Each test sees a pure v2 view in a mount namespace of its own thread and works below a directory of its own.
#![allow(clippy::unwrap_used)] // Here a panic is a test's failure.

mod controllers;
mod devices;
mod life;
mod tree;
mod world;
