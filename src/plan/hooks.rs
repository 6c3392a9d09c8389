//! `hooks`.

use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use oci_spec::runtime as oci;

use super::process::texts;
use super::{Hook, Hooks};
use crate::bundle::Findings;

/// The six kinds.
pub fn new(hooks: Option<&oci::Hooks>, found: &mut Findings) -> Hooks {
    let Some(hooks) = hooks else {
        return Hooks::default();
    };
    // Docker's networks still hang on prestart.
    #[allow(deprecated)]
    let prestart = hooks.prestart();
    Hooks {
        prestart: kind("prestart", prestart.as_deref(), found),
        create_runtime: kind("createRuntime", hooks.create_runtime().as_deref(), found),
        create_container: kind("createContainer", hooks.create_container().as_deref(), found),
        start_container: kind("startContainer", hooks.start_container().as_deref(), found),
        poststart: kind("poststart", hooks.poststart().as_deref(), found),
        poststop: kind("poststop", hooks.poststop().as_deref(), found),
    }
}

fn kind(kind: &str, hooks: Option<&[oci::Hook]>, found: &mut Findings) -> Vec<Hook> {
    let hooks = hooks.unwrap_or_default().iter().enumerate();
    hooks.map(|(index, of)| hook(&format!("hooks.{kind}[{index}]"), of, found)).collect()
}

fn hook(place: &str, hook: &oci::Hook, found: &mut Findings) -> Hook {
    let path = found.text(hook.path().as_os_str().as_bytes(), || format!("{place}.path"));
    let mut args = texts(&format!("{place}.args"), hook.args().as_deref(), found);
    if args.is_empty() {
        args.push(path.clone());
    }
    let env = texts(&format!("{place}.env"), hook.env().as_deref(), found);
    let timeout = hook.timeout().and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    Hook { path, args, env, timeout }
}
