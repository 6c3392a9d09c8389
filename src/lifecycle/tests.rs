//! The verbs on containers that are nothing but a child of the test and a record of it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::stop::Stopped;
use super::{
    Signal, delete::delete, kill::kill, list::list, pause::pause, ps::ps, state::state, stop::stop, wait::wait,
};
use crate::error::Error;
use crate::plan::Hook;
use crate::state::{Id, Record, SavedHook, Stat, Status, Store};

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

/// A container whose init runs `script`; it has said that it is ready.
fn container(root: &Path, name: &str, script: &str) -> (Store, Child) {
    let mut child = Command::new("sh")
        .args(["-c", &format!("{script}\necho ready\nwhile :; do sleep 1000 & wait $!; done")])
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    let pid = child.id().cast_signed();
    let record = Record {
        version: 1,
        id: name.into(),
        pid: Some(pid),
        start_time: Stat::of(pid).unwrap().map(|stat| stat.start_time),
        oci_version: "1.0.2".into(),
        pid_namespace: true,
        ..Record::default()
    };
    let store = Store::open(root).unwrap();
    store.claim(&id(name)).unwrap().write(&record).unwrap();
    (store, child)
}

use std::os::unix::process::{CommandExt, ExitStatusExt};

/// Ends what is left of the test's process group, and takes init's signal.
fn end_signal(mut child: Child) -> Option<i32> {
    let ended = child.try_wait().unwrap();
    let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(child.id().cast_signed()), nix::sys::signal::SIGKILL);
    child.wait().unwrap();
    ended.and_then(|status| status.signal())
}

fn message<T>(result: Result<T, Error>) -> String {
    result.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn an_unknown_container_does_not_exist() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let web = id("web");
    let text = format!(
        "container \"web\" does not exist (none of that id is in {}; an engine's are in a --root of its own)",
        dir.path().display()
    );
    assert_eq!(message(state(&store, &web)), text);
    assert_eq!(message(kill(&store, &web, Signal::KILL, false)), text);
    assert_eq!(message(wait(&store, &web)), text);
    assert_eq!(message(ps(&store, &web)), text);
    assert_eq!(message(pause(&store, &web)), text);
    assert_eq!(message(stop(&store, std::slice::from_ref(&web), Signal::TERM, Duration::ZERO).remove(0)), text);
    assert_eq!(message(delete(&store, &web, false)), text);
    assert_eq!(delete(&store, &web, true).unwrap(), []);
}

#[test]
fn a_signal_reaches_init_and_a_stopped_one_is_not_running() {
    let dir = tempfile::tempdir().unwrap();
    let (store, child) = container(dir.path(), "web", "");
    assert_eq!(state(&store, &id("web")).unwrap().status, Status::Running);
    kill(&store, &id("web"), Signal::TERM, false).unwrap();
    assert_eq!(wait(&store, &id("web")).unwrap(), 128 + 15);
    let stopped = state(&store, &id("web")).unwrap();
    assert_eq!((stopped.status, stopped.pid), (Status::Stopped, Some(0)));
    assert_eq!(message(kill(&store, &id("web"), Signal::KILL, false)), "web: container not running");
    kill(&store, &id("web"), Signal::KILL, true).unwrap();
    assert_eq!(ps(&store, &id("web")).unwrap(), Vec::<i32>::new());
    assert_eq!(end_signal(child), Some(15));
    // Now that its parent knows, nobody else can.
    assert!(
        message(wait(&store, &id("web"))).starts_with("web: has stopped; its exit status was told to its parent only")
    );
}

#[test]
fn only_a_stopped_container_is_deleted_without_force() {
    let dir = tempfile::tempdir().unwrap();
    let (store, child) = container(dir.path(), "web", "trap '' TERM");
    let error = message(delete(&store, &id("web"), false));
    assert_eq!(error, "web: can't be deleted: it is running, not stopped (`stop web` first, or `delete --force web`)");
    assert_eq!(delete(&store, &id("web"), true).unwrap(), []);
    assert_eq!(end_signal(child), Some(9));
    assert_eq!(store.list().unwrap(), []);
}

