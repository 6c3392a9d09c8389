//! config-linux.md, "Network Devices". Each test has a network namespace of its own as its host's.

use std::process::Command;

use nix::sched::{CloneFlags, unshare};
use serde_json::{Value, json};

use crate::support::{Bundle, Host, Report, guarded};

/// A bundle that is given these devices.
fn bundle(devices: Value) -> Bundle {
    Bundle::new().deeds(&["say", "ready", "sleep"]).edit(|config| {
        config["ociVersion"] = json!("1.3.0");
        config["linux"]["netDevices"] = devices;
    })
}

/// Leaves the machine's network for an empty one; says whether there is something to test, and how.
fn private_network(host: &Host) -> bool {
    if host.lacks(&["crun", "runc"], "older than netDevices") {
        return false;
    }
    if unshare(CloneFlags::CLONE_NEWNET).is_err() || !try_ip("link add here type veth peer name peer") {
        eprintln!("skipped: it takes root, iproute2 and veth devices");
        return false;
    }
    true
}

fn try_ip(words: &str) -> bool {
    Command::new("ip").args(words.split(' ')).output().is_ok_and(|done| done.status.success())
}

#[track_caller]
fn ip(words: &str) {
    assert!(try_ip(words), "ip {words}");
}

/// What `ip addr` says of a device, in this network namespace: MTU, hardware address, up, and global addresses.
fn device(namespace: &str, name: &str) -> Option<Value> {
    let target = format!("--net={namespace}");
    let shown = Command::new("nsenter").args([&target, "ip", "-j", "addr", "show", "dev", name]).output().unwrap();
    let all: Value = serde_json::from_slice(&shown.stdout).ok()?;
    let device = all.as_array()?.iter().find(|one| one["ifname"] == name)?;
    let addresses = device["addr_info"].as_array()?.iter().filter(|one| one["scope"] == "global");
    let addresses = addresses.map(|one| format!("{}/{}", one["local"].as_str().unwrap(), one["prefixlen"]));
    Some(json!({
        "mtu": device["mtu"], "address": device["address"],
        "up": device["flags"].as_array()?.contains(&json!("UP")),
        "addresses": addresses.collect::<Vec<_>>(),
    }))
}

/// The file of our own network namespace: that of this thread alone.
fn own() -> String {
    format!("/proc/{}/task/{}/ns/net", std::process::id(), nix::unistd::gettid())
}

fn ours(name: &str) -> Option<Value> {
    device(&own(), name)
}

fn prepare() -> Value {
    ip("link set here mtu 1400 address 02:00:00:00:00:07 up");
    ip("addr add 192.0.2.7/24 broadcast 192.0.2.255 dev here");
    ip("addr add 192.0.2.8/32 dev here label here:one");
    ip("-6 addr add 2001:db8::7/64 dev here nodad");
    ours("here").unwrap()
}

/// MTU, hardware address and global addresses are kept, the name is changed, and it is up, even if it was down.
#[test]
fn moved_and_renamed() {
    guarded(|host| {
        if !private_network(host) {
            return;
        }
        let before = prepare();
        assert_eq!(before["addresses"], json!(["192.0.2.7/24", "192.0.2.8/32", "2001:db8::7/64"]));
        let container = host.start(&bundle(json!({"here": {"name": "inside"}, "peer": {}})));
        let inner = format!("/proc/{}/ns/net", container.pid());
        let (inside, peer) = (device(&inner, "inside"), device(&inner, "peer"));
        let report = Report::parse(&container.exec(&[], &["report"]).ok().stdout);
        assert_eq!((ours("here"), ours("peer")), (None, None));
        container.force_delete();
        assert_eq!(inside.unwrap(), before);
        assert_eq!(peer.unwrap()["up"], true);
        let mut names: Vec<_> =
            report["network"]["interfaces"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["inside", "lo", "peer"]);
        // Virtual devices end with their network namespace.
        assert_eq!((ours("here"), ours("peer")), (None, None));
    });
}

