//! Where in the container's cgroups the process of `exec` is born.

use std::path::Path;

use crate::cgroup::Cgroup;
use crate::error::{Error, Result};
use crate::lifecycle::{ExecRequest, own_cgroup};
use crate::state::Record;

/// The cgroup that the process is born into: the container's, or one below it.
pub fn cgroup(record: &Record, request: &ExecRequest) -> Result<Option<Cgroup>> {
    let own = own_cgroup(record)?;
    let Some(path) = sub_cgroup(&request.cgroup)? else { return Ok(own) };
    let own = own.ok_or_else(|| Error::new("--cgroup", "the container has no cgroup of its own"))?;
    own.below(Path::new(path))?.map(Some).ok_or_else(|| {
        Error::new("--cgroup", format!("there is no cgroup {path:?} below {}", own.path().display()))
            .hint("make it in the container first")
    })
}

/// The path of `--cgroup [CONTROLLER[,CONTROLLER]:]PATH`. In cgroup v2 all controllers are in one place, so that they may
/// be named, but not be sent to different ones.
fn sub_cgroup(wanted: &[String]) -> Result<Option<&str>> {
    let path = |text: &'_ String| -> usize {
        let controllers = text.split_once(':').map_or("", |(controllers, _)| controllers);
        let named = controllers.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b',' | b'_'));
        if named && !controllers.is_empty() { controllers.len() + 1 } else { 0 }
    };
    let mut paths = wanted.iter().map(|text| &text[path(text)..]);
    let first = paths.next();
    match paths.find(|other| Some(*other) != first) {
        Some(other) => Err(Error::new(
            "--cgroup",
            format!("in cgroup v2 a process is in one cgroup, not in {:?} and {other:?}", first.unwrap_or_default()),
        )),
        None => Ok(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_cgroups() {
        let path = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(|&text| text.to_owned()).collect();
            sub_cgroup(&wanted).map(|path| path.map(str::to_owned)).map_err(|error| error.to_string())
        };
        assert_eq!(path(&[]), Ok(None));
        for (text, expected) in
            [("a/b", "a/b"), ("cpu:a", "a"), ("cpu,memory:/a", "/a"), ("/a:b", "/a:b"), (":a", ":a"), ("/", "/")]
        {
            assert_eq!(path(&[text]), Ok(Some(expected.to_owned())), "{text}");
        }
        assert_eq!(path(&["cpu:a", "memory:a"]), Ok(Some("a".to_owned())));
        assert!(path(&["cpu:a", "memory:b"]).unwrap_err().contains("one cgroup, not in \"a\" and \"b\""));
    }
}
