//! A registry that asks who one is.

use std::fs;

use crate::command::{Ran, Verdict};
use crate::docker;
use crate::engine::Engine;
use crate::programs;

const NAME: &str = "127.0.0.1:5000/jar:v1";
const FOLDER: &str = "/tmp/registry";
const CONFIG: &str = "version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: /var/lib/registry}}\n\
    http: {addr: 127.0.0.1:5000}\nauth: {htpasswd: {realm: jar, path: /etc/htpasswd}}\n";
/// Of the user `someone` with the password `secret`: bcrypt, as htpasswd -B writes it.
const USERS: &str = "someone:$2b$04$v5kfVQUA0detD4UKkRvKD.cGwUFvdgbNZaz0Rbp18ATDon1v8a5sO\n";

pub fn guarded(e: &Engine) -> Verdict {
    programs::image(e, &programs::REGISTRY)?;
    fs::create_dir_all(FOLDER)?;
    fs::write(format!("{FOLDER}/registry.yml"), CONFIG)?;
    fs::write(format!("{FOLDER}/htpasswd"), USERS)?;
    let files = format!("-v {FOLDER}/registry.yml:/etc/registry.yml:ro -v {FOLDER}/htpasswd:/etc/htpasswd:ro");
    e.call(&format!("run -d --name one --network host {files} registry"))?.works()?;
    let ask = "busybox nc -w 1 127.0.0.1 5000 </dev/null";
    e.until("the registry listens", || Ok(e.shell(ask)?.status == 0))?;
    e.call(&format!("tag busybox {NAME}"))?.works()?;
    let refused = |ran: Ran| ran.must("is refused", |ran| ran.status != 0)?.complains("auth").map(drop);
    refused(call(e, "push", NAME)?)?;
    let login = |password| e.call_with(&login_line(e), password);
    login("wrong")?.must("is refused", |ran| ran.status != 0).map(drop)?;
    login("secret")?.succeeds()?.says("Login Succeeded").map(drop)?;
    call(e, "push", NAME)?.works()?;
    e.call(&format!("rmi {NAME}"))?.works()?;
    call(e, "pull", NAME)?.works()?;
    e.call(&format!("run --rm {NAME} echo pulled"))?.succeeds()?.prints("pulled").map(drop)?;
    e.call("logout 127.0.0.1:5000")?.works()?;
    e.call(&format!("rmi {NAME}"))?.works()?;
    refused(call(e, "pull", NAME)?)?;
    Ok(fs::remove_dir_all(FOLDER)?)
}

/// Docker takes the loopback for safe without TLS, Podman wants to be told.
fn without_tls(e: &Engine) -> &'static str {
    if e.driver.name() == docker::NAME { "" } else { "--tls-verify=false" }
}

fn login_line(e: &Engine) -> String {
    format!("login {} -u someone --password-stdin 127.0.0.1:5000", without_tls(e))
}

fn call(e: &Engine, verb: &str, image: &str) -> Verdict<Ran> {
    e.call(&format!("{verb} {} {image}", without_tls(e)))
}
