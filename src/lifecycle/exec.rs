//! `exec`: one more process in a container.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use oci_spec::runtime as oci;

use super::activation::Activation;
use super::agent::Agent;
use super::create::{planned_before, write_pid};
use super::foreground::Foreground;
use super::terminal::own_size;
use super::{ExecRequest, State, own_cgroup, resctrl, sockets};
use crate::bundle::{self, Bundle};
use crate::cgroup::{Cgroup, systemd};
use crate::error::{Error, Result};
use crate::launch::{self, Arming, Interrupts};
use crate::plan::{Affinity, Host, Plan, Process};
use crate::state::{Id, Init, Record, Status, Store, status};

/// Runs a process in container `id`. In the foreground its exit status is returned; detached 0, once it has begun.
pub fn exec(store: &Store, id: &Id, request: &ExecRequest) -> Result<u8> {
    let entry = store.open_entry(id)?;
    let record = entry.read()?;
    let status = status(&entry, &record);
    allowed(id, status, request)?;
    let init = Init::find(&record)?.ok_or_else(|| Error::new(id.as_str(), "container not running"))?;
    let (bundle, host, mut plan) = planned_before(&entry, &record)?;
    let activation = Activation::of_caller()?;
    plan.process = process(&bundle, &plan, &host, request, activation.as_ref())?;
    let cgroup = cgroup(&record, request)?;
    if let (Some(unit), Some(cgroup)) = (&record.systemd, &cgroup) {
        systemd::near(unit, cgroup)?;
    }
    let terminal = plan.process.terminal;
    if terminal && request.console_socket.is_none() && plan.process.console_size.is_none() {
        plan.process.console_size = own_size();
    }
    let (mut foreground, console) = match (&request.console_socket, terminal, request.detach) {
        (Some(path), true, detach) => {
            let foreground = if detach { None } else { Some(Foreground::new(false)?.0) };
            (foreground, Some(sockets::connect(path, "--console-socket")?))
        }
        (None, true, true) => {
            return Err(Error::new("--detach", "there is nobody to hold the terminal of a detached process")
                .hint("give --console-socket, or leave out --tty or --detach"));
        }
        (_, false, true) => (None, None),
        (_, terminal, false) => {
            let (foreground, console) = Foreground::new(terminal)?;
            (Some(foreground), console)
        }
    };
    let arming = Arming {
        plan: &plan,
        cgroup: None,
        privileged: host.privileged(),
        lenient: !host.root(),
        console,
        start: None,
        preserve_fds: request.preserve_fds.saturating_add(activation.map_or(0, |activation| activation.count)),
        no_pivot: false,
        new_keyring: true,
        resctrl: resctrl::tasks(&record.resctrl)?,
        hook_states: Default::default(),
    };
    let mut agent = Agent::connect(plan.listener.as_ref())?;
    let pidfd = init.pidfd().try_clone_to_owned().map_err(|cause| Error::io(id.as_str(), "can't be entered", cause))?;
    let mut armed = launch::arm_join(arming, pidfd)?;
    if let (Some(own), []) = (&cgroup, &request.cgroup[..]) {
        armed.instead = Some(Box::new(|| own.of_process_below(init.pid())));
    }
    let child = launch::spawn(armed, &plan, cgroup.as_ref(), &host, &Interrupts::hold()?, &mut |_| Ok(()))?;
    let mut hand_over = |filter: OwnedFd| {
        let state = State::for_hooks(&record, status);
        agent.take().map_or(Ok(()), |agent| agent.hand_over(&filter, child.pid(), &state))
    };
    let agent = plan.listener.as_ref().map(|_| &mut hand_over as _);
    let begun = child.becomes_program(&plan, agent).and_then(|()| {
        if let Some(path) = &request.pidfd_socket {
            sockets::send(path, "--pidfd-socket", child.pidfd())?;
        }
        request.pid_file.as_deref().map_or(Ok(()), |path| write_pid(path, child.pid()))
    });
    let ended = begun.and_then(|()| match &mut foreground {
        None => Ok(0),
        Some(foreground) => foreground.attach().and_then(|()| foreground.attend(&child, None)),
    });
    if ended.is_err() {
        child.end();
    }
    ended
}