#[test]
fn stop_says_which_it_took() {
    let dir = tempfile::tempdir().unwrap();
    let (_, polite) = container(dir.path(), "polite", "trap 'exit 0' TERM");
    let (_, deaf) = container(dir.path(), "deaf", "trap '' TERM");
    let (store, created) = container(dir.path(), "created", "");
    let socket = store.open_entry(&id("created")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(socket.start_socket()).unwrap();
    let first = [id("polite")];
    let how = stop(&store, &first, Signal::TERM, Duration::from_secs(30));
    assert!(matches!(how[0], Ok(Stopped::BySignal(_))), "{how:?}");
    let others = [id("deaf"), id("created"), id("none")];
    let how = stop(&store, &others, Signal::TERM, Duration::from_millis(100));
    assert!(matches!(how[0], Ok(Stopped::Killed)), "{how:?}");
    assert!(matches!(how[1], Ok(Stopped::NotStarted)), "{how:?}");
    assert!(how[2].is_err());
    let again = stop(&store, &first, Signal::TERM, Duration::ZERO);
    assert!(matches!(again[0], Ok(Stopped::Before)));
    assert_eq!(wait(&store, &id("polite")).unwrap(), 0);
    assert_eq!([end_signal(polite), end_signal(deaf), end_signal(created)], [None, Some(9), Some(9)]);
}

#[test]
fn a_damaged_container_concerns_nobody_else_and_can_be_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let (store, child) = container(dir.path(), "web", "");
    for (name, content) in [("empty", ""), ("cut", "{\"version\":1,"), ("newer", "{\"version\":9}")] {
        store.claim(&id(name)).unwrap();
        std::fs::write(dir.path().join(name).join("state.json"), content).unwrap();
    }
    store.claim(&id("interrupted")).unwrap();
    let listed = list(&store).unwrap();
    let whole: Vec<_> = listed.iter().filter(|one| one.state.is_ok()).map(|one| one.id.as_str()).collect();
    assert_eq!((listed.len(), whole), (5, vec!["web"]));
    for name in ["empty", "cut", "newer", "interrupted"] {
        let error = message(delete(&store, &id(name), false));
        assert!(error.contains("`delete --force` removes what is left"), "{error}");
        delete(&store, &id(name), true).unwrap();
    }
    assert_eq!(store.list().unwrap(), [id("web")]);
    assert_eq!(end_signal(child), None);
}

#[test]
fn an_interrupted_creation_can_be_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let record = Record { version: 1, id: "web".into(), ..Record::default() };
    store.claim(&id("web")).unwrap().write(&record).unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(state(&store, &id("web")).unwrap().status, Status::Stopped);
    assert_eq!(
        message(kill(&store, &id("web"), Signal::TERM, false)),
        "web: container not running (it was not completely created)"
    );
    delete(&store, &id("web"), false).unwrap();
    assert_eq!(store.list().unwrap(), []);
}

#[test]
fn poststop_hooks_run_once_and_their_failure_is_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let (root, ran) = (dir.path().join("root"), dir.path().join("ran"));
    let script = format!("echo once >> {}; exit 4", ran.display());
    let hook = Hook {
        path: c"/bin/sh".into(),
        args: vec![c"sh".into(), c"-c".into(), std::ffi::CString::new(script).unwrap()],
        env: Vec::new(),
        timeout: None,
    };
    let record = Record { version: 1, id: "web".into(), poststop: vec![SavedHook::from(&hook)], ..Record::default() };
    Store::open(&root).unwrap().claim(&id("web")).unwrap().write(&record).unwrap();
    let warnings = delete(&Store::open(&root).unwrap(), &id("web"), false).unwrap();
    assert_eq!(
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["hooks.poststop[0] /bin/sh: ended with status 4"]
    );
    assert_eq!(std::fs::read_to_string(ran).unwrap(), "once\n");
    assert_eq!(delete(&Store::open(&root).unwrap(), &id("web"), true).unwrap(), []);
}
