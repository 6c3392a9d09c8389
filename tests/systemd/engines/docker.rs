//! Docker, with either driver of cgroups.

use std::path::{Path, PathBuf};

use super::{IMAGE, RUNTIME, cgroup, prepare, properties, says, shell};
use crate::kit::{ask, is_gone, is_there, show, tell, until};

/// A container with a limit of every kind.
const LIMITED: &str = "--network none --memory 64m --memory-swap 96m --memory-reservation 32m --cpus 0.5 --cpu-shares 512 \
                       --cpuset-cpus 1 --pids-limit 77 busybox sleep 1000";

/// Starts dockerd, onggi as its default runtime, and gives it the image.
fn start(driver: &str) {
    prepare();
    let config = format!(
        r#"{{"runtimes": {{"onggi": {{"path": "{RUNTIME}"}}}}, "default-runtime": "onggi", "iptables": false,
            "bridge": "none", "storage-driver": "overlay2", "exec-opts": ["native.cgroupdriver={driver}"]}}"#
    );
    std::fs::create_dir_all("/etc/docker").unwrap();
    std::fs::write("/etc/docker/daemon.json", config).unwrap();
    tell("systemctl", &["start", "docker"]);
    shell(&format!("docker image inspect busybox || docker import {IMAGE} busybox"));
    assert_eq!(
        shell("docker info --format '{{.CgroupDriver}} {{.CgroupVersion}} {{.DefaultRuntime}}'"),
        format!("{driver} 2 onggi")
    );
}

fn stop() {
    tell("systemctl", &["stop", "docker.socket", "docker", "containerd"]);
    // Other tests have units that fail on purpose.
    let ours = ["list-units", "--failed", "--no-legend", "docker.socket", "docker.service", "containerd.service"];
    assert_eq!(tell("systemctl", &ours), "");
}

fn inspect(name: &str, field: &str) -> String {
    shell(&format!("docker inspect --format '{{{{{field}}}}}' {name}"))
}

fn of(name: &str) -> PathBuf {
    cgroup(&inspect(name, ".State.Pid"))
}

/// What is asked whatever the driver: limits read back, changed, and felt.
fn limits(place: impl Fn(&str) -> PathBuf) {
    let id = shell(&format!("docker run -d --name limited {LIMITED}"));
    let cgroup = of("limited");
    assert_eq!(cgroup, place(&id));
    says(
        &cgroup,
        &[
            ("memory.max", "67108864"),
            ("memory.swap.max", "33554432"),
            ("memory.low", "33554432"),
            ("cpu.max", "50000 100000"),
            ("cpu.weight", "59"),
            ("cpuset.cpus", "1"),
            ("pids.max", "77"),
        ],
    );
    assert_eq!(shell("docker exec limited grep Cpus_allowed_list /proc/self/status"), "Cpus_allowed_list:\t1");
    shell("docker update --memory 48m --memory-swap 64m --cpus 0.25 --pids-limit 55 limited");
    says(
        &cgroup,
        &[
            ("memory.max", "50331648"),
            ("memory.swap.max", "16777216"),
            ("cpu.max", "25000 100000"),
            ("pids.max", "55"),
            ("cpu.weight", "59"),
            ("cpuset.cpus", "1"),
        ],
    );
    out_of_memory();
}

/// Killed for want of memory is what Docker says of a container, and 137 its status. (Docker learns of the two in ways of
/// their own: here the container does not end before the first is known.)
fn out_of_memory() {
    let eats = "tail /dev/zero; status=$?; until [ -e /go ]; do sleep 0.1; done; exit $status";
    shell(&format!("docker run -d --name oom --network none -m 16m --memory-swap 16m busybox sh -c '{eats}'"));
    let told = "docker events --since 1h --until 0s --filter event=oom --filter container=oom";
    until("Docker knows of the kill", || !shell(told).is_empty());
    shell("docker exec oom touch /go");
    assert_eq!(shell("docker wait oom"), "137");
    assert_eq!(inspect("oom", ".State.OOMKilled"), "true");
}

/// What Docker counts of a container with limits, and a fork that is refused.
fn counted_and_felt() {
    let stats = shell("docker stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' limited");
    assert!(stats.ends_with("/ 48MiB 1"), "{stats}");
    let forks =
        "docker run --rm --network none --pids-limit 10 busybox sh -c 'for i in $(seq 20); do sleep 1000 & done' 2>&1";
    let (_, ran) = ask("sh", &["-c", forks]);
    assert!(ran.contains("can't fork: Resource temporarily unavailable"), "{ran}");
}

/// With systemd's: the scope is what it is with runc, knows of changed limits, and is gone with the container.
#[test]
fn by_systemd_then_by_files() {
    if !is_there() {
        return;
    }
    start("systemd");
    limits(|id| PathBuf::from(format!("/sys/fs/cgroup/system.slice/docker-{id}.scope")));
    counted_and_felt();
    let unit = |name: &str| format!("docker-{}.scope", inspect(name, ".Id"));
    let ours = unit("limited");
    tell("systemctl", &["daemon-reload"]);
    says(&of("limited"), &[("memory.max", "50331648"), ("cpu.max", "25000 100000"), ("pids.max", "55")]);
    let shown = show(&ours, &["MemoryMax", "CPUQuotaPerSecUSec", "TasksMax"]);
    let mut shown: Vec<_> = shown.lines().collect();
    shown.sort_unstable();
    assert_eq!(shown, ["CPUQuotaPerSecUSec=250ms", "MemoryMax=50331648", "TasksMax=55"]);
    for (name, runtime) in [("same", "onggi"), ("other", "runc")] {
        shell(&format!("docker run -d --name {name} --runtime {runtime} {LIMITED}"));
    }
    assert_eq!(properties(&unit("same")), properties(&unit("other")));
    shell("docker pause same && docker unpause same && docker rm -f limited same other oom");
    until("the scope is gone", || show(&ours, &["LoadState"]) == "LoadState=not-found");
    is_gone(&ours);
    shell("docker save busybox | ctr image import -");
    super::containerd::limits();
    stop();

    start("cgroupfs");
    limits(|id| Path::new("/sys/fs/cgroup/docker").join(id));
    shell("docker rm -f limited oom");
    stop();
}