/// Whether a process may be run in a container that is `status`.
fn allowed(id: &Id, status: Status, request: &ExecRequest) -> Result<()> {
    match status {
        Status::Running | Status::Created => Ok(()),
        Status::Paused if request.ignore_paused => Ok(()),
        Status::Paused => Err(Error::new(id.as_str(), "container is paused")
            .hint(format!("`onggi resume {id}`, or --ignore-paused to wait in it"))),
        Status::Creating => Err(Error::new(id.as_str(), "container is still being created")),
        Status::Stopped => Err(Error::new(id.as_str(), "container not running")),
    }
}

/// The process that is asked for: from a file, or the container's own with what the request changes.
fn process(
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
        tracing::warn!("{warning}");
    }
    change(&mut process, request)?;
    if let Some(activation) = activation {
        let env = process.env().iter().flatten().cloned().chain(activation.variables()).collect();
        process.set_env(Some(env));
    }
    let user_namespace = plan.namespaces.has(libc::CLONE_NEWUSER);
    let (mut process, warnings) = Process::new(&process, user_namespace, &host.for_process(&process))?;
    for warning in warnings {
        tracing::warn!("{warning}");
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
    let mut process = bundle.spec.process().clone().unwrap_or_default();
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
    if request.no_new_privs {
        process.set_no_new_privileges(Some(true));
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

/// Arguments are bytes, JSON's strings are Unicode: an argument that is none is told, not changed.
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

/// The cgroup that the process is born into: the container's, or one below it.
fn cgroup(record: &Record, request: &ExecRequest) -> Result<Option<Cgroup>> {
    let own = own_cgroup(record)?;
    let Some(path) = sub_cgroup(&request.cgroup)? else { return Ok(own) };
    let own = own.ok_or_else(|| Error::new("--cgroup", "the container has no cgroup of its own"))?;
    own.below(Path::new(path))?.map(Some).ok_or_else(|| {
        Error::new("--cgroup", format!("there is no cgroup {path:?} below {}", own.path().display()))
            .hint("make it in the container first")
    })
}

/// The path of `--cgroup [CONTROLLER[,CONTROLLER]:]PATH`. In cgroup v2 all controllers are in one place, so that they may
/// be named, but not be sent to different ones.
fn sub_cgroup(wanted: &[String]) -> Result<Option<&str>> {
    let path = |text: &'_ String| -> usize {
        let controllers = text.split_once(':').map_or("", |(controllers, _)| controllers);
        let named = controllers.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b',' | b'_'));
        if named && !controllers.is_empty() { controllers.len() + 1 } else { 0 }
    };
    let mut paths = wanted.iter().map(|text| &text[path(text)..]);
    let first = paths.next();
    match paths.find(|other| Some(*other) != first) {
        Some(other) => Err(Error::new(
            "--cgroup",
            format!("in cgroup v2 a process is in one cgroup, not in {:?} and {other:?}", first.unwrap_or_default()),
        )),
        None => Ok(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_cgroups() {
        let path = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(|&text| text.to_owned()).collect();
            sub_cgroup(&wanted).map(|path| path.map(str::to_owned)).map_err(|error| error.to_string())
        };
        assert_eq!(path(&[]), Ok(None));
        for (text, expected) in
            [("a/b", "a/b"), ("cpu:a", "a"), ("cpu,memory:/a", "/a"), ("/a:b", "/a:b"), (":a", ":a"), ("/", "/")]
        {
            assert_eq!(path(&[text]), Ok(Some(expected.to_owned())), "{text}");
        }
        assert_eq!(path(&["cpu:a", "memory:a"]), Ok(Some("a".to_owned())));
        assert!(path(&["cpu:a", "memory:b"]).unwrap_err().contains("one cgroup, not in \"a\" and \"b\""));
    }
}
