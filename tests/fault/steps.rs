//! Every step of the child that makes a container, in several kinds of containers.

use serde_json::json;

use crate::support::{Bundle, Container, guarded, guarded_rootless, settle};
use crate::sweep::{run, sweep};
use crate::{bundles, program};

const TERMINAL: [&str; 5] = ["Devpts", "Terminal", "TerminalSend", "TerminalUse", "Console"];
/// What root does itself: it opens sources before there is a child, and says when a child runs, from outside.
const SOURCES: [&str; 5] = ["RootfsSource", "MountSource", "Affinity", "Scheduler", "IoPriority"];

fn text(bundle: &Bundle) -> String {
    bundle.path().to_str().unwrap().to_owned()
}

/// Root's container with everything but a terminal.
#[test]
fn everything() {
    program::build();
    guarded(|host| {
        let runtime = program::runtime(host);
        let bundle = bundles::rich(host);
        let missed = [&["Join", "Clone", "Maps", "Root"], &SOURCES[..], &["DeviceSource"], &TERMINAL].concat();
        sweep(host, &missed, run(host, &runtime, &text(&bundle), false));
    });
}

/// With a terminal; the filter comes before the last capabilities go.
#[test]
fn terminal() {
    program::build();
    guarded(|host| {
        let runtime = program::runtime(host);
        let bundle = bundles::rich_terminal(host);
        let missed = [
            &["Join", "Clone", "Maps", "Root"],
            &SOURCES[..],
            &["DeviceSource", "CreateContainerHook", "NoNewPrivileges"],
        ]
        .concat();
        sweep(host, &missed, run(host, &runtime, &text(&bundle), true));
    });
}

/// In a user namespace of its own, which root makes.
#[test]
fn user_namespace() {
    program::build();
    guarded(|host| {
        let runtime = program::runtime(host);
        let bundle = bundles::rich_user_namespace(host);
        let missed = [&["Join", "Clone"], &SOURCES[..], &TERMINAL].concat();
        sweep(host, &missed, run(host, &runtime, &text(&bundle), false));
    });
}

/// An ordinary user's.
#[test]
fn rootless() {
    program::build();
    guarded_rootless(|host| {
        let runtime = program::runtime(host);
        let (uid, gid) = host.user();
        let bundle = Bundle::rootless(uid, gid).deeds(&["exit", "0"]).namespace("time", None).edit(|config| {
            config["process"]["scheduler"] = json!({"policy": "SCHED_IDLE"});
            config["process"]["ioPriority"] = json!({"class": "IOPRIO_CLASS_IDLE", "priority": 0});
        });
        let missed = [
            &["Affinity", "Join", "Clone", "TimeOffsets", "Personality", "Loopback", "Domainname", "Hooks", "Sysctl"],
            &TERMINAL[..],
            &["CreateContainerHook", "MemoryPolicy", "Ambient", "StartContainerHook", "Seccomp"],
        ]
        .concat();
        sweep(host, &missed, run(host, &runtime, &text(&bundle), false));
    });
}

/// In the namespaces of another container.
#[test]
fn joined() {
    program::build();
    guarded(|host| {
        let runtime = program::runtime(host);
        let other = Container::launch(&runtime, &["create"], &Bundle::new().deeds(&["sleep"]), "other");
        let kinds = [("network", "net"), ("ipc", "ipc"), ("uts", "uts"), ("pid", "pid"), ("cgroup", "cgroup")];
        let bundle = bundles::rich_joined(host, other.pid(), &kinds);
        let missed = [
            &["Maps", "Root", "Loopback", "Hostname", "Domainname"],
            &SOURCES[..],
            &["DeviceSource", "Sysctl"],
            &TERMINAL,
        ]
        .concat();
        sweep(host, &missed, run(host, &runtime, &text(&bundle), false));
        other.force_delete();
        settle();
    });
}

/// In the pid namespace of another container, which it is born into last: there are no hooks that want to run in there before.
#[test]
fn born_last() {
    program::build();
    guarded(|host| {
        let runtime = program::runtime(host);
        let other = Container::launch(&runtime, &["create"], &Bundle::new().deeds(&["sleep"]), "other");
        let bundle = bundles::rich_joined(host, other.pid(), &[("pid", "pid")])
            .edit(|config| drop(config["hooks"].as_object_mut().unwrap().remove("createContainer")));
        let missed = [
            &["Maps", "Root", "Hostname", "Domainname"],
            &SOURCES[..],
            &["DeviceSource", "Sysctl", "CreateContainerHook"],
            &TERMINAL,
        ]
        .concat();
        sweep(host, &missed, run(host, &runtime, &text(&bundle), false));
        other.force_delete();
        settle();
    });
}

/// In the user namespace of another container, and some that belong to it: what is new must belong to it as well.
#[test]
fn joined_user_namespace() {
    program::build();
    guarded(|host| {
        let runtime = program::runtime(host);
        let owner = bundles::rich_user_namespace(host).deeds(&["sleep"]);
        let other = Container::launch(&runtime, &["create"], &owner, "other");
        let kinds = [("user", "user"), ("network", "net"), ("ipc", "ipc"), ("uts", "uts")];
        let bundle = bundles::rich_joined(host, other.pid(), &kinds).edit(|config| {
            config["linux"]["devices"] = serde_json::json!([]);
            config["process"]["cwd"] = serde_json::json!("/");
        });
        let missed = [&["Maps", "Loopback", "Hostname", "Domainname"], &SOURCES[..], &["Sysctl"], &TERMINAL].concat();
        sweep(host, &missed, run(host, &runtime, &text(&bundle), false));
        other.force_delete();
        settle();
    });
}
