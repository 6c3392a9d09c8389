//! The report: one JSON object, one line.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::status::Status;
use crate::{caps, files, identity, isolation, probes};

/// What a report holds beyond what it always holds, and where it goes.
#[derive(Default)]
struct Wishes {
    to: Option<String>,
    sysctls: Map<String, Value>,
    reads: Map<String, Value>,
    stats: Map<String, Value>,
    probes: Map<String, Value>,
}

/// Takes this deed's options off the front of `words` and writes the report.
///
/// Options, each with one argument, all may be repeated: `--to PATH` (instead of stdout),
/// `--sysctl NAME`, `--read PATH`, `--stat PATH`, `--write PATH`, `--open PATH:MODE`,
/// `--node PATH:KIND:MAJOR:MINOR`, `--execute PATH`, `--connect WHERE`, `--call NUMBER[,ARG...]`.
/// Probes are done in their order, before everything else is looked at.
pub fn report(words: &mut VecDeque<String>) -> io::Result<()> {
    let wishes = wishes(words)?;
    let status = Status::read();
    let report = json!({
        "process": identity::process(&status),
        "capabilities": caps::report(&status),
        "rlimits": identity::rlimits(),
        "signals": identity::signals(&status),
        "scheduling": identity::scheduling(&status),
        "clocks": identity::clocks(),
        "namespaces": isolation::namespaces(),
        "id_maps": isolation::id_maps(),
        "mounts": isolation::mounts(),
        "cgroup": isolation::cgroup(),
        "seccomp": isolation::seccomp(&status),
        "names": isolation::names(),
        "network": isolation::network(),
        "fds": files::descriptors(),
        "stdio": files::standard_streams(),
        "controlling_terminal": files::controlling_terminal(),
        "devices": files::devices(),
        "sysctls": wishes.sysctls,
        "reads": wishes.reads,
        "stats": wishes.stats,
        "probes": wishes.probes,
    });
    let line = format!("{report}\n");
    match wishes.to {
        Some(path) => fs::write(path, line),
        None => io::stdout().write_all(line.as_bytes()),
    }
}

fn wishes(words: &mut VecDeque<String>) -> io::Result<Wishes> {
    let mut wishes = Wishes::default();
    while words.front().is_some_and(|word| word.starts_with("--")) {
        let option = words.pop_front().unwrap_or_default();
        let what = words.pop_front().ok_or_else(|| io::Error::other(format!("{option} needs an argument")))?;
        match option.as_str() {
            "--to" => wishes.to = Some(what),
            "--sysctl" => {
                let path = format!("/proc/sys/{}", what.replace('.', "/"));
                let value = files::contents(&path);
                let value = value.as_str().map_or(value.clone(), |text| json!(text.trim()));
                wishes.sysctls.insert(what, value);
            }
            "--read" => drop(wishes.reads.insert(what.clone(), files::contents(&what))),
            "--stat" => drop(wishes.stats.insert(what.clone(), files::facts(&what))),
            probe => {
                let value = attempt(probe, &what)?;
                wishes.probes.insert(format!("{} {what}", &probe[2..]), value);
            }
        }
    }
    Ok(wishes)
}

fn attempt(probe: &str, what: &str) -> io::Result<Value> {
    Ok(match probe {
        "--write" => probes::write(what),
        "--open" => probes::open(what),
        "--node" => probes::node(what),
        "--execute" => probes::execute(what),
        "--connect" => probes::connect(what),
        "--call" => probes::system_call(what),
        _ => return Err(io::Error::other(format!("report has no option {probe}"))),
    })
}
