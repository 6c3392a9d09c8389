//! `update` with all controllers: what is asked holds, or nothing of it.

use serde_json::{Value, json};

use crate::kit::{has, of, read, sleeper};
use crate::support::guarded;

const FILES: [&str; 7] =
    ["memory.max", "memory.swap.max", "memory.low", "cpu.max", "cpu.weight", "cpuset.cpus", "pids.max"];

/// The last of many writes is refused: every one before it is taken back, and the message says which it was.
#[test]
fn all_or_nothing() {
    guarded(|host| {
        if !has(&["memory", "cpu", "cpuset", "pids"]) || host.lacks(&["crun", "runc"], "leaves half of it") {
            return;
        }
        let before = json!({"memory": {"limit": 64 << 20, "swap": 96 << 20, "reservation": 16 << 20}, "pids": {"limit": 30},
            "cpu": {"shares": 512, "quota": 30_000, "period": 100_000, "cpus": "0-1"}});
        let container = host.start(&sleeper(&before));
        let folder = of(container.pid());
        let says = || FILES.map(|file| read(&folder, file));
        let update = |resources: &Value| {
            host.runtime().invoke(["update", "--resources=-", "jar"]).stdin(&resources.to_string()).run()
        };
        let old = says();
        let mut asked = json!({"memory": {"limit": 48 << 20, "swap": 64 << 20, "reservation": 8 << 20}, "pids": {"limit": 20},
            "cpu": {"shares": 2048, "quota": 20_000, "period": 50_000, "cpus": "1"}});
        for (field, value, sentence) in [
            (
                "memory.oom.group",
                "7",
                "resources.unified[\"memory.oom.group\"]: the kernel refuses \"7\" for memory.oom.group",
            ),
            ("io.max", "8:240 rbps=1", "resources.unified[\"io.max\"]"),
            ("pids.nonsense", "1", "resources.unified[\"pids.nonsense\"]"),
        ] {
            asked["unified"] = json!({field: value});
            let output = update(&asked).fails_with(sentence);
            assert!(output.stderr.contains("all limits are as before"), "{output:?}");
            assert_eq!(says(), old, "{field}");
        }
        asked["unified"] = json!({"memory.oom.group": "1"});
        update(&asked).ok();
        assert_eq!(says(), ["50331648", "16777216", "8388608", "20000 50000", "174", "1", "20"]);
        assert_eq!(read(&folder, "memory.oom.group"), "1");
        container.force_delete();
    });
}
