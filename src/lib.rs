//! onggi, an OCI container runtime for Linux.
//!
//! The rooms stand in the order of a container's life: its config is read ([`bundle`]), turned into
//! plain values ([`plan`]), armed and cloned ([`launch`]), carried out step by step by the child
//! (`child`), and led through its life ([`lifecycle`]) by the words of the command line ([`cli`]).

pub mod error;

pub mod bundle;
#[cfg_attr(not(freestanding), allow(dead_code, reason = "it is a program of its own; see child/main.rs"))]
mod child;
pub mod cli;
pub mod launch;
pub mod lifecycle;
pub mod plan;
pub mod state;

pub mod cgroup;
#[cfg_attr(not(freestanding), allow(dead_code, reason = "the child's half"))]
mod script;
pub mod seccomp;
pub mod sys;
