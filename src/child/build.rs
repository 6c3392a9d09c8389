//! Builds the freestanding child.
fn main() {}
