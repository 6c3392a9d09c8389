//! The container's place in the cgroup hierarchy.

/// Where the container lives, its limits and its devices.
#[derive(Clone, Debug, PartialEq)]
pub struct Cgroup {}
