//! Pods: what their containers share, and what they have of the host.

use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use super::{Pod, SLEEPING, call, same, secured, text};
use crate::command::{Verdict, at_once, failed};
use crate::containerd::SOCKET;
use crate::cri::Cri;
use crate::cri::websocket::WebSocket;
use crate::engine::Engine;

/// Answers each connection with a line.
const SERVER: &str = "echo ready; while :; do echo hello | nc -l -p 8080; done";

fn links(kinds: &str) -> String {
    format!("for n in {kinds}; do readlink /proc/self/ns/$n; done")
}

pub fn life(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({"labels": {"app": "tests"}}))?;
    let status = pod.status()?;
    let right = status["state"] == "SANDBOX_READY"
        && status["runtime_handler"] == "onggi"
        && status["labels"]["app"] == "tests"
        && status["network"]["ip"].as_str().is_some_and(|ip| ip.starts_with("10.78."));
    if !right {
        return Err(failed(format!("not a ready pod of onggi with an address: {status}")));
    }
    let name = json!({"pod_sandbox_id": pod.id});
    call(e, "StopPodSandbox", &name)?;
    same(&text(&pod.status()?, "/state")?, "SANDBOX_NOTREADY")?;
    call(e, "StopPodSandbox", &name)?;
    call(e, "RemovePodSandbox", &name)?;
    call(e, "RemovePodSandbox", &name)?;
    let refused = e.driver.cri()?.try_call("PodSandboxStatus", &name)?;
    match refused {
        Err(no) if no.code == "NOT_FOUND" => Ok(()),
        other => Err(failed(format!("expected NOT_FOUND: {other:?}"))),
    }
}

pub fn unknown_handler(e: &Engine) -> Verdict {
    let config = json!({"metadata": {"name": "pod", "uid": "uid", "namespace": "tests"}});
    let answer = e.driver.cri()?.try_call("RunPodSandbox", &json!({"config": config, "runtime_handler": "potter"}))?;
    match answer {
        Err(no) if no.message.contains("potter") => Ok(()),
        other => Err(failed(format!("expected to hear of \"potter\": {other:?}"))),
    }
}

pub fn shared(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let first = pod.ready("first", SERVER, json!({}))?;
    let second = pod.ready("second", SLEEPING, json!({}))?;
    let shared = links("net ipc uts");
    same(&first.prints(&shared)?, &second.prints(&shared)?)?;
    let own = links("pid mnt");
    if first.prints(&own)? == second.prints(&own)? {
        return Err(failed("pid and mount namespaces are the same"));
    }
    same(&second.prints("hostname")?, "pod")?;
    e.until("the server answers", || Ok(second.exec("nc 127.0.0.1 8080 </dev/null")?.1.trim() == "hello"))?;
    second.prints("echo shared >/dev/shm/file")?;
    same(&first.prints("cat /dev/shm/file")?, "shared")
}

pub fn one_pid_namespace(e: &Engine) -> Verdict {
    let pod = Pod::run(e, secured(json!({"namespace_options": {"pid": "POD"}})))?;
    let together = secured(json!({"namespace_options": {"pid": "POD"}}));
    let first = pod.ready("first", "echo ready; exec sleep 2000", together.clone())?;
    let second = pod.ready("second", SLEEPING, together)?;
    let seen = second.prints("ps")?;
    if !seen.contains("sleep 2000") || !seen.contains("sleep 100000000") {
        return Err(failed(format!("expected the other and the pod's own process:\n{seen}")));
    }
    // The pod's process is 1, so the end of one container is not that of the others.
    first.call("StopContainer", json!({"timeout": 0}))?;
    first.is("exit_code", 137)?;
    second.prints("true").map(drop)
}

pub fn target_pid(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let first = pod.ready("first", "echo ready; exec sleep 2000", json!({}))?;
    let target = secured(json!({"namespace_options": {"pid": "TARGET", "target_id": first.id}}));
    let seen = pod.prints("second", "ps", target)?;
    if seen.contains("sleep 2000") { Ok(()) } else { Err(failed(format!("does not see the other:\n{seen}"))) }
}

