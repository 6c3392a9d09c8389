//! `linux.intelRdt` (spec: config-linux, IntelRdt): names of groups, lines of schemata.

use oci_spec::runtime::Spec;

use super::Findings;
use crate::error::Problem;

/// What resctrl itself has at the place where groups are.
const TAKEN: [&str; 3] = ["info", "mon_groups", "mon_data"];

pub fn check(spec: &Spec, found: &mut Findings) {
    let Some(rdt) = spec.linux().as_ref().and_then(|linux| linux.intel_rdt().as_ref()) else {
        return;
    };
    if let Some(id) = rdt.clos_id().as_deref().filter(|id| !matches!(*id, "" | "/")) {
        let plain = !id.contains(|letter: char| letter == '/' || letter.is_control()) && !matches!(id, "." | "..");
        if !plain || TAKEN.contains(&id) {
            let problem = Problem::new("linux.intelRdt.closID", format!("\"{id}\" can't be the name of a group"));
            found.error(problem.hint("a plain directory name, or \"/\" for the group that everything is in"));
        }
    }
    if let Some(schema) = rdt.mem_bw_schema().as_deref().filter(|schema| !schema.is_empty())
        && (!schema.starts_with("MB:") || schema.contains('\n'))
    {
        let what = format!("must be one line that begins with \"MB:\", not {schema:?}");
        found.error(Problem::new("linux.intelRdt.memBwSchema", what));
    }
    for (index, line) in rdt.schemata().iter().flatten().enumerate() {
        if !line.contains(':') || line.contains('\n') {
            let problem = Problem::new(format!("linux.intelRdt.schemata[{index}]"), format!("{line:?} is no schema"));
            found.error(problem.hint("one line each, as \"L3:0=ff;1=ff\""));
        }
    }
}
