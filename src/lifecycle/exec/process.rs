//! The process that `exec` is asked for: whole from a file, or the container's own with what the command line changes.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use oci_spec::runtime as oci;

use crate::bundle::{self, Bundle};
use crate::error::{Error, Result};
use crate::lifecycle::ExecRequest;
use crate::lifecycle::service::activation::Activation;
use crate::plan::{Affinity, Host, Plan, Process};

/// The process that is asked for, planned. What the file leaves open of its scheduling is as in the container.
pub fn process(
    bundle: &Bundle,
    plan: &Plan,
    host: &Host,
    request: &ExecRequest,
    activation: Option<&Activation>,
) -> Result<Process> {
    let (mut process, warnings) = match &request.process {
        Some(path) => {
            let file = path.display().to_string();
            let json = std::fs::read(path).map_err(|cause| Error::io(&*file, "can't be read", cause))?;
            bundle::load_process(&json, &file)?
        }
        None => (own(bundle), Vec::new()),
    };
    for warning in warnings {
        warning.warn();
    }
    change(&mut process, request)?;
    if let Some(activation) = activation {
        activation.tell(&mut process);
    }
    let user_namespace = plan.namespaces.has(libc::CLONE_NEWUSER);
    let (mut process, warnings) = Process::new(&process, user_namespace, &host.for_process(&process))?;
    for warning in warnings {
        warning.warn();
    }
    let own = &plan.process;
    process.oom_score_adj = process.oom_score_adj.or(own.oom_score_adj);
    process.scheduler = process.scheduler.or(own.scheduler);
    process.io_priority = process.io_priority.or(own.io_priority);
    if process.exec_affinity == Affinity::default() {
        process.exec_affinity = own.exec_affinity.clone();
    }
    Ok(process)
}

/// The container's own process, without its terminal.
fn own(bundle: &Bundle) -> oci::Process {
    let mut process = bundle.process().into_owned();
    process.set_terminal(Some(false)).set_console_size(None);
    process
}

fn change(process: &mut oci::Process, request: &ExecRequest) -> Result<()> {
    if !request.args.is_empty() {
        process.set_args(Some(texts(&request.args, "the command")?));
    }
    if !request.env.is_empty() {
        let mut env = process.env().clone().unwrap_or_default();
        env.extend(texts(&request.env, "--env")?);
        process.set_env(Some(env));
    }
    if let Some(cwd) = &request.cwd {
        process.set_cwd(cwd.clone());
    }
    if request.tty {
        process.set_terminal(Some(true));
    }
    if request.no_new_privs.is_some() {
        process.set_no_new_privileges(request.no_new_privs);
    }
    if let Some(label) = &request.process_label {
        process.set_selinux_label(Some(label.clone()));
    }
    if let Some(profile) = &request.apparmor {
        process.set_apparmor_profile(Some(profile.clone()));
    }
    let mut user = process.user().clone();
    if let Some(wanted) = &request.user {
        let (uid, gid) = ids(wanted)?;
        user.set_uid(uid);
        if let Some(gid) = gid {
            user.set_gid(gid);
        }
    }
    if !request.additional_gids.is_empty() {
        let mut gids = user.additional_gids().clone().unwrap_or_default();
        gids.extend(&request.additional_gids);
        user.set_additional_gids(Some(gids));
    }
    process.set_user(user);
    if !request.caps.is_empty() {
        add_capabilities(process, &request.caps)?;
    }
    Ok(())
}

/// Arguments are bytes, JSON's strings are Unicode: an argument that is not Unicode is an error, rather than changed.
fn texts(words: &[OsString], place: &str) -> Result<Vec<String>> {
    let text = |word: &OsString| {
        word.to_str()
            .map(str::to_owned)
            .ok_or_else(|| Error::new(place, format!("{} is not UTF-8", String::from_utf8_lossy(word.as_bytes()))))
    };
    words.iter().map(text).collect()
}

/// `UID` or `UID:GID`, each a whole decimal number (CVE-2016-3697: never a name, never 0 by accident).
fn ids(text: &str) -> Result<(u32, Option<u32>)> {
    let number = |part: &str| {
        let plain = !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'));
        part.parse().ok().filter(|number| plain && *number != u32::MAX).ok_or_else(|| {
            Error::new("--user", format!("{text:?} is not UID or UID:GID in decimal digits"))
                .hint("names mean nothing outside the image; look the number up in its /etc/passwd")
        })
    };
    match text.split_once(':') {
        None => Ok((number(text)?, None)),
        Some((uid, gid)) => Ok((number(uid)?, Some(number(gid)?))),
    }
}

/// Adds to what the process may and does use; never to what its children inherit (CVE-2022-29162).
fn add_capabilities(process: &mut oci::Process, names: &[String]) -> Result<()> {
    let mut sets = process.capabilities().clone().unwrap_or_else(|| {
        let mut none = oci::LinuxCapabilities::default();
        let empty = || Some(oci::Capabilities::new());
        none.set_bounding(empty()).set_effective(empty()).set_permitted(empty());
        none.set_inheritable(empty()).set_ambient(empty());
        none
    });
    for name in names {
        let plain = name.to_ascii_uppercase();
        let plain = plain.strip_prefix("CAP_").unwrap_or(&plain);
        let capability: oci::Capability = plain.parse().map_err(|_| {
            Error::new("--cap", format!("{name:?} is no capability")).hint("capabilities(7) lists them")
        })?;
        let with = |set: &Option<oci::Capabilities>| {
            let mut set = set.clone().unwrap_or_default();
            set.insert(capability);
            Some(set)
        };
        let (bounding, effective, permitted) = (with(sets.bounding()), with(sets.effective()), with(sets.permitted()));
        sets.set_bounding(bounding).set_effective(effective).set_permitted(permitted);
    }
    process.set_capabilities(Some(sets));
    Ok(())
}
