//! Properties that annotations ask for.

use serde_json::json;

use crate::kit::{is_there, onggi, show, sleeper, start};

/// They are set where root's configuration allows them by name, and said where not.
#[test]
fn only_by_roots_leave() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = onggi(&folder);
    let bundle = sleeper("system.slice:libpod:annotated").edit(|config| {
        config["annotations"] =
            json!({"org.systemd.property.KillSignal": "37", "org.systemd.property.TimeoutStopUSec": "uint64 10000000"});
    });
    let shown = || {
        let container = start(&runtime, &bundle, "annotated");
        let shown = show("libpod-annotated.scope", &["KillSignal", "TimeoutStopUSec"]);
        container.force_delete();
        let mut lines: Vec<_> = shown.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines.join(" ")
    };
    assert_eq!(shown(), "KillSignal=15 TimeoutStopUSec=1min 30s");
    let path = bundle.path().to_str().unwrap().to_owned();
    let plan = runtime.call(["--systemd-cgroup", "plan", "--bundle", &path]).ok();
    assert!(plan.stdout.contains("annotations[\"org.systemd.property.KillSignal\"]: not applied"), "{}", plan.stdout);
    std::fs::create_dir_all("/etc/onggi").unwrap();
    std::fs::write("/etc/onggi/systemd-properties", "# for containers with systemd inside\nTimeoutStopUSec\n").unwrap();
    assert_eq!(shown(), "KillSignal=15 TimeoutStopUSec=10s");
    std::fs::remove_dir_all("/etc/onggi").unwrap();
}
