//! A child that ended without a word: what can still be said about it.

use crate::cgroup::Cgroup;
use crate::error::Error;

/// What it means that the child ended with `status` and said nothing; `reached` is how far it came.
pub fn end(status: u8, cgroup: Option<&Cgroup>, reached: &str) -> Error {
    let killed = status == 137;
    let memory = cgroup.map(Cgroup::memory);
    if let Some(memory) = memory.filter(|memory| killed && memory.oom_kills > 0) {
        let what = format!("the container was killed for lack of memory while it was set up, {reached} ({memory})");
        return Error::new("linux.resources.memory.limit", what).hint("raise it; a few MiB are needed to begin");
    }
    if killed {
        return Error::new(
            "",
            format!("the container's first process was killed (signal 9) while it was set up, {reached}"),
        )
        .hint("by somebody, or by the kernel for lack of memory, which dmesg tells");
    }
    let what = match status {
        128.. => format!(
            "the container's first process was killed by signal {} while it was set up, {reached}",
            status - 128
        ),
        _ => format!("the container's first process ended with status {status} while it was set up, {reached}"),
    };
    Error::new("", what)
}
