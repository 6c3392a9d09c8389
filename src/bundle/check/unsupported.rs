//! Fields that this build does not carry out yet. They are refused, never ignored; a line goes when its feature comes.

use oci_spec::runtime::{Process, Spec};

use super::Findings;
use crate::error::Problem;

/// What is not supported of the container.
pub fn check(spec: &Spec, found: &mut Findings) {
    let Some(linux) = spec.linux() else {
        return others(spec, found);
    };
    let asked = |label: &Option<String>| label.as_ref().is_some_and(|label| !label.is_empty());
    let fields = [
        ("linux.netDevices", "it", linux.net_devices().as_ref().is_some_and(|devices| !devices.is_empty())),
        ("linux.memoryPolicy", "it", linux.memory_policy().is_some()),
        ("linux.intelRdt", "it", linux.intel_rdt().is_some()),
        ("linux.mountLabel", "it", asked(linux.mount_label())),
    ];
    report(&fields, found);
    others(spec, found);
}

/// What is not supported of a process, also of one started by exec.
pub fn process(process: &Process, found: &mut Findings) {
    let asked = |label: &Option<String>| label.as_ref().is_some_and(|label| !label.is_empty());
    let fields = [
        // What runs unconfined already needs nothing done.
        (
            "process.apparmorProfile",
            "it",
            asked(process.apparmor_profile()) && process.apparmor_profile().as_deref() != Some("unconfined"),
        ),
        ("process.selinuxLabel", "it", asked(process.selinux_label())),
    ];
    report(&fields, found);
}

fn report(fields: &[(&str, &str, bool)], found: &mut Findings) {
    for (place, what, asked) in fields {
        if *asked {
            let what = if *what == "it" {
                "is not supported by this build yet".to_owned()
            } else {
                format!("{what}: not supported by this build yet")
            };
            found.error(Problem::new(*place, what).hint("leave it out"));
        }
    }
}

/// The sections of other systems, which are none of ours.
fn others(spec: &Spec, found: &mut Findings) {
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
