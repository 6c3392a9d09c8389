//! Containers of a pod, from create to remove, and what is known of them meanwhile.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Pod, SLEEPING, call, same, text};
use crate::command::{Trouble, Verdict, failed};
use crate::engine::{Engine, cgroup_of};
use crate::world::controllers;

pub fn ends(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    for (name, script, code, reason) in [("good", "exit 0", 0, "Completed"), ("bad", "exit 7", 7, "Error")] {
        let one = pod.create(name, script, json!({}))?;
        one.is("state", "CONTAINER_CREATED")?;
        one.call("StartContainer", json!({}))?;
        let status = one.ended()?;
        if status["exit_code"] != code || status["reason"] != reason {
            return Err(failed(format!("expected {code} and {reason}: {status}")));
        }
        one.call("RemoveContainer", json!({}))?;
    }
    let left = call(e, "ListContainers", &json!({}))?;
    if left["containers"] == json!([]) { Ok(()) } else { Err(failed(format!("left: {left}"))) }
}

pub fn not_found(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let one = pod.create("one", "", json!({"command": ["no-such-program"]}))?;
    let answer = e.driver.cri()?.try_call("StartContainer", &json!({"container_id": one.id}))?;
    let message = answer.err().map(|no| no.message).unwrap_or_default();
    if !message.contains("executable file not found in $PATH") {
        return Err(failed(format!("expected \"executable file not found in $PATH\": {message:?}")));
    }
    one.is("reason", "StartError")?;
    one.is("exit_code", 128)
}

pub fn stop_term(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let script = "trap 'exit 42' TERM; echo ready; while :; do sleep 1000 & wait $!; done";
    let one = pod.ready("one", script, json!({}))?;
    one.is("state", "CONTAINER_RUNNING")?;
    let begun = Instant::now();
    one.call("StopContainer", json!({"timeout": 50}))?;
    if begun.elapsed() > Duration::from_secs(25) {
        return Err(failed("not long before the grace was over"));
    }
    one.is("exit_code", 42)
}

pub fn stop_kill(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let one = pod.ready("one", "trap '' TERM; echo ready; while :; do sleep 1000; done", json!({}))?;
    let begun = Instant::now();
    one.call("StopContainer", json!({"timeout": 1}))?;
    if begun.elapsed() < Duration::from_secs(1) {
        return Err(failed("before the grace was over"));
    }
    one.is("exit_code", 137)
}

pub fn again(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let one = pod.start("one", "exit 3", json!({}))?;
    one.ended()?;
    one.call("StopContainer", json!({"timeout": 1}))?;
    one.is("exit_code", 3)?;
    one.call("RemoveContainer", json!({}))?;
    one.call("RemoveContainer", json!({})).map(drop)
}

pub fn remove_running(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let one = pod.ready("one", SLEEPING, json!({}))?;
    let cgroup = cgroup_of(&pid(&one)?)?;
    one.call("RemoveContainer", json!({}))?;
    if cgroup.exists() { Err(failed(format!("{} is still there", cgroup.display()))) } else { Ok(()) }
}

/// The container's first process, which is among what CRI calls verbose.
fn pid(container: &super::Container) -> Verdict<String> {
    let answer = container.call("ContainerStatus", json!({"verbose": true}))?;
    let info: Value = serde_json::from_str(&text(&answer, "/info/info")?).unwrap_or_default();
    // The same answer names what runs it.
    if info["runtimeType"] != "io.containerd.runc.v2" {
        return Err(failed(format!("not of the shim for runc: {info}")));
    }
    info["pid"].as_u64().map(|pid| pid.to_string()).ok_or_else(|| failed(format!("no pid in {info}")))
}

pub fn with_pod(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let one = pod.ready("one", SLEEPING, json!({}))?;
    call(e, "StopPodSandbox", &json!({"pod_sandbox_id": pod.id}))?;
    one.is("state", "CONTAINER_EXITED")?;
    call(e, "RemovePodSandbox", &json!({"pod_sandbox_id": pod.id}))?;
    let left = call(e, "ListContainers", &json!({}))?;
    if left["containers"] == json!([]) { Ok(()) } else { Err(failed(format!("left: {left}"))) }
}

pub fn logs(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let script = "echo first; echo wrong >&2; until test -e /go; do usleep 10000; done; echo second; exec sleep 1000";
    let one = pod.start("one", script, json!({}))?;
    one.logged("first")?;
    one.logged("wrong")?;
    let log = fs::read_to_string(&one.log)?;
    if !log.contains(" stdout F first\n") || !log.contains(" stderr F wrong\n") {
        return Err(failed(format!("not in CRI's form:\n{log}")));
    }
    let old = format!("{}.old", one.log);
    fs::rename(&one.log, &old)?;
    one.call("ReopenContainerLog", json!({}))?;
    one.prints("touch /go")?;
    one.logged("second")?;
    if fs::read_to_string(&old)?.contains("second") { Err(failed("the old log was written on")) } else { Ok(()) }
}

pub fn stats(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let one = pod.ready("one", SLEEPING, json!({}))?;
    let stats = one.call("ContainerStats", json!({}))?;
    let used = text(&stats, "/stats/cpu/usage_core_nano_seconds/value")?;
    // The engine reads nothing where there is no controller.
    let counts = controllers().contains("cpu");
    if counts && used == "0" || stats["stats"]["attributes"]["id"] != json!(one.id) {
        return Err(failed(format!("no processor time of it: {stats}")));
    }
    let all = call(e, "ListContainerStats", &json!({}))?;
    same(&text(&all, "/stats/0/attributes/id")?, &one.id)
}

pub fn update(e: &Engine) -> Verdict {
    if !controllers().contains("memory") {
        return Err(Trouble::Skipped("cgroup v2 has no memory controller here".to_owned()));
    }
    let pod = Pod::run(e, json!({}))?;
    let one = pod.ready("one", SLEEPING, json!({"linux": {"resources": {"memory_limit_in_bytes": 1 << 25}}}))?;
    let file = cgroup_of(&pid(&one)?)?.join("memory.max");
    same(&fs::read_to_string(&file)?, "33554432")?;
    one.call("UpdateContainerResources", json!({"linux": {"memory_limit_in_bytes": 1 << 26}}))?;
    same(&fs::read_to_string(&file)?, "67108864")
}
