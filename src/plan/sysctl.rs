//! `linux.sysctl`.

use std::collections::HashMap;

use super::Sysctl;
use crate::bundle::{Findings, check};

/// The parameters in the order of their names: an object of JSON has none.
pub fn new(sysctls: Option<&HashMap<String, String>>, found: &mut Findings) -> Vec<Sysctl> {
    let mut sysctls: Vec<_> = sysctls.into_iter().flatten().collect();
    sysctls.sort();
    let mut plan = Vec::with_capacity(sysctls.len());
    for (name, value) in sysctls {
        // The check has refused what is not a name.
        let Ok(file) = check::sysctl_file(name) else {
            continue;
        };
        let place = || format!("linux.sysctl[\"{name}\"]");
        plan.push(Sysctl {
            name: name.clone(),
            file: found.text(file, place),
            value: found.text(value.as_str(), place),
        });
    }
    plan
}
