//! Golden plans: the same config gives the same plan, today and on every machine.
//!
//! Those of the bundles lie beside their config.json, as people read them there. `make golden` rewrites them all.

use std::path::Path;

use insta::{assert_snapshot, with_settings};
use onggi::bundle::{Bundle, spec};
use onggi::plan::cgroup::Driver;
use onggi::plan::{Host, Plan, human, json};

use crate::plan_of;

fn golden(name: &str, config: &str, host: &Host) {
    let plan = plan_of(config.as_bytes().to_vec(), host).unwrap();
    with_settings!({ snapshot_path => "golden", prepend_module_to_snapshot => false, omit_expression => true }, {
        assert_snapshot!(name, human(&plan));
    });
}

/// A host with both security modules that have labels.
fn with_modules() -> Host {
    Host { apparmor: true, selinux: true, ..Host::example() }
}

#[test]
fn what_spec_writes() {
    golden("default", &spec::default(), &Host::example());
}

#[test]
fn what_spec_writes_for_an_ordinary_user() {
    golden("rootless", &spec::rootless(1000, 1000), &Host::example_user());
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "the filter always has the machine's own architecture, too")]
fn what_docker_writes() {
    golden("docker", include_str!("fixtures/docker.json"), &Host::example());
}

/// The same, where Docker's cgroup driver is systemd.
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "the filter always has the machine's own architecture, too")]
fn what_systemd_is_asked_for() {
    let mut config: serde_json::Value = serde_json::from_str(include_str!("fixtures/docker.json")).unwrap();
    config["linux"]["cgroupsPath"] = "kubepods-burstable-pod1.slice:docker:jar".into();
    config["annotations"]["org.systemd.property.TimeoutStopUSec"] = "uint64 10000000".into();
    config["annotations"]["org.systemd.property.KillSignal"] = "37".into();
    let bundle = Bundle::parse("/bundle".into(), config.to_string().into()).unwrap();
    let driver = Driver::Systemd { user: false, allowed: &["TimeoutStopUSec".to_owned()] };
    let page = human(&Plan::with(&bundle, &Host::example(), driver).unwrap());
    let cgroup = page.lines().take_while(|line| !line.contains("namespaces made"));
    with_settings!({ snapshot_path => "golden", prepend_module_to_snapshot => false, omit_expression => true }, {
        assert_snapshot!("systemd", cgroup.collect::<Vec<_>>().join("\n"));
    });
}

#[test]
fn what_podman_writes_for_an_ordinary_user() {
    // Podman's own user namespace: root in it, but not on the machine.
    let host = Host { initial: false, ..Host::example() };
    golden("podman", include_str!("fixtures/podman.json"), &host);
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "the filter always has the machine's own architecture, too")]
fn every_field() {
    golden("everything", include_str!("fixtures/everything.json"), &with_modules());
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "the filter always has the machine's own architecture, too")]
fn every_field_for_programs() {
    let plan = plan_of(include_bytes!("fixtures/everything.json").to_vec(), &with_modules()).unwrap();
    with_settings!({ snapshot_path => "golden", prepend_module_to_snapshot => false, omit_expression => true }, {
        assert_snapshot!("everything.json", format!("{:#}", json(&plan)));
    });
}

#[test]
fn every_mount_option() {
    let plan = plan_of(include_bytes!("fixtures/mounts.json").to_vec(), &Host::example()).unwrap();
    let all = human(&plan);
    let mounts: Vec<&str> = all.lines().filter(|line| line.contains('[') || line.starts_with("warning")).collect();
    with_settings!({ snapshot_path => "golden", prepend_module_to_snapshot => false, omit_expression => true }, {
        assert_snapshot!("mounts", mounts.join("\n"));
    });
}

#[test]
fn the_bundles() {
    let bundles = Path::new(env!("CARGO_MANIFEST_DIR")).join("bundles");
    for bundle in std::fs::read_dir(bundles).into_iter().flatten() {
        let directory = bundle.unwrap().path();
        let Ok(config) = std::fs::read(directory.join("config.json")) else {
            continue;
        };
        let host = if directory.ends_with("rootless") { Host::example_user() } else { Host::example() };
        let plan = plan_of(config, &host).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        with_settings!({ snapshot_path => &directory, prepend_module_to_snapshot => false, omit_expression => true }, {
            assert_snapshot!("plan", human(&plan));
        });
    }
}
