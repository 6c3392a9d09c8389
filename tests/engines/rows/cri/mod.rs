//! What Kubernetes' kubelet asks of an engine, one file for each side of it.

mod confine;
mod exec;
mod life;
mod pod;

use serde_json::{Value, json};

use super::{Row, row};
use crate::archive::BUSYBOX;
use crate::command::{Verdict, failed};
use crate::containerd::CRI;
use crate::engine::Engine;

/// The rows, in the order in which they are asked.
pub const ROWS: &[Row] = &[
    row("a pod: run, status, stop, remove", pod::life).of(CRI).fast(),
    row("a pod of a runtime class that is not there is refused", pod::unknown_handler).of(CRI),
    row("a pod's containers share network, ipc and host name", pod::shared).of(CRI).fast(),
    row("a pod with one pid namespace", pod::one_pid_namespace).of(CRI).fast(),
    row("a container in the pid namespace of another", pod::target_pid).of(CRI),
    row("hostNetwork, hostPID, hostIPC", pod::host_namespaces).of(CRI).fast(),
    row("sysctls", pod::sysctls).of(CRI).fast(),
    row("dns and host name", pod::names).of(CRI),
    row("hostPort", pod::host_port).of(CRI),
    row("port-forward", pod::port_forward).of(CRI).fast(),
    row("cgroup parent", pod::cgroup_parent).of(CRI),
    row("4 pods at the same time", pod::four).of(CRI),
    row("a container: create, start, end, remove", life::ends).of(CRI).fast(),
    row("start: program not found", life::not_found).of(CRI).fast(),
    row("stop: TERM is enough", life::stop_term).of(CRI).fast(),
    row("stop: KILL after the grace", life::stop_kill).of(CRI).fast(),
    row("stop and remove of what has ended is no error", life::again).of(CRI),
    row("remove of a running container", life::remove_running).of(CRI),
    row("a stopped pod takes its containers with it", life::with_pod).of(CRI),
    row("logs, and a log opened anew", life::logs).of(CRI).fast(),
    row("stats of one and of all", life::stats).of(CRI),
    row("update of limits", life::update).of(CRI),
    row("exec sync: output, errors, exit status", exec::sync).of(CRI).fast(),
    row("exec sync: program not found", exec::not_found).of(CRI),
    row("exec sync: killed at its timeout", exec::timeout).of(CRI).fast(),
    row("exec: streams and exit status", exec::streams).of(CRI).fast(),
    row("exec: a terminal and its size", exec::terminal).of(CRI).fast(),
    row("attach: streams", exec::attach).of(CRI).fast(),
    row("attach: a terminal", exec::attach_terminal).of(CRI),
    row("read-only root file system", confine::read_only).of(CRI).fast(),
    row("capabilities: default, added, dropped", confine::capabilities).of(CRI).fast(),
    row("seccomp: RuntimeDefault, Unconfined, Localhost", confine::seccomp).of(CRI).fast(),
    row("runAsUser, runAsGroup, supplementalGroups", confine::user).of(CRI).fast(),
    row("runAsUserName", confine::user_name).of(CRI),
    row("allowPrivilegeEscalation: false", confine::no_new_privileges).of(CRI),
    row("privileged", confine::privileged).of(CRI),
    row("masked and read-only paths", confine::masked).of(CRI),
    row("volumes: read-only, and propagation", confine::volumes).of(CRI).fast(),
    row("devices", confine::devices).of(CRI),
    row("environment and working directory", confine::environment).of(CRI),
    row("oom_score_adj", confine::oom_score).of(CRI),
];

const SLEEPING: &str = "echo ready; exec sleep 1000";
/// Where the pods' logs go.
const LOGS: &str = "/run/pods";

/// A pod that runs.
struct Pod<'a> {
    e: &'a Engine<'a>,
    id: String,
    config: Value,
}

impl<'a> Pod<'a> {
    /// Runs one; `more` is put over the configuration.
    fn run(e: &'a Engine<'a>, more: Value) -> Verdict<Self> {
        Self::named(e, "pod", more)
    }

    fn named(e: &'a Engine<'a>, name: &str, more: Value) -> Verdict<Self> {
        let mut config = json!({
            "metadata": {"name": name, "uid": format!("uid-{name}"), "namespace": "tests"},
            "hostname": name, "log_directory": format!("{LOGS}/{name}"), "linux": {},
        });
        merge(&mut config, more);
        let request = json!({"config": config, "runtime_handler": "onggi"});
        let answer = call(e, "RunPodSandbox", &request)?;
        Ok(Self { e, id: text(&answer, "/pod_sandbox_id")?, config })
    }

