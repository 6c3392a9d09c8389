//! The sections for other systems, which mean nothing here.

use oci_spec::runtime::Spec;

use super::Findings;
use crate::error::Problem;

/// Warns of each that is there.
pub fn check(spec: &Spec, found: &mut Findings) {
    let sections = [
        ("windows", spec.windows().is_some()),
        ("solaris", spec.solaris().is_some()),
        ("vm", spec.vm().is_some()),
        ("zos", spec.zos().is_some()),
    ];
    for (section, there) in sections {
        if there {
            found.warn(Problem::new(section, "is not looked at on Linux"));
        }
    }
}
