//! config-linux.md, "CPU".

use serde_json::json;

use crate::kit::{has, has_file, keyed, limited, of, read, start_as, until, written};
use crate::support::guarded;

/// Each field's file and its value there.
#[test]
fn every_field_is_written() {
    guarded(|host| {
        if !has(&["cpu", "cpuset"]) {
            return;
        }
        let cpu = json!({"cpu": {"shares": 2048, "quota": 30_000, "period": 50_000, "burst": 10_000, "cpus": "0", "mems": "0"}});
        let files = ["cpu.weight", "cpu.max", "cpu.max.burst", "cpuset.cpus", "cpuset.mems"];
        assert_eq!(written(host, &cpu, files), ["174", "30000 50000", "10000", "0", "0"]);
        let cpu = json!({"cpu": {"idle": 1, "shares": 512, "quota": -1}});
        assert_eq!(written(host, &cpu, ["cpu.idle", "cpu.weight", "cpu.max"]), ["1", "0", "max 100000"]);
        let [weight] = written(host, &json!({"cpu": {"shares": 2}}), ["cpu.weight"]);
        assert_eq!(weight, "1");
    });
}

/// A hog under a quota of a tenth is throttled, and gets no more than that, with some room for the clock.
#[test]
fn quota_is_felt() {
    guarded(|host| {
        if !has(&["cpu"]) {
            return;
        }
        let container = start_as(host, &limited(&json!({"cpu": {"quota": 5_000, "period": 50_000}}), &["spin"]), "jar");
        let folder = of(container.pid());
        // What was used before the first period, while the container was made, counts as well; and an emulator that stands
        // still while it spins looks like use, which later periods make up for.
        until("throttled ten times, and it had a quarter at most", || {
            let count = |key| keyed(&folder, "cpu.stat", key);
            count("nr_throttled") >= 10 && count("usage_usec") < count("nr_periods") * 50_000 / 4
        });
        container.force_delete();
    });
}

/// A burst lets a container use what it saved: the kernel counts it.
#[test]
fn burst_is_felt() {
    guarded(|host| {
        if !has(&["cpu"]) {
            return;
        }
        let cpu = json!({"cpu": {"quota": 20_000, "period": 100_000, "burst": 20_000}});
        let container = start_as(host, &limited(&cpu, &["spin"]), "jar");
        let folder = of(container.pid());
        until("a burst", || {
            keyed(&folder, "cpu.stat", "nr_bursts") > 0 || keyed(&folder, "cpu.stat", "nr_throttled") > 0
        });
        assert!(keyed(&folder, "cpu.stat", "burst_usec") <= 20_000 * keyed(&folder, "cpu.stat", "nr_periods"));
        container.force_delete();
    });
}

/// Two hogs on one processor share it by their weights.
#[test]
fn weight_is_felt() {
    guarded(|host| {
        if !has(&["cpu", "cpuset"]) {
            return;
        }
        let start = |id, cpu: serde_json::Value| {
            let mut cpu = cpu;
            cpu["cpus"] = json!("0");
            start_as(host, &limited(&json!({"cpu": cpu}), &["spin"]), id)
        };
        for (heavy, light) in [(json!({"shares": 10_240}), json!({"shares": 102})), (json!({}), json!({"idle": 1}))] {
            let (heavy, light) = (start("heavy", heavy), start("light", light));
            let folders = [of(heavy.pid()), of(light.pid())];
            let used = || folders.each_ref().map(|folder| keyed(folder, "cpu.stat", "usage_usec"));
            let before = used();
            until("the heavy one had a second", || used()[0] >= before[0] + 1_000_000);
            let after = used();
            let (heavy_used, light_used) = (after[0] - before[0], after[1] - before[1]);
            assert!(heavy_used > 4 * light_used, "{heavy_used} and {light_used} microseconds");
            heavy.force_delete();
            light.force_delete();
        }
    });
}

/// The container's memory lies in this node only.
#[test]
fn mems_is_felt() {
    guarded(|host| {
        if !has(&["cpuset", "memory"]) || !has_file("/sys/devices/system/node/node1") {
            return;
        }
        for node in 0..2 {
            let resources = json!({"cpu": {"mems": node.to_string()}});
            let mut container = start_as(host, &limited(&resources, &["eat", "12", "say", "ready", "sleep"]), "jar");
            assert_eq!(container.line(), "ready");
            // Counted some time later.
            until(&format!("all of it is on node {node}"), || {
                let text = read(&of(container.pid()), "memory.numa_stat");
                let anon = text.lines().find_map(|line| line.strip_prefix("anon ")).unwrap();
                let amounts: Vec<u64> =
                    anon.split(' ').map(|word| word.split_once('=').unwrap().1.parse().unwrap()).collect();
                amounts[node] >= 12 << 20 && amounts[1 - node] < 1 << 20
            });
            container.force_delete();
        }
    });
}

/// The container runs on these processors only; ones that are not there are refused by name.
#[test]
fn cpuset_is_felt() {
    guarded(|host| {
        if !has(&["cpuset"]) || !has_file("/sys/devices/system/cpu/cpu1") {
            return;
        }
        let bundle = limited(&json!({"cpu": {"cpus": "1"}}), &["report", "--read", "/proc/self/status"]);
        let report = host.report(&bundle);
        let status = report["reads"]["/proc/self/status"].as_str().unwrap();
        assert!(status.contains("Cpus_allowed_list:\t1\n"), "{status}");
        let output = host.run(&limited(&json!({"cpu": {"cpus": "4000"}}), &["exit", "0"]));
        let output = output.fails_with("linux.resources.cpu.cpus");
        assert!(output.stderr.contains("can be used here"), "{output:?}");
    });
}
