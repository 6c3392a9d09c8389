//! A client of CRI, the interface through which Kubernetes calls an engine.
//!
//! The calls are gRPC, which a Python program speaks that is fed JSON ([`Cri`]); what they give a
//! URL for goes over a WebSocket ([`websocket`]).

pub mod websocket;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::command::{Trouble, Verdict, failed, shell, wait};
use crate::options::Options;

const CLIENT: &str = "/run/cri/client.py";
const DESCRIPTORS: &str = "/run/cri/cri.descriptors";

/// Writes the client and what it knows of the messages, for [`Cri::open`].
pub fn prepare(options: &Options) -> Verdict {
    fs::create_dir_all("/run/cri")?;
    fs::write(CLIENT, include_str!("client.py"))?;
    fs::write("/run/cri/cri.proto", include_str!("cri.proto"))?;
    let compile = format!("protoc -I/run/cri --descriptor_set_out={DESCRIPTORS} /run/cri/cri.proto");
    shell(&compile, "", options.deadline(10))?.works()
}

/// The connection: one call at a time.
pub struct Cri {
    child: Option<Child>,
    ask: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// An answer that is no.
#[derive(Debug)]
pub struct Refused {
    /// gRPC's name of the kind.
    pub code: String,
    /// What the engine says.
    pub message: String,
}

impl Cri {
    /// Connects to an engine's socket.
    pub fn open(socket: &str) -> Verdict<Self> {
        let mut child = Command::new("/usr/bin/python3")
            .args([CLIENT, socket, DESCRIPTORS])
            .env("GRPC_VERBOSITY", "NONE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let answers = child.stdout.take().ok_or_else(|| failed("the client has no output"))?;
        let ask = child.stdin.take();
        Ok(Self { child: Some(child), ask, answers: BufReader::new(answers) })
    }

    /// A call that may be refused.
    pub fn try_call(&mut self, method: &str, request: &Value) -> Verdict<Result<Value, Refused>> {
        let ended = || failed(format!("CRI {method}: the client has ended"));
        let ask = self.ask.as_mut().ok_or_else(ended)?;
        writeln!(ask, "{}", json!({"method": method, "request": request}))?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(ended());
        }
        let answer: Value = serde_json::from_str(&line).map_err(|error| failed(format!("{line}: {error}")))?;
        let text = |field: &str| answer["error"][field].as_str().unwrap_or_default().to_owned();
        Ok(match answer.get("response") {
            Some(response) => Ok(response.clone()),
            None => Err(Refused { code: text("code"), message: text("message") }),
        })
    }

    /// A call that must work.
    pub fn call(&mut self, method: &str, request: &Value) -> Verdict<Value> {
        let answer = self.try_call(method, request)?;
        answer.map_err(|no| failed(format!("CRI {method} {request}\n{}: {}", no.code, no.message)))
    }

    /// Stops and removes all pods, and with them all containers.
    pub fn clear(&mut self) -> Verdict {
        let all = self.call("ListPodSandbox", &json!({}))?;
        for pod in all["items"].as_array().into_iter().flatten() {
            let name = json!({"pod_sandbox_id": pod["id"]});
            self.call("StopPodSandbox", &name)?;
            self.call("RemovePodSandbox", &name)?;
        }
        Ok(())
    }

    /// Ends the client.
    pub fn close(mut self, deadline: Duration) -> Verdict {
        self.ask = None;
        let ended = self.child.take().map_or(Ok(None), |child| wait(child, deadline))?;
        match ended {
            Some(status) if status.success() => Ok(()),
            _ => Err(Trouble::Failed("the client of CRI does not end at the end of its input".to_owned())),
        }
    }
}

/// It does not outlive the engine.
impl Drop for Cri {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
