//! Podman: as root, with a pod, and as an ordinary user with a session.

use std::path::{Path, PathBuf};

use super::{IMAGE, RUNTIME, cgroup, prepare, says, shell};
use crate::kit::{ask, is_gone, is_there, show, tell};

const LIMITED: &str = "--network none --memory 64m --memory-swap 96m --cpus 0.5 --pids-limit 77 busybox sleep 1000";

/// Podman's configuration is for all users.
fn configure() {
    prepare();
    let config = format!(
        "[containers]\nlog_driver = \"k8s-file\"\n[engine]\nruntime = \"onggi\"\nruntime_supports_json = [\"onggi\"]\n\
         cgroup_manager = \"systemd\"\nevents_logger = \"file\"\n[engine.runtimes]\nonggi = [\"{RUNTIME}\"]\n"
    );
    std::fs::create_dir_all("/etc/containers").unwrap();
    std::fs::write("/etc/containers/containers.conf", config).unwrap();
}

/// As root: the scope in machine.slice, limits changed and felt; a pod is a slice of its own with a limit for all of it.
#[test]
fn as_root() {
    if !is_there() {
        return;
    }
    configure();
    shell(&format!("podman import -q {IMAGE} busybox"));
    let id = shell(&format!("podman run -d --name limited --cpuset-cpus 1 {LIMITED}"));
    let of = |name: &str| cgroup(&shell(&format!("podman inspect --format '{{{{.State.Pid}}}}' {name}")));
    let unit = format!("libpod-{id}.scope");
    let limited = of("limited");
    assert!(limited.starts_with(Path::new("/sys/fs/cgroup/machine.slice").join(&unit)), "{}", limited.display());
    let expected = [
        ("memory.max", "67108864"),
        ("memory.swap.max", "33554432"),
        ("cpu.max", "50000 100000"),
        ("pids.max", "77"),
        ("cpuset.cpus", "1"),
    ];
    says(&limited, &expected);
    assert_eq!(show(&unit, &["MemoryMax"]), "MemoryMax=67108864");
    let (_, ran) = ask(
        "sh",
        &[
            "-c",
            "podman run --name oom --network none -m 16m --memory-swap 16m busybox sh -c 'tail /dev/zero; exit $?'; echo $?",
        ],
    );
    assert!(ran.lines().any(|line| line == "137"), "{ran}");
    let pod = shell("podman pod create --name pod --network none --memory 128m --cpus 1.5");
    shell(&format!("podman run -d --name inside --pod pod {}", LIMITED.replace("--network none ", "")));
    let inside = of("inside");
    let slice = PathBuf::from(format!("/sys/fs/cgroup/machine.slice/machine-libpod_pod_{pod}.slice"));
    assert!(inside.starts_with(&slice), "{} below {}", inside.display(), slice.display());
    says(&slice, &[("memory.max", "134217728"), ("cpu.max", "150000 100000")]);
    says(&inside, &expected[..4]);
    shell("podman pause inside && podman unpause inside && podman pod rm -f -t 0 pod && podman rm -f -t 0 limited oom");
    assert!(!slice.exists());
    is_gone(&unit);
}

/// An ordinary user with a session: their own systemd makes the scope, with the limits that are delegated to them.
#[test]
fn as_a_user() {
    if !is_there() {
        return;
    }
    configure();
    tell("loginctl", &["enable-linger", "jar"]);
    tell("systemctl", &["start", "user@1000.service"]);
    let call = |line: &str| {
        shell(&format!(
            "cd /home/jar && exec setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/home/jar XDG_RUNTIME_DIR=/run/user/1000 \
             DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus podman --storage-driver overlay {line}"
        ))
    };
    call(&format!("import -q {IMAGE} busybox"));
    let line = "run -d --name mine --network none --memory 64m --memory-swap 96m --pids-limit 77 busybox sleep 1000";
    let id = call(line);
    let id = id.lines().last().unwrap();
    let mine = cgroup(&call("inspect --format '{{.State.Pid}}' mine"));
    let slice = Path::new("/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/user.slice");
    assert!(mine.starts_with(slice.join(format!("libpod-{id}.scope"))), "{}", mine.display());
    says(&mine, &[("memory.max", "67108864"), ("memory.swap.max", "33554432"), ("pids.max", "77")]);
    call("exec mine true");
    call("rm -f -t 0 mine");
    assert!(!mine.exists());
    call("system migrate");
}
