//! Fields that this build does not carry out yet. They are refused, never ignored; a line goes when its feature comes.

use oci_spec::runtime::{LinuxNamespaceType, LinuxPersonalityDomain, Process, Spec};

use super::{Findings, has, mounts};
use crate::error::Problem;

/// Mount options of the spec that nothing here carries out yet.
const OPTIONS: [&str; 2] = ["idmap", "ridmap"];

/// What is not supported of the container.
pub fn check(spec: &Spec, found: &mut Findings) {
    let Some(linux) = spec.linux() else {
        return others(spec, found);
    };
    let fields = [
        ("linux.namespaces", "a time namespace", has(spec, LinuxNamespaceType::Time)),
        ("linux.timeOffsets", "it", linux.time_offsets().as_ref().is_some_and(|offsets| !offsets.is_empty())),
        ("linux.personality", "it", linux.personality().as_ref().is_some_and(is_personality)),
        (
            "linux.seccomp.listenerPath",
            "it",
            linux.seccomp().as_ref().is_some_and(|seccomp| seccomp.listener_path().is_some()),
        ),
    ];
    report(&fields, found);
    for (index, mount) in spec.mounts().iter().flatten().enumerate() {
        let mapped = |list: &Option<Vec<_>>| list.as_ref().is_some_and(|list| !list.is_empty());
        if mapped(mount.uid_mappings()) || mapped(mount.gid_mappings()) {
            report(&[(&mounts::place(index, mount), "uidMappings and gidMappings", true)], found);
        }
        for option in mount.options().iter().flatten().filter(|option| OPTIONS.contains(&option.as_str())) {
            report(&[(&mounts::place(index, mount), &format!("the option {option}"), true)], found);
        }
    }
    others(spec, found);
}

/// What is not supported of a process, also of one started by exec.
pub fn process(process: &Process, found: &mut Findings) {
    let fields = [
        ("process.scheduler", "it", process.scheduler().is_some()),
        ("process.ioPriority", "it", process.io_priority().is_some()),
        ("process.execCPUAffinity", "it", process.exec_cpu_affinity().is_some()),
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

/// The plain Linux personality is what every process has.
fn is_personality(personality: &oci_spec::runtime::LinuxPersonality) -> bool {
    personality.domain() != LinuxPersonalityDomain::PerLinux
        || personality.flags().as_ref().is_some_and(|flags| !flags.is_empty())
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
