//! `linux.resources.devices`: the rules for devices. Limits are judged by `plan::cgroup`, which knows their files.

use oci_spec::runtime::{LinuxDeviceCgroup, Spec};

use super::Findings;
use crate::error::Problem;

pub fn check(spec: &Spec, found: &mut Findings) {
    let resources = spec.linux().as_ref().and_then(|linux| linux.resources().as_ref());
    let rules = resources.and_then(|resources| resources.devices().as_deref()).unwrap_or_default();
    for (index, rule) in rules.iter().enumerate() {
        check_rule(&format!("linux.resources.devices[{index}]"), rule, found);
    }
}

fn check_rule(place: &str, rule: &LinuxDeviceCgroup, found: &mut Findings) {
    let access = rule.access().as_deref().unwrap_or_default();
    if let Some(letter) = access.chars().find(|letter| !"rwm".contains(*letter)) {
        let problem = Problem::new(format!("{place}.access"), format!("unknown letter '{letter}' in \"{access}\""));
        found.error(problem.hint("r (read), w (write), m (mknod)"));
    }
}
