//! Values in the config and on the command line that want to be paths elsewhere, or too much.

use serde_json::{Value, json};

use crate::support::{Bundle, Container, guarded};

/// GHSA-5g49-rx9x-qfc6: names in `unified` are files of the container's own cgroup, and none that moves processes.
#[test]
fn ghsa_5g49_unified() {
    guarded(|host| {
        for name in ["../../x/memory.max", "memory.max/../cgroup.procs", "/etc/x.y", "cgroup.procs", "memory..max"] {
            let bundle = Bundle::new().edit(|config| config["linux"]["resources"]["unified"] = json!({name: "1"}));
            host.run(&bundle).fails_with("unified");
        }
    });
}

/// The cgroup of `exec` is the container's or one below it.
#[test]
fn exec_cgroup() {
    guarded(|host| {
        let bundle = Bundle::new().deeds(&["sleep"]);
        let container = Container::launch(host.runtime(), &["run", "--detach"], &bundle, "jar");
        for path in ["../jar-suffix", "a/../../jar2", "..", "/../x", "./x", "a//b"] {
            container.exec(&["--cgroup", path], &["report"]).fails_with("--cgroup");
        }
        container.force_delete();
    });
}

/// CVE-2022-0811: a parameter of the whole machine, by its name or behind one that is allowed.
#[test]
fn cve_2022_0811_sysctl() {
    guarded(|host| {
        let names = [
            "kernel.core_pattern",
            "net/../kernel/core_pattern",
            "net.ipv4/../../kernel.core_pattern",
            "kernel/shmmax/../core_pattern",
            "net.ipv4.conf.x+kernel.core_pattern=|/evil",
            "net//ipv4/ip_forward",
        ];
        for name in names {
            let bundle = Bundle::new().edit(|config| config["linux"]["sysctl"] = json!({name: "1"}));
            host.run(&bundle).fails_with("linux.sysctl");
        }
    });
}

/// CVE-2021-43784: too many mappings are an error, and long values arrive whole.
#[test]
fn cve_2021_43784_lengths() {
    guarded(|host| {
        for count in [341_u32, 10_000] {
            let maps: Vec<Value> =
                (0..count).map(|id| json!({"containerID": id, "hostID": 2 * id, "size": 1})).collect();
            let bundle = Bundle::new().namespace("user", None).edit(|config| {
                config["linux"]["uidMappings"] = json!(maps);
                config["linux"]["gidMappings"] = json!(maps);
            });
            host.run(&bundle).fails_with("linux.uidMappings");
        }
        for length in [65_534, 65_535, 65_536, 65_537, 70_000] {
            let bundle = Bundle::new().edit(|config| {
                config["annotations"] = json!({"long": "x".repeat(length)});
                config["process"]["env"] = json!([format!("LONG={}", "x".repeat(length)), "END=1"]);
            });
            let report = host.report(&bundle);
            assert_eq!(report.env("LONG").map(str::len), Some(length));
            assert_eq!(report.env("END"), Some("1"));
        }
    });
}
