//! `ociVersion` (spec: config, Specification version).

use oci_spec::runtime::Spec;

use super::Findings;
use crate::error::Problem;

/// The newest version of the spec that is known here, as major and minor.
const NEWEST: (u64, u64) = (1, 3);

pub fn check(spec: &Spec, found: &mut Findings) {
    let version = spec.version();
    let problem = |what: &str| Problem::new("ociVersion", what).hint("this runtime knows 1.0.0 to 1.3.0");
    if version.is_empty() {
        return found.error(problem("is missing"));
    }
    match major_minor(version) {
        None => found.error(problem(&format!("must be a version like 1.3.0, not \"{version}\""))),
        Some((1, minor)) if minor <= NEWEST.1 => {}
        Some((1, _)) => {
            found.warn(problem(&format!("{version} is newer than this runtime: what it added is not looked at")));
        }
        Some(_) => found.error(problem(&format!("{version} is not supported"))),
    }
}

/// Major and minor of `MAJOR.MINOR.PATCH[-PRERELEASE][+BUILD]` (`SemVer` 2.0.0).
fn major_minor(version: &str) -> Option<(u64, u64)> {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = core.split('.').map(|part| {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits { part.parse().ok() } else { None }
    });
    let (major, minor) = (parts.next()??, parts.next()??);
    let _patch: u64 = parts.next()??;
    parts.next().is_none().then_some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::major_minor;

    #[test]
    fn versions() {
        assert_eq!(major_minor("1.0.2-dev"), Some((1, 0)));
        assert_eq!(major_minor("1.3.0+x.1"), Some((1, 3)));
        for wrong in ["1", "1.2", "v1.2.3", "1.2.3.4", "1..3", "+1.2.3", "1.2.99999999999999999999"] {
            assert_eq!(major_minor(wrong), None, "{wrong}");
        }
    }
}
