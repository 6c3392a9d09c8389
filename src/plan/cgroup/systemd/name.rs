//! Names: of slices, of units, and where they lie.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::error::Problem;

/// What names of slices end with.
pub(super) const SLICE: &str = ".slice";
const SCOPE: &str = ".scope";
/// systemd's own name for the root slice.
const ROOT: &str = "-.slice";
/// The longest name of a unit (systemd: `UNIT_NAME_MAX`, less the terminating NUL).
const LONGEST: usize = 255;

/// `linux.cgroupsPath`, as `slice:prefix:name`: the slice, and the unit's name if it has one.
///
/// The unit is `prefix-name.scope`, without a prefix `name.scope`; a name that ends in `.slice` is a slice's, and stands for
/// itself. An empty slice is the usual one: `system.slice`, of a user's manager `user.slice`.
pub(super) fn parse(path: Option<&Path>, user: bool) -> Result<(String, Option<String>), Problem> {
    let usual = || if user { "user.slice".to_owned() } else { "system.slice".to_owned() };
    let text = path.unwrap_or(Path::new("")).to_string_lossy();
    if text.is_empty() {
        return Ok((usual(), None));
    }
    let wrong = |what: String| Problem::new("linux.cgroupsPath", format!("{what}, in {text:?}"));
    let parts: Vec<&str> = text.split(':').collect();
    let [slice, prefix, name] = parts[..] else {
        return Err(wrong("must be slice:prefix:name where systemd makes the cgroup".into())
            .hint("\"system.slice:onggi:ID\", or leave out --systemd-cgroup (the cgroupfs driver takes paths)"));
    };
    let slice = match slice {
        "" => usual(),
        "-" | ROOT => ROOT.to_owned(),
        slice => slice_name(slice).map_err(wrong)?,
    };
    let unit = match (prefix, name) {
        (_, "") => return Err(wrong("the name after the last colon is empty".into())),
        (_, name) if name.ends_with(SLICE) => slice_name(name).map_err(wrong)?,
        ("", name) => format!("{name}{SCOPE}"),
        (prefix, name) => format!("{prefix}-{name}{SCOPE}"),
    };
    if let Some(letter) = unit.chars().find(|letter| !is_plain(*letter)) {
        return Err(wrong(format!("{letter:?} can't be in the name of a unit"))
            .hint("letters, digits and :_.-@\\ can; systemd-escape(1) escapes others"));
    }
    if unit.len() > LONGEST {
        return Err(wrong(format!("the unit's name is longer than {LONGEST} bytes")));
    }
    Ok((slice, Some(unit)))
}

/// The name of a slice, if it is one: dashes are the levels of the hierarchy, so none stands at an end or beside another.
fn slice_name(name: &str) -> Result<String, String> {
    let Some(levels) = name.strip_suffix(SLICE) else {
        return Err(format!("{name:?} is not the name of a slice: it must end in .slice"));
    };
    if levels.split('-').any(str::is_empty) || !levels.chars().all(is_plain) || name.len() > LONGEST {
        return Err(format!("{name:?} is not the name of a slice, like \"a-b.slice\" for a slice in a.slice"));
    }
    Ok(name.to_owned())
}

/// What may be in a unit's name (systemd.unit(5)).
fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || ":_.-@\\".contains(letter)
}

/// A container's id as a part of a unit's name, as systemd-escape(1) does it.
pub(super) fn escape(id: &str) -> String {
    let mut escaped = String::with_capacity(id.len());
    for byte in id.bytes() {
        if is_plain(byte.into()) && byte != b'\\' {
            escaped.push(byte.into());
        } else {
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    escaped
}

/// Where a slice lies: `a-b.slice` at `a.slice/a-b.slice`, the root slice at the top.
pub(super) fn expand(slice: &str) -> PathBuf {
    let levels = slice.strip_suffix(SLICE).unwrap_or(slice);
    if slice == ROOT {
        return PathBuf::new();
    }
    let ends = levels.match_indices('-').map(|(at, _)| at).chain([levels.len()]);
    ends.map(|end| format!("{}{SLICE}", &levels[..end])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(String, Option<String>), String> {
        parse(Some(Path::new(text)), false).map_err(|problem| problem.to_string())
    }

    #[test]
    fn as_engines_write_them() {
        for (text, slice, unit) in [
            ("system.slice:docker:abc", "system.slice", "docker-abc.scope"),
            (
                "kubepods-besteffort-pod1.slice:cri-containerd:abc",
                "kubepods-besteffort-pod1.slice",
                "cri-containerd-abc.scope",
            ),
            ("user.slice:libpod:abc", "user.slice", "libpod-abc.scope"),
            (":onggi:abc", "system.slice", "onggi-abc.scope"),
            ("-:onggi:abc", "-.slice", "onggi-abc.scope"),
            ("-.slice:onggi:abc", "-.slice", "onggi-abc.scope"),
            ("a.slice::abc", "a.slice", "abc.scope"),
            ("a.slice:x:a-b.slice", "a.slice", "a-b.slice"),
            ("a.slice::x@1\\x2b", "a.slice", "x@1\\x2b.scope"),
        ] {
            assert_eq!(parsed(text), Ok((slice.to_owned(), Some(unit.to_owned()))), "{text}");
        }
        assert_eq!(parse(None, false).unwrap(), ("system.slice".to_owned(), None));
        assert_eq!(parse(None, true).unwrap(), ("user.slice".to_owned(), None));
        assert_eq!(parse(Some(Path::new(":a:b")), true).unwrap().0, "user.slice");
    }

    #[test]
    fn what_is_none() {
        for bad in [
            "/docker/abc",
            "abc",
            "a:b",
            "a.slice:b:c:d",
            "a.slice:b:",
            "system:b:c",
            "a/b.slice:b:c",
            "-a.slice:b:c",
            "a-.slice:b:c",
            "a--b.slice:b:c",
            ".slice:b:c",
            "a.slice:b:../c",
            "a.slice:b c:d",
            "a.slice:b:c\n",
            "a.slice::.slice",
            "a.slice::a--b.slice",
        ] {
            let problem = parsed(bad).unwrap_err();
            assert!(problem.starts_with("linux.cgroupsPath: ") && problem.contains(&format!("{bad:?}")), "{problem}");
        }
        assert!(parsed(&format!("a.slice:b:{}", "c".repeat(247))).is_ok());
        assert!(parsed(&format!("a.slice:b:{}", "c".repeat(248))).unwrap_err().contains("longer than 255"));
    }

    #[test]
    fn slices_lie_in_slices() {
        assert_eq!(expand("-.slice"), Path::new(""));
        assert_eq!(expand("a.slice"), Path::new("a.slice"));
        assert_eq!(expand("a-b-c.slice"), Path::new("a.slice/a-b.slice/a-b-c.slice"));
    }

    #[test]
    fn ids_are_escaped() {
        assert_eq!(escape("web_1.2-a"), "web_1.2-a");
        assert_eq!(escape("a+b"), "a\\x2bb");
    }
}
