//! onggi, an OCI container runtime for Linux.
//!
//! The rooms stand in the order of a container's life: its config is read ([`bundle`]), turned into
//! plain values ([`plan`]), armed and cloned ([`launch`]), carried out step by step by the child
//! (`child`), and led through its life ([`lifecycle`]) by the words of the command line ([`cli`]).

pub mod error;
pub mod seccomp;
pub mod cgroup;
