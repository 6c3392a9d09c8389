//! `linux.personality`: a domain, and flags of which the spec has none yet.

use oci_spec::runtime::Spec;

use super::Findings;
use crate::error::Problem;

pub fn check(spec: &Spec, found: &mut Findings) {
    let personality = spec.linux().as_ref().and_then(|linux| linux.personality().as_ref());
    let flags = personality.and_then(|personality| personality.flags().as_deref()).unwrap_or_default();
    for (index, flag) in flags.iter().enumerate() {
        let what = format!("\"{flag}\" is no flag that the spec knows");
        found.error(
            Problem::new(format!("linux.personality.flags[{index}]"), what).hint("it has none yet; leave them out"),
        );
    }
}