    /// Creates a container that runs a shell, and starts it not.
    fn create(&self, name: &str, script: &str, more: Value) -> Verdict<Container<'a>> {
        let mut config = json!({
            "metadata": {"name": name}, "image": {"image": BUSYBOX},
            "command": ["/bin/sh", "-c", script], "log_path": format!("{name}.log"),
            "linux": {"security_context": {"namespace_options": {"pid": "CONTAINER"}}},
        });
        merge(&mut config, more);
        let request = json!({"pod_sandbox_id": self.id, "config": config, "sandbox_config": self.config});
        let answer = call(self.e, "CreateContainer", &request)?;
        let directory = self.config["log_directory"].as_str().unwrap_or_default();
        Ok(Container { e: self.e, id: text(&answer, "/container_id")?, log: format!("{directory}/{name}.log") })
    }

    /// Creates and starts a container.
    fn start(&self, name: &str, script: &str, more: Value) -> Verdict<Container<'a>> {
        let container = self.create(name, script, more)?;
        container.call("StartContainer", json!({}))?;
        Ok(container)
    }

    /// Creates and starts a container, and waits until it has logged `ready`.
    fn ready(&self, name: &str, script: &str, more: Value) -> Verdict<Container<'a>> {
        let container = self.start(name, script, more)?;
        container.logged("ready")?;
        Ok(container)
    }

    /// What a container prints that runs this and ends with 0.
    fn prints(&self, name: &str, script: &str, more: Value) -> Verdict<String> {
        let container = self.start(name, script, more)?;
        let status = container.ended()?;
        if status["exit_code"] != 0 {
            return Err(failed(format!("{script}\nexpected exit status 0: {status}\n{}", container.output()?)));
        }
        container.output()
    }

    fn status(&self) -> Verdict<Value> {
        Ok(call(self.e, "PodSandboxStatus", &json!({"pod_sandbox_id": self.id}))?["status"].clone())
    }

    fn address(&self) -> Verdict<String> {
        text(&self.status()?, "/network/ip")
    }
}

/// A container of a pod.
struct Container<'a> {
    e: &'a Engine<'a>,
    id: String,
    log: String,
}

impl Container<'_> {
    /// A call about it: its id is added.
    fn call(&self, method: &str, mut request: Value) -> Verdict<Value> {
        request["container_id"] = json!(self.id);
        call(self.e, method, &request)
    }

    fn status(&self) -> Verdict<Value> {
        Ok(self.call("ContainerStatus", json!({}))?["status"].clone())
    }

    /// Its status has this value in a field.
    fn is(&self, field: &str, value: impl Into<Value>) -> Verdict {
        let (status, value) = (self.status()?, value.into());
        if status[field] == value { Ok(()) } else { Err(failed(format!("expected {field} {value}: {status}"))) }
    }

    /// Waits for its end.
    fn ended(&self) -> Verdict<Value> {
        let mut status = Value::Null;
        self.e.until("the container ends", || {
            status = self.status()?;
            Ok(status["state"] == "CONTAINER_EXITED")
        })?;
        Ok(status)
    }

    /// Runs a script in it to its end: exit status, output and errors.
    fn exec(&self, script: &str) -> Verdict<(i64, String, String)> {
        let ran = self.call("ExecSync", json!({"cmd": ["/bin/sh", "-c", script]}))?;
        Ok((ran["exit_code"].as_i64().unwrap_or(-1), text(&ran, "/stdout")?, text(&ran, "/stderr")?))
    }

    /// What a script prints in it that ends with 0.
    fn prints(&self, script: &str) -> Verdict<String> {
        match self.exec(script)? {
            (0, out, _) => Ok(out),
            (status, out, err) => Err(failed(format!("{script}\nexit status {status}\n{out}{err}"))),
        }
    }

    /// What its log has, without times and streams: `TIME STREAM P|F TEXT` is a line.
    fn output(&self) -> Verdict<String> {
        let log = std::fs::read_to_string(&self.log)?;
        let text = |line: &str| line.splitn(4, ' ').nth(3).map(|text| format!("{text}\n"));
        Ok(log.lines().filter_map(text).collect())
    }

    /// Waits until it has logged this.
    fn logged(&self, text: &str) -> Verdict {
        self.e.until(&format!("the container logs {text:?}"), || Ok(self.output()?.contains(text)))
    }
}

fn call(e: &Engine, method: &str, request: &Value) -> Verdict<Value> {
    e.driver.cri()?.call(method, request)
}

fn text(value: &Value, pointer: &str) -> Verdict<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| failed(format!("no {pointer} in {value}")))
}

fn same(is: &str, expected: &str) -> Verdict {
    if is.trim() == expected.trim() { Ok(()) } else { Err(failed(format!("it is {is:?}, expected {expected:?}"))) }
}

/// Puts one object over another, deep.
fn merge(base: &mut Value, more: Value) {
    match (base, more) {
        (Value::Object(base), Value::Object(more)) => {
            for (key, value) in more {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, more) if !more.is_null() => *base = more,
        _ => {}
    }
}

/// A container's security context.
fn secured(context: Value) -> Value {
    json!({"linux": {"security_context": context}})
}
