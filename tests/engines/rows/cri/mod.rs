//! What Kubernetes' kubelet asks of an engine, one file for each side of it.

mod confine;
mod exec;
mod life;
mod pod;

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::{Row, row};
use crate::archive::BUSYBOX;
use crate::command::{Verdict, failed};
use crate::containerd::CRI;
use crate::engine::Engine;

/// Each takes a fraction of a second.
const fn own(feature: &'static str, check: fn(&Engine) -> Verdict) -> Row {
    row(feature, check).of(CRI).fast()
}

/// The rows, in the order in which they are asked.
pub const ROWS: &[Row] = &[
    own("a pod: run, status, stop, remove", pod::life),
    own("a pod of a runtime class that is not there is refused", pod::unknown_handler),
    own("a pod's containers share network, ipc and host name", pod::shared),
    own("a pod with one pid namespace", pod::one_pid_namespace),
    own("a container in the pid namespace of another", pod::target_pid),
    own("hostNetwork, hostPID, hostIPC", pod::host_namespaces),
    own("sysctls", pod::sysctls),
    own("dns and host name", pod::names),
    own("hostPort", pod::host_port),
    own("port-forward", pod::port_forward),
    own("cgroup parent", pod::cgroup_parent),
    own("4 pods at the same time", pod::four),
    own("a container: create, start, end, remove", life::ends),
    own("start: program not found", life::not_found),
    own("stop: TERM is enough", life::stop_term),
    own("stop: KILL after the grace", life::stop_kill),
    own("stop and remove of what has ended is no error", life::again),
    own("remove of a running container", life::remove_running),
    own("a stopped pod takes its containers with it", life::with_pod),
    own("logs, and a log opened anew", life::logs),
    own("stats of one and of all", life::stats),
    own("update of limits", life::update),
    own("exec sync: output, errors, exit status", exec::sync),
    own("exec sync: program not found", exec::not_found),
    own("exec sync: killed at its timeout", exec::timeout),
    own("exec: streams and exit status", exec::streams),
    own("exec: a terminal and its size", exec::terminal),
    own("attach: streams", exec::attach),
    own("attach: a terminal", exec::attach_terminal),
    own("read-only root file system", confine::read_only),
    own("capabilities: default, added, dropped", confine::capabilities),
    own("seccomp: RuntimeDefault, Unconfined, Localhost", confine::seccomp),
    own("runAsUser, runAsGroup, supplementalGroups", confine::user),
    own("runAsUserName", confine::user_name),
    own("allowPrivilegeEscalation: false", confine::no_new_privileges),
    own("privileged", confine::privileged),
    own("masked and read-only paths", confine::masked),
    own("volumes: read-only, and propagation", confine::volumes),
    own("devices", confine::devices),
    own("environment and working directory", confine::environment),
    own("oom_score_adj", confine::oom_score),
];

const SLEEPING: &str = "echo ready; exec sleep 1000";
/// Where the pods' logs go.
const LOGS: &str = "/run/pods";

/// The number of the next pod.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A pod that runs.
struct Pod<'a> {
    e: &'a Engine<'a>,
    id: String,
    config: Value,
}

impl<'a> Pod<'a> {
    /// Runs one; `more` is put over the configuration.
    fn run(e: &'a Engine<'a>, more: Value) -> Verdict<Self> {
        // Containers of a name add to the log of that name: each pod has a folder of its own.
        let uid = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        let mut config = json!({
            "metadata": {"name": "pod", "uid": uid, "namespace": "tests"},
            "hostname": "pod", "log_directory": format!("{LOGS}/{uid}"), "linux": {},
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

    /// What a container prints that runs this, which is to end with 0. The container itself lives on: of one that ends at
    /// once containerd may lose the output, as it closes pipes that its reader has not come to open yet.
    fn prints(&self, name: &str, script: &str, more: Value) -> Verdict<String> {
        // Not in the words that are waited for: `ps` shows the script itself.
        let container = self.start(name, &format!("{script}\necho ended' 'with $?; exec sleep 1000"), more)?;
        container.logged("ended with ")?;
        let output = container.output()?;
        match output.strip_suffix("ended with 0\n") {
            Some(printed) => Ok(printed.to_owned()),
            None => Err(failed(format!("{script}\nexpected exit status 0:\n{output}"))),
        }
    }

    fn status(&self) -> Verdict<Value> {
        Ok(call(self.e, "PodSandboxStatus", &json!({"pod_sandbox_id": self.id}))?["status"].clone())
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

/// A security context, of a pod or of a container.
fn secured(context: Value) -> Value {
    let mut over = json!({"linux": {}});
    over["linux"]["security_context"] = context;
    over
}
