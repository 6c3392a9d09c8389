//! `annotations` (spec: config, Annotations).

use oci_spec::runtime::Spec;

use super::Findings;
use crate::error::Problem;

pub fn check(spec: &Spec, found: &mut Findings) {
    if spec.annotations().as_ref().is_some_and(|annotations| annotations.contains_key("")) {
        found.error(Problem::new("annotations[\"\"]", "an annotation must have a name").hint("leave it out"));
    }
}
