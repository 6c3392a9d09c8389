//! `hooks` (spec: config, POSIX-platform Hooks).

use oci_spec::runtime::{Hook, LinuxNamespaceType, Spec};

use super::{Findings, has, is_new};
use crate::error::Problem;

pub fn check(spec: &Spec, found: &mut Findings) {
    let Some(hooks) = spec.hooks() else { return };
    // Docker's networks still hang on prestart.
    #[allow(deprecated)]
    let prestart = hooks.prestart();
    let kinds = [
        ("prestart", prestart),
        ("createRuntime", hooks.create_runtime()),
        ("createContainer", hooks.create_container()),
        ("startContainer", hooks.start_container()),
        ("poststart", hooks.poststart()),
        ("poststop", hooks.poststop()),
    ];
    for (kind, hooks) in kinds {
        for (index, hook) in hooks.iter().flatten().enumerate() {
            check_hook(&format!("hooks.{kind}[{index}]"), hook, found);
        }
    }
    // There such a path would lead to somebody else's file, and that would run with all that the runtime may do.
    let joined = has(spec, LinuxNamespaceType::Mount) && !is_new(spec, LinuxNamespaceType::Mount);
    if joined && hooks.create_container().as_ref().is_some_and(|hooks| !hooks.is_empty()) {
        let what = "can't be run: the mount namespace is joined, and their paths are the host's";
        found.error(Problem::new("hooks.createContainer", what).hint("use createRuntime hooks"));
    }
}

fn check_hook(place: &str, hook: &Hook, found: &mut Findings) {
    let path = hook.path();
    if path.as_os_str().is_empty() {
        found.error(Problem::new(format!("{place}.path"), "is missing"));
    } else {
        found.absolute(path, || format!("{place}.path"));
    }
    if let Some(timeout) = hook.timeout().filter(|timeout| *timeout <= 0) {
        found.error(Problem::new(format!("{place}.timeout"), format!("must be at least 1 second, not {timeout}")));
    }
    for (index, variable) in hook.env().iter().flatten().enumerate() {
        if variable.split_once('=').is_none_or(|(name, _)| name.is_empty()) {
            let what = format!("\"{variable}\" must read NAME=value");
            found.error(Problem::new(format!("{place}.env[{index}]"), what));
        }
    }
}
