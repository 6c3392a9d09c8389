//! An ordinary user, whose own systemd makes the cgroups.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::kit::{ask, is_there, of, read, tell};
use crate::support::{Bundle, Runtime};

const UID: u32 = 1000;
const MANAGER: &str = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service";

/// The user's systemd runs; their onggi, in a folder of its own.
fn user(folder: &tempfile::TempDir) -> Runtime {
    tell("loginctl", &["enable-linger", "jar"]);
    tell("systemctl", &["start", "user@1000.service"]);
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let state = folder.path().join("state");
    std::fs::create_dir(&state).unwrap();
    std::os::unix::fs::chown(&state, Some(UID), Some(UID)).unwrap();
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o700)).unwrap();
    let program = folder.path().join("onggi");
    std::fs::copy(env!("CARGO_BIN_EXE_onggi"), &program).unwrap();
    Runtime::for_user(UID, UID, program, state)
}

fn bundle(name: &str) -> Bundle {
    Bundle::rootless(UID, UID).deeds(&["say", "ready", "sleep"]).edit(|config| {
        config["linux"]["cgroupsPath"] = json!(format!("user.slice:libpod:{name}"));
        config["linux"]["resources"] = json!({"memory": {"limit": 67_108_864}, "pids": {"limit": 20}});
    })
}

/// Without systemd's own socket the session's bus serves.
#[test]
fn over_the_sessions_bus() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = user(&folder);
    let bundle = bundle("bus");
    let words = format!(
        "mount --bind /dev/null /run/user/1000/systemd/private && exec setpriv --reuid 1000 --regid 1000 --clear-groups \
         env XDG_RUNTIME_DIR=/run/user/1000 sh -c '\
         onggi=\"{} --root {}\"; $onggi --systemd-cgroup run --detach --bundle {} bus </dev/null >/dev/null && \
         systemctl --user show --property=ActiveState libpod-bus.scope && $onggi delete --force bus && \
         systemctl --user show --property=LoadState libpod-bus.scope'",
        runtime.program().display(),
        runtime.root().display(),
        bundle.path().display()
    );
    assert_eq!(tell("unshare", &["--mount", "sh", "-c", &words]), "ActiveState=active\nLoadState=not-found");
}

/// From a place of which nothing is delegated to them, as a login is.
#[test]
fn session() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = user(&folder);
    let bundle = bundle("session");
    let pid_file = bundle.path().join("pid");
    let call = |words: &[&str]| {
        runtime.invoke(words.iter().copied()).with(|command| {
            command.env("XDG_RUNTIME_DIR", "/run/user/1000").env_remove("DBUS_SESSION_BUS_ADDRESS");
        })
    };
    let path = bundle.path().to_str().unwrap().to_owned();
    let null = || std::fs::File::options().write(true).open("/dev/null").unwrap();
    let words =
        ["--systemd-cgroup", "run", "--detach", "--bundle", &path, "--pid-file", pid_file.to_str().unwrap(), "session"];
    call(&words).with(|command| _ = command.stdout(null())).run().ok();
    let pid: i32 = std::fs::read_to_string(&pid_file).unwrap().parse().unwrap();
    let cgroup = of(pid);
    assert_eq!(cgroup, std::path::Path::new(MANAGER).join("user.slice/libpod-session.scope"));
    assert_eq!((read(&cgroup, "memory.max"), read(&cgroup, "pids.max")), ("67108864".into(), "20".into()));
    call(&["exec", "session", "/payload", "exit", "6"]).run().status(6);
    let unit = |properties: &str| {
        tell("systemctl", &["--user", "--machine=jar@.host", "show", "libpod-session.scope", properties])
    };
    assert_eq!(unit("--property=ActiveState"), "ActiveState=active");
    assert_eq!(unit("--property=MemoryMax"), "MemoryMax=67108864");
    call(&["delete", "--force", "session"]).run().ok();
    assert_eq!(unit("--property=LoadState"), "LoadState=not-found");
    assert!(!cgroup.exists());
}

/// Without the driver, from a place that is nobody's: refused with a remedy, and the remedy helps.
#[test]
fn delegation_as_the_message_says() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = user(&folder);
    let bundle = bundle("none").edit(|config| _ = config["linux"].as_object_mut().unwrap().remove("cgroupsPath"));
    let onggi = format!("{} --root {}", runtime.program().display(), runtime.root().display());
    // A file, as the container goes on with it.
    let said = folder.path().join("said");
    let call = |before: &str, words: &str| {
        let line = format!(
            "cd / && exec setpriv --reuid 1000 --regid 1000 --clear-groups env XDG_RUNTIME_DIR=/run/user/1000 \
             DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus {before} {onggi} {words} </dev/null 2>{said} >/dev/null",
            said = said.display()
        );
        let (success, _) = ask("sh", &["-c", &line]);
        (success, std::fs::read_to_string(&said).unwrap())
    };
    let path = bundle.path().to_str().unwrap().to_owned();
    let run = format!("run --detach --pid-file {path}/pid --bundle {path} remedied");
    let remedy = "systemd-run --user --scope -p Delegate=yes";
    let (success, said) = call("", &run);
    assert!(!success && said.contains("linux.resources.memory.limit") && said.contains(remedy), "{said}");
    let (success, said) = call(remedy, &run);
    assert!(success, "{said}");
    let cgroup = of(std::fs::read_to_string(bundle.path().join("pid")).unwrap().parse().unwrap());
    assert!(cgroup.starts_with(MANAGER), "{}", cgroup.display());
    assert_eq!((read(&cgroup, "memory.max"), read(&cgroup, "pids.max")), ("67108864".into(), "20".into()));
    let (success, said) = call("", "delete --force remedied");
    assert!(success && !cgroup.exists(), "{said}");
}

/// Without a session: which variables would have said where their systemd is.
#[test]
fn no_session() {
    if !is_there() {
        return;
    }
    let bundle = Bundle::rootless(65534, 65534);
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let program = folder.path().join("onggi");
    std::fs::copy(env!("CARGO_BIN_EXE_onggi"), &program).unwrap();
    let runtime = Runtime::for_user(65534, 65534, program, folder.path().join("state"));
    let path = bundle.path().to_str().unwrap().to_owned();
    let output = runtime.invoke(["--systemd-cgroup", "run", "--bundle", &path, "nobody"]).with(|command| {
        command.env_remove("XDG_RUNTIME_DIR").env_remove("DBUS_SESSION_BUS_ADDRESS");
    });
    let output = output.run().fails_with("neither XDG_RUNTIME_DIR nor DBUS_SESSION_BUS_ADDRESS says where it is");
    assert!(output.stderr.contains("loginctl enable-linger"), "{output:?}");
}
