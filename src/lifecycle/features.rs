//! `features`: what onggi can do, whether or not this host can (spec: features, features-linux).

use serde_json::{Value, json};

use crate::plan::cgroup::systemd;
use crate::plan::{numa, options};

/// The version of the spec that onggi follows.
pub const SPEC_VERSION: &str = "1.3.0";

/// The features structure. It claims what works and nothing else, so it grows with onggi.
pub fn features() -> Value {
    json!({
        "ociVersionMin": "1.0.0",
        "ociVersionMax": SPEC_VERSION,
        "hooks": ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
        "mountOptions": options::names().collect::<Vec<_>>(),
        "annotations": {
            "org.onggi.version": env!("CARGO_PKG_VERSION"),
            "org.opencontainers.runc.checkpoint.enabled": "false",
        },
        // A dot at the end stands for all annotations that begin like this. They have an effect only where root allows it.
        "potentiallyUnsafeConfigAnnotations": [systemd::ANNOTATION],
        "linux": {
            "namespaces": ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"],
            "capabilities": capabilities(),
            "cgroup": { "v1": false, "v2": true, "systemd": true, "systemdUser": true, "rdma": true },
            "seccomp": seccomp(),
            "apparmor": { "enabled": true },
            "selinux": { "enabled": true },
            "memoryPolicy": {
                "modes": numa::modes().collect::<Vec<_>>(),
                "flags": numa::flags().collect::<Vec<_>>(),
            },
            "intelRdt": { "enabled": true, "schemata": true, "monitoring": true },
            "mountExtensions": { "idmap": { "enabled": true } },
            "netDevices": { "enabled": true },
        },
    })
}

/// The names of all capabilities, in order.
fn capabilities() -> Vec<String> {
    let mut all: Vec<_> = caps::all().into_iter().collect();
    all.sort_by_key(caps::Capability::index);
    all.iter().map(ToString::to_string).collect()
}

fn seccomp() -> Value {
    let flags = [
        "SECCOMP_FILTER_FLAG_LOG",
        "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
        "SECCOMP_FILTER_FLAG_TSYNC",
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
    ];
    json!({
        "enabled": true,
        "actions": [
            "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
            "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",
        ],
        "operators": [
            "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ",
            "SCMP_CMP_NE",
        ],
        "archs": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"],
        "knownFlags": flags,
        "supportedFlags": flags,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_engines_look_for() {
        let features = features();
        assert_eq!((&features["ociVersionMin"], &features["ociVersionMax"]), (&json!("1.0.0"), &json!("1.3.0")));
        let options = features["mountOptions"].as_array().unwrap();
        assert!(["rro", "idmap", "ridmap", "tmpcopyup"].iter().all(|option| options.contains(&json!(option))));
        assert_eq!(features["potentiallyUnsafeConfigAnnotations"], json!(["org.systemd.property."]));
        assert_eq!(features["linux"]["mountExtensions"]["idmap"]["enabled"], true);
        assert_eq!(features["linux"]["capabilities"][0], "CAP_CHOWN");
        assert_eq!(features["linux"]["capabilities"].as_array().unwrap().len(), 41);
    }
}
