//! Labels of AppArmor and SELinux: `process.apparmorProfile`, `process.selinuxLabel`, `linux.mountLabel`.

use std::ffi::{CStr, CString};

use oci_spec::runtime as oci;

use super::{Host, Mount, Parameter, Source};
use crate::bundle::Findings;
use crate::error::Problem;

/// What is no profile but the absence of one. (Names that only begin with it are profiles.)
const UNCONFINED: &str = "unconfined";

/// File systems that are not labelled as a whole: the policy has its own rules for what is in them.
const OWN_RULES: [&CStr; 4] = [c"proc", c"sysfs", c"mqueue", c"cgroup2"];

/// Whether anything asks for `AppArmor`, and for `SELinux`: only then it is looked whether the host has them.
pub fn asked(process: Option<&oci::Process>, linux: Option<&oci::Linux>) -> (bool, bool) {
    let apparmor = process.and_then(|process| given(process.apparmor_profile().as_ref()));
    let selinux = process.and_then(|process| given(process.selinux_label().as_ref()));
    let mounts = linux.and_then(|linux| given(linux.mount_label().as_ref()));
    (apparmor.is_some(), selinux.or(mounts).is_some())
}

/// The profile, if one is asked for.
pub fn apparmor(process: &oci::Process, host: &Host, found: &mut Findings) -> Option<CString> {
    const PLACE: &str = "process.apparmorProfile";
    let profile = given(process.apparmor_profile().as_ref())?;
    if !host.apparmor {
        // Without AppArmor everything is.
        if profile != UNCONFINED {
            let what = format!("\"{profile}\" can't be put into force: AppArmor is not enabled on this host");
            found.error(
                Problem::new(PLACE, what).hint("boot with apparmor=1 security=apparmor, or leave the profile out"),
            );
        }
        return None;
    }
    Some(found.text(profile, || PLACE.to_owned()))
}

/// The label of the process, if one is asked for.
pub fn selinux(process: &oci::Process, host: &Host, found: &mut Findings) -> Option<CString> {
    selinux_label("process.selinuxLabel", process.selinux_label().as_ref(), host, found)
}

/// The label of new file systems, if one is asked for.
pub fn of_mounts(linux: &oci::Linux, host: &Host, found: &mut Findings) -> Option<CString> {
    selinux_label("linux.mountLabel", linux.mount_label().as_ref(), host, found)
}

/// Adds `label` to the new file systems that take one. Binds keep the labels that their files have; one that says its own
/// label keeps that.
pub fn add(label: &CStr, mounts: &mut [Mount]) {
    for mount in mounts {
        if let Source::Filesystem { kind, parameters, .. } = &mut mount.source {
            let own = |it: &Parameter| {
                let (Parameter::Flag(key) | Parameter::Text(key, _)) = it;
                [c"context", c"fscontext", c"defcontext", c"rootcontext"].contains(&key.as_c_str())
            };
            if !OWN_RULES.contains(&kind.as_c_str()) && !parameters.iter().any(own) {
                parameters.push(Parameter::Text(c"context".to_owned(), label.to_owned()));
            }
        }
    }
}

fn selinux_label(place: &str, label: Option<&String>, host: &Host, found: &mut Findings) -> Option<CString> {
    let label = given(label)?;
    if !host.selinux {
        let what = format!("\"{label}\" can't be put into force: SELinux is not enabled on this host");
        found.error(Problem::new(place, what).hint("enable it (selinux=1, and a policy), or leave the label out"));
        return None;
    }
    Some(found.text(label, || place.to_owned()))
}

/// An empty label counts as not given: Go knows no other "absent".
fn given(label: Option<&String>) -> Option<&str> {
    label.map(String::as_str).filter(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(apparmor: &str, selinux: &str) -> oci::Process {
        let mut process = oci::Process::default();
        process.set_apparmor_profile(Some(apparmor.into())).set_selinux_label(Some(selinux.into()));
        process
    }

    fn planned(of: &oci::Process, host: &Host) -> (Option<CString>, Option<CString>, Vec<String>) {
        let mut found = Findings::default();
        let labels = (apparmor(of, host, &mut found), selinux(of, host, &mut found));
        (labels.0, labels.1, found.errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn without_a_module_only_unconfined_is_fine() {
        let none = Host::example();
        assert_eq!(planned(&process("unconfined", ""), &none), (None, None, vec![]));
        let (_, _, errors) = planned(&process("unconfined_mine", "a:b:c"), &none);
        assert_eq!(
            errors,
            [
                "process.apparmorProfile: \"unconfined_mine\" can't be put into force: AppArmor is not enabled on this \
                 host (boot with apparmor=1 security=apparmor, or leave the profile out)",
                "process.selinuxLabel: \"a:b:c\" can't be put into force: SELinux is not enabled on this host (enable it \
                 (selinux=1, and a policy), or leave the label out)",
            ]
        );
    }

    #[test]
    fn with_a_module_even_unconfined_is_set() {
        let both = Host { apparmor: true, selinux: true, ..Host::example() };
        let labels = planned(&process("unconfined", "a:b:c"), &both);
        assert_eq!(labels, (Some(c"unconfined".into()), Some(c"a:b:c".into()), vec![]));
        assert_eq!(planned(&process("", ""), &both), (None, None, vec![]));
        assert_eq!(
            planned(&process("a\0b", ""), &both).2,
            ["process.apparmorProfile: contains a NUL byte (at offset 1)"]
        );
    }
}
