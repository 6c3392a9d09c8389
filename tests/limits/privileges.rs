//! What needs CAP_SYS_RESOURCE on the host, and is seldom to be had where tests run.

use serde_json::json;

use crate::support::{Bundle, guarded, skipped};

/// Whether this process has CAP_SYS_RESOURCE. If not the test is to be left.
fn may() -> bool {
    const SYS_RESOURCE: u64 = 1 << 24;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    let may = u64::from_str_radix(mask.trim(), 16).unwrap() & SYS_RESOURCE != 0;
    assert!(may || std::env::var_os("ONGGI_VM").is_none(), "the virtual machine is to have CAP_SYS_RESOURCE");
    if !may {
        skipped("CAP_SYS_RESOURCE is not to be had on this machine");
    }
    may
}

/// A hard limit above the runtime's own.
#[test]
fn hard_limits_are_raised() {
    guarded(|host| {
        if !may() {
            return;
        }
        let bundle = Bundle::new().edit(|config| {
            config["process"]["rlimits"] = json!([
                {"type": "RLIMIT_NOFILE", "soft": 700_000, "hard": 900_000},
                {"type": "RLIMIT_MEMLOCK", "soft": 1_u64 << 40, "hard": 1_u64 << 41},
            ]);
        });
        let report = host.report(&bundle);
        assert_eq!(report["rlimits"]["RLIMIT_NOFILE"], json!({"soft": 700_000, "hard": 900_000}));
        assert_eq!(report["rlimits"]["RLIMIT_MEMLOCK"], json!({"soft": 1_u64 << 40, "hard": 1_u64 << 41}));
    });
}

/// An oom_score_adj below the runtime's own, and the runtime's own as before.
#[test]
fn oom_score_adj_is_lowered() {
    guarded(|host| {
        if !may() {
            return;
        }
        let bundle = Bundle::new()
            .deeds(&["report", "--read", "/proc/self/oom_score_adj"])
            .edit(|config| config["process"]["oomScoreAdj"] = json!(-700));
        let report = host.report(&bundle);
        assert_eq!(report["reads"]["/proc/self/oom_score_adj"], "-700\n");
        assert_eq!(std::fs::read_to_string("/proc/self/oom_score_adj").unwrap().trim(), "0");
    });
}