pub fn host_namespaces(e: &Engine) -> Verdict {
    let options = json!({"network": "NODE", "pid": "NODE", "ipc": "NODE"});
    // Nor has it a host name of its own then, as kubelet has it.
    let options = secured(json!({"namespace_options": options}));
    let mut config = options.clone();
    config["hostname"] = json!("");
    let pod = Pod::run(e, config)?;
    let is = pod.prints("one", &links("net pid ipc"), options)?;
    same(&is, e.shell(&links("net pid ipc"))?.succeeds()?.text())
}

pub fn sysctls(e: &Engine) -> Verdict {
    let sysctls = json!({"kernel.shm_rmid_forced": "1", "net.ipv4.ip_local_port_range": "1024 65000"});
    let pod = Pod::run(e, json!({"linux": {"sysctls": sysctls}}))?;
    let script = "cat /proc/sys/kernel/shm_rmid_forced; tr '\\t' ' ' </proc/sys/net/ipv4/ip_local_port_range";
    same(&pod.prints("one", script, json!({}))?, "1\n1024 65000")
}

pub fn names(e: &Engine) -> Verdict {
    let dns = json!({"servers": ["10.78.0.99"], "searches": ["tests.local"], "options": ["ndots:3"]});
    let pod = Pod::run(e, json!({"hostname": "jar", "dns_config": dns}))?;
    let is = pod.prints("one", "hostname; cat /etc/hostname /etc/resolv.conf", json!({}))?;
    same(&is, "jar\njar\nsearch tests.local\nnameserver 10.78.0.99\noptions ndots:3")
}

pub fn host_port(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({"port_mappings": [{"container_port": 8080, "host_port": 18080}]}))?;
    pod.ready("one", SERVER, json!({}))?;
    let gateway = "10.78.0.1:18080";
    e.until("the port is answered", || {
        let mut heard = String::new();
        let asked = TcpStream::connect(gateway).and_then(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.read_to_string(&mut heard)
        });
        Ok(asked.is_ok() && heard == "hello\n")
    })
}

pub fn port_forward(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let one = pod.ready("one", "echo ready; exec nc -l -p 8080 -e cat", json!({}))?;
    // It takes one connection, so none may be made to see whether it listens.
    e.until("the server listens", || Ok(one.prints("netstat -ltn")?.contains(":8080")))?;
    let url = text(&call(e, "PortForward", &json!({"pod_sandbox_id": pod.id, "port": [8080]}))?, "/url")?;
    let mut socket = WebSocket::open(&url, "port=8080", e.deadline())?;
    // Each channel begins with the port, two bytes; then the data comes.
    socket.send(0, "there and back\n")?;
    socket.expect(0, "there and back\n")?;
    socket.close()
}

pub fn cgroup_parent(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({"linux": {"cgroup_parent": "/kubepods/pod-uid"}}))?;
    let one = pod.ready("one", SLEEPING, json!({}))?;
    for id in [&pod.id, &one.id] {
        let procs = fs::read_to_string(format!("/sys/fs/cgroup/kubepods/pod-uid/{id}/cgroup.procs"))?;
        if procs.is_empty() {
            return Err(failed(format!("no process in the cgroup of {id}")));
        }
    }
    Ok(())
}

pub fn four(e: &Engine) -> Verdict {
    at_once(4, |number| {
        let mut own = Cri::open(SOCKET)?;
        let name = format!("pod-{number}");
        let config =
            json!({"metadata": {"name": name, "uid": name, "namespace": "tests"}, "hostname": name, "linux": {}});
        let answer = own.call("RunPodSandbox", &json!({"config": config, "runtime_handler": "onggi"}))?;
        own.call("StopPodSandbox", &answer)?;
        own.call("RemovePodSandbox", &answer)?;
        own.close(e.deadline())
    })
}
