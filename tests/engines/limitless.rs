//! A runtime that asks for no limit which the machine has no controller for.
//!
//! containerd's `ctr` and CRI always ask for CPU shares, and a runtime that ignored them would lie.
//! So on a machine without these controllers (a hybrid host, where v1 has them) a program stands
//! between: it takes them out of config.json, and becomes the runtime. Nothing else is changed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::command::{Verdict, failed};
use crate::world::controllers;

/// The first argument of this program between; the runtime's path and arguments follow.
pub const STAGE: &str = "--stage=limitless";

const PROGRAM: &str = "/run/bin/limitless";
const SCRIPT: &str = "/run/onggi-limitless";

/// Controllers, and what asks for them below `linux.resources`.
const NEEDS: [(&str, &str); 3] = [("cpu", "cpu"), ("memory", "memory"), ("pids", "pids")];

/// The path to register: the runtime's own where all controllers are there.
pub fn wrapped(runtime: &str) -> Verdict<String> {
    if lacking().next().is_none() {
        return Ok(runtime.to_owned());
    }
    // Its own path may be hidden in the world.
    fs::write(PROGRAM, fs::read("/proc/self/exe")?)?;
    fs::write(SCRIPT, format!("#!/bin/sh\nexec {PROGRAM} {STAGE} '{runtime}' \"$@\"\n"))?;
    for path in [PROGRAM, SCRIPT] {
        fs::set_permissions(path, Permissions::from_mode(0o755))?;
    }
    Ok(SCRIPT.to_owned())
}

fn lacking() -> impl Iterator<Item = &'static str> {
    let present = controllers();
    let is_there = move |name: &str| present.split_whitespace().any(|one| one == name);
    NEEDS.into_iter().filter(move |(controller, _)| !is_there(controller)).map(|(_, field)| field)
}

/// Strips config.json if a container is created, and becomes the runtime. Returns only if that fails.
pub fn become_runtime(mut words: impl Iterator<Item = String>) -> Verdict {
    let runtime = words.next().unwrap_or_default();
    let words = words.collect::<Vec<_>>();
    let creates = words.iter().any(|word| word == "create" || word == "run");
    let bundle = words.iter().position(|word| word == "--bundle").and_then(|at| words.get(at + 1));
    if let (true, Some(bundle)) = (creates, bundle) {
        strip(&Path::new(bundle).join("config.json"))?;
    }
    Err(failed(format!("{runtime}: {}", Command::new(&runtime).args(&words).exec())))
}

fn strip(path: &Path) -> Verdict {
    let wrong = |error| failed(format!("{}: {error}", path.display()));
    let mut config: Value = serde_json::from_slice(&fs::read(path)?).map_err(wrong)?;
    if let Some(resources) = config.pointer_mut("/linux/resources").and_then(Value::as_object_mut) {
        for field in lacking() {
            resources.remove(field);
        }
    }
    Ok(fs::write(path, config.to_string())?)
}
