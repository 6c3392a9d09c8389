//! More processes in a container of a pod, and the ways to talk to them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Container, Pod, SLEEPING, same, text};
use crate::command::{Verdict, failed};
use crate::cri::websocket::{RESIZE, STATUS, STDERR, STDIN, STDOUT, WebSocket};
use crate::engine::Engine;

pub fn sync(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let one = pod.ready("one", SLEEPING, json!({}))?;
    let (status, out, err) = one.exec("echo out; echo err >&2; exit 6")?;
    same(&format!("{status} {out} {err}"), "6 out\n err\n")?;
    let (status, ..) = one.exec("kill -9 $$")?;
    same(&status.to_string(), "137")
}

pub fn not_found(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let one = pod.ready("one", SLEEPING, json!({}))?;
    let request = json!({"container_id": one.id, "cmd": ["no-such-program"]});
    match e.driver.cri()?.try_call("ExecSync", &request)? {
        Err(no) if no.message.contains("executable file not found in $PATH") => {}
        other => return Err(failed(format!("expected \"executable file not found in $PATH\": {other:?}"))),
    }
    one.is("state", "CONTAINER_RUNNING")
}

pub fn timeout(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let one = pod.ready("one", SLEEPING, json!({}))?;
    let request = json!({"container_id": one.id, "cmd": ["sleep", "2000"], "timeout": 1});
    let begun = Instant::now();
    let answer = e.driver.cri()?.try_call("ExecSync", &request)?;
    if answer.is_ok() || begun.elapsed() < Duration::from_secs(1) {
        return Err(failed(format!("expected an end at the timeout: {answer:?}")));
    }
    let left = one.prints("ps")?;
    if left.contains("sleep 2000") { Err(failed(format!("it still runs:\n{left}"))) } else { Ok(()) }
}

/// Opens what a method gives the URL of.
fn open(container: &Container, method: &str, request: Value) -> Verdict<WebSocket> {
    let url = text(&container.call(method, request)?, "/url")?;
    WebSocket::open(&url, "", container.e.deadline())
}

/// The end as Kubernetes' clients read it.
fn ended(mut socket: WebSocket, exit_code: &str) -> Verdict {
    socket.finish()?;
    let status: Value = serde_json::from_str(&socket.text(STATUS)).unwrap_or_default();
    let right = match exit_code {
        "0" => status["status"] == "Success",
        code => status["details"]["causes"][0]["message"] == code,
    };
    if right { Ok(()) } else { Err(failed(format!("expected exit status {exit_code}\n{}", socket.all()))) }
}

pub fn streams(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let one = pod.ready("one", SLEEPING, json!({}))?;
    let request =
        |script: &str| json!({"cmd": ["/bin/sh", "-c", script], "stdin": true, "stdout": true, "stderr": true});
    let mut socket = open(&one, "Exec", request("read word; echo got $word; echo err >&2; exit 5"))?;
    socket.send(STDIN, "something\n")?;
    socket.expect(STDOUT, "got something\n")?;
    socket.expect(STDERR, "err\n")?;
    ended(socket, "5")?;
    ended(open(&one, "Exec", request("exit 0"))?, "0")
}

/// A shell on a terminal is talked to, told a size, and ended.
fn converse(mut socket: WebSocket) -> Verdict {
    socket.send(STDIN, "tty; echo said''-tty >/dev/tty\n")?;
    socket.expect(STDOUT, "/dev/pts/")?;
    socket.expect(STDOUT, "said-tty")?;
    socket.send(RESIZE, r#"{"Width":101,"Height":33}"#)?;
    socket.send(STDIN, "until [ \"$(stty size)\" = '33 101' ]; do usleep 10000; done; echo size''-seen\n")?;
    socket.expect(STDOUT, "size-seen")?;
    socket.send(STDIN, "exit 9\n")?;
    socket.finish()
}

pub fn terminal(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let one = pod.ready("one", SLEEPING, json!({}))?;
    converse(open(&one, "Exec", json!({"cmd": ["/bin/sh"], "tty": true, "stdin": true, "stdout": true}))?)
}

pub fn attach(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    // It waits to the end: containerd may end the streams with the process before all of them was sent.
    let script = "echo ready; read word; echo got $word; echo err >&2; read word; exit 3";
    let one = pod.ready("one", script, json!({"stdin": true}))?;
    let mut socket = open(&one, "Attach", json!({"stdin": true, "stdout": true, "stderr": true}))?;
    socket.send(STDIN, "something\n")?;
    socket.expect(STDOUT, "got something\n")?;
    socket.expect(STDERR, "err\n")?;
    socket.send(STDIN, "end\n")?;
    one.ended()?;
    one.is("exit_code", 3)
}

pub fn attach_terminal(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let one = pod.start("one", "exec sh", json!({"stdin": true, "tty": true}))?;
    converse(open(&one, "Attach", json!({"stdin": true, "stdout": true, "tty": true}))?)?;
    one.ended()?;
    one.is("exit_code", 9)
}