/// A name that ends in `%d` gets the first free number, also where the host's name would do.
#[test]
fn template() {
    guarded(|host| {
        if !private_network(host) {
            return;
        }
        let before = prepare();
        let container = host.start(&bundle(json!({"here": {"name": "net%d"}, "peer": {"name": "net%d"}})));
        let inner = format!("/proc/{}/ns/net", container.pid());
        let (first, second) = (device(&inner, "net0"), device(&inner, "net1"));
        container.force_delete();
        assert_eq!(first.unwrap(), before);
        assert!(second.is_some());
    });
}

/// Into a network namespace that is there already; a name that is taken in it is refused, and nothing has moved.
#[test]
fn joined_namespace() {
    guarded(|host| {
        if !private_network(host) {
            return;
        }
        let before = prepare();
        let holder = host.start(&Bundle::new().deeds(&["say", "ready", "sleep"]));
        let file = format!("/proc/{}/ns/net", holder.pid());
        let joined = |devices| bundle(devices).namespace("network", Some(&file));
        ip(&format!("link add other type veth peer name taken netns {}", holder.pid()));
        let refused = host.runtime().run(&joined(json!({"here": {"name": "taken"}})), "other").run();
        assert_eq!(ours("here").unwrap(), before);
        let bundle = joined(json!({"here": {"name": "free"}})).deeds(&["report"]);
        let report = Report::parse(&host.runtime().run(&bundle, "other").run().ok().stdout);
        let inside = device(&file, "free");
        holder.force_delete();
        refused.fails_with("linux.netDevices[\"here\"]: the container has a network device \"taken\" already");
        assert!(report["network"]["interfaces"].as_array().unwrap().contains(&json!("free")));
        assert_eq!(inside.unwrap(), before);
    });
}

/// What fails later brings them back: names, addresses, labels, up or down.
#[test]
fn they_come_back() {
    guarded(|host| {
        if !private_network(host) {
            return;
        }
        let before = (prepare(), ours("peer"));
        let devices = json!({"here": {"name": "inside"}, "peer": {"name": "net%d"}});
        let failing_hook =
            bundle(devices.clone()).edit(|config| config["hooks"] = json!({"createRuntime": [{"path": "/bin/false"}]}));
        host.run(&failing_hook).fails_with("hooks.createRuntime[0]");
        assert_eq!((ours("here").unwrap(), ours("peer")), before);
        let missing_program = bundle(devices).edit(|config| config["process"]["args"] = json!(["/none"]));
        host.run(&missing_program).fails_with("no such file or directory");
        assert_eq!((ours("here").unwrap(), ours("peer")), before);
        // The second one can't go: the first comes back.
        ip("link add zbridge type bridge");
        let error = host.run(&bundle(json!({"here": {}, "zbridge": {}})));
        error.fails_with("linux.netDevices[\"zbridge\"]: can't be moved into the container: invalid argument");
        assert_eq!(ours("here").unwrap(), before.0);
        let labels = Command::new("ip").args(["addr", "show", "dev", "here"]).output().unwrap();
        assert!(String::from_utf8_lossy(&labels.stdout).contains("here:one"));
    });
}

/// What is not there, what is the loopback under another name, and a network namespace that is the host's.
#[test]
fn refused() {
    guarded(|host| {
        if !private_network(host) {
            return;
        }
        host.run(&bundle(json!({"none": {}})))
            .fails_with("linux.netDevices[\"none\"]: the host has no such network device");
        ip("link set lo name loop");
        host.run(&bundle(json!({"loop": {}}))).fails_with("linux.netDevices[\"loop\"]: is a loopback");
        let bundle = bundle(json!({"here": {"name": "new"}})).namespace("network", Some(&own()));
        host.run(&bundle).fails_with("linux.netDevices: the container's network namespace is the host's own");
        assert!(ours("here").is_some() && ours("new").is_none());
    });
}
