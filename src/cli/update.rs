//! `onggi update`

use std::io::Read;

use clap::Parser;
use serde_json::{Map, Value, json};

use super::{Context, Run, size};
use crate::error::{Error, Result};
use crate::lifecycle::update::{renamed, update};
use crate::state::Id;

/// Change the limits of a running container.
///
/// What is not named stays as it is. If one limit can't be set, all are as before.
#[allow(clippy::doc_markdown, reason = "these are help texts")]
#[derive(Parser, Debug)]
#[command(
    name = "update",
    after_help = "Examples:\n  onggi update --memory 512m --pids-limit 100 jar\n  echo '{\"cpu\": {\"quota\": 50000, \"period\": 100000}}' | onggi update --resources - jar"
)]
pub struct Update {
    /// A JSON file with the spec's `linux.resources`, or - for standard input. The other options are not looked at then.
    #[arg(long, short, value_name = "FILE")]
    resources: Option<String>,
    /// Weight among others at a disk, from 10 to 1000.
    #[arg(long, value_name = "WEIGHT")]
    blkio_weight: Option<String>,
    /// Length of a period of --cpu-quota, in microseconds.
    #[arg(long, value_name = "MICROSECONDS")]
    cpu_period: Option<String>,
    /// CPU time in each period, in microseconds; -1 for no limit.
    #[arg(long, value_name = "MICROSECONDS")]
    cpu_quota: Option<String>,
    /// Unused CPU time that may be saved up, in microseconds.
    #[arg(long, value_name = "MICROSECONDS")]
    cpu_burst: Option<String>,
    /// Not in cgroup v2.
    #[arg(long, value_name = "MICROSECONDS", hide = true)]
    cpu_rt_period: Option<String>,
    /// Not in cgroup v2.
    #[arg(long, value_name = "MICROSECONDS", hide = true)]
    cpu_rt_runtime: Option<String>,
    /// Weight among others at the CPUs, from 2 to 262144; 1024 is usual.
    #[arg(long, value_name = "SHARES")]
    cpu_share: Option<String>,
    /// 1 to run only when nobody else wants to, 0 as usual.
    #[arg(long, value_name = "0|1")]
    cpu_idle: Option<String>,
    /// CPUs to use: 0-3,7.
    #[arg(long, value_name = "LIST")]
    cpuset_cpus: Option<String>,
    /// Memory nodes to use.
    #[arg(long, value_name = "LIST")]
    cpuset_mems: Option<String>,
    /// Memory, in bytes or as 512m; -1 for no limit.
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Memory that is taken away last.
    #[arg(long, value_name = "SIZE")]
    memory_reservation: Option<String>,
    /// Memory and swap together; -1 for no limit of swap.
    #[arg(long, value_name = "SIZE")]
    memory_swap: Option<String>,
    /// Ignored: it is part of --memory.
    #[arg(long, value_name = "SIZE", hide = true)]
    kernel_memory: Option<String>,
    /// Ignored: it is part of --memory.
    #[arg(long, value_name = "SIZE", hide = true)]
    kernel_memory_tcp: Option<String>,
    /// Number of processes; -1 for no limit.
    #[arg(long, value_name = "NUMBER")]
    pids_limit: Option<String>,
    /// Intel RDT: the L3 cache.
    #[arg(long, value_name = "SCHEMA")]
    l3_cache_schema: Option<String>,
    /// Intel RDT: the memory's bandwidth.
    #[arg(long, value_name = "SCHEMA")]
    mem_bw_schema: Option<String>,
    /// The container's id.
    #[arg(value_parser = Id::new)]
    id: Id,
}

/// The name of what the flags ask for.
const LINE: &str = "the command line";

/// How a flag's value is written.
#[derive(Clone, Copy)]
enum Kind {
    Size,
    /// A whole number that is at least this.
    Number(i64),
    Text,
}

/// A flag: its name, its value, what it stands for in the JSON.
struct Flag<'a>(&'static str, &'a Option<String>, [&'static str; 2], Kind);

impl Run for Update {
    fn run(self, context: &Context) -> Result<u8> {
        if let Some(file) = &self.resources {
            let (json, name) = read(file)?;
            let place = |place: &str| place.strip_prefix("linux.resources.").map(|rest| format!("resources.{rest}"));
            return update(&context.store()?, &self.id, &json, name, &[])
                .map(|()| 0)
                .map_err(|error| renamed(error, place));
        }
        let schemata = [("--l3-cache-schema", &self.l3_cache_schema), ("--mem-bw-schema", &self.mem_bw_schema)];
        let schemata = schemata.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let schemata: Vec<_> = schemata.filter(|(_, value)| !value.is_empty()).collect();
        let flags = self.flags();
        let json = json(&flags)?.to_string();
        let place = |place: &str| {
            let flag = |flag: &&Flag<'_>| place == format!("linux.resources.{}.{}", flag.2[0], flag.2[1]);
            flags.iter().find(flag).map(|flag| flag.0.to_owned())
        };
        let done = update(&context.store()?, &self.id, json.as_bytes(), LINE, &schemata);
        done.map(|()| 0).map_err(|error| {
            let mut error = renamed(error, place);
            for problem in &mut error.problems {
                // There is no file of which this could be a line.
                let _ = problem.hint.take_if(|hint| hint.ends_with(LINE));
            }
            error
        })
    }
}

impl Update {
    fn flags(&self) -> [Flag<'_>; 16] {
        [
            Flag("--blkio-weight", &self.blkio_weight, ["blockIO", "weight"], Kind::Number(0)),
            Flag("--cpu-period", &self.cpu_period, ["cpu", "period"], Kind::Number(0)),
            Flag("--cpu-quota", &self.cpu_quota, ["cpu", "quota"], Kind::Number(-1)),
            Flag("--cpu-burst", &self.cpu_burst, ["cpu", "burst"], Kind::Number(0)),
            Flag("--cpu-rt-period", &self.cpu_rt_period, ["cpu", "realtimePeriod"], Kind::Number(0)),
            Flag("--cpu-rt-runtime", &self.cpu_rt_runtime, ["cpu", "realtimeRuntime"], Kind::Number(0)),
            Flag("--cpu-share", &self.cpu_share, ["cpu", "shares"], Kind::Number(0)),
            Flag("--cpu-idle", &self.cpu_idle, ["cpu", "idle"], Kind::Number(0)),
            Flag("--cpuset-cpus", &self.cpuset_cpus, ["cpu", "cpus"], Kind::Text),
            Flag("--cpuset-mems", &self.cpuset_mems, ["cpu", "mems"], Kind::Text),
            Flag("--memory", &self.memory, ["memory", "limit"], Kind::Size),
            Flag("--memory-reservation", &self.memory_reservation, ["memory", "reservation"], Kind::Size),
            Flag("--memory-swap", &self.memory_swap, ["memory", "swap"], Kind::Size),
            Flag("--kernel-memory", &self.kernel_memory, ["memory", "kernel"], Kind::Size),
            Flag("--kernel-memory-tcp", &self.kernel_memory_tcp, ["memory", "kernelTCP"], Kind::Size),
            Flag("--pids-limit", &self.pids_limit, ["pids", "limit"], Kind::Number(-1)),
        ]
    }
}

/// What the flags ask for, as a file would say it. A pids limit of 0 counts as not given, as with runc.
fn json(flags: &[Flag<'_>]) -> Result<Value> {
    let mut resources = Map::new();
    for Flag(name, value, [part, member], kind) in flags {
        let Some(text) = value.as_deref().filter(|text| !text.is_empty()) else { continue };
        let value = match kind {
            Kind::Text => json!(text),
            Kind::Size => json!(size::bytes(text).ok_or_else(|| {
                Error::new(*name, format!("{text:?} is no size")).hint("a number of bytes, or with a unit: 512m, 1.5g")
            })?),
            Kind::Number(least) => json!(
                text.parse()
                    .ok()
                    .filter(|number: &i64| number >= least)
                    .ok_or_else(|| { Error::new(*name, format!("{text:?} is no whole number of at least {least}")) })?
            ),
        };
        if (*part, &value) != ("pids", &json!(0)) {
            let part = resources.entry(*part).or_insert_with(|| json!({}));
            part[member] = value;
        }
    }
    Ok(Value::Object(resources))
}

/// The file's content and its name for errors.
fn read(file: &str) -> Result<(Vec<u8>, &str)> {
    let mut json = Vec::new();
    let (content, name) = match file {
        "-" => (std::io::stdin().lock().read_to_end(&mut json).map(|_| json), "standard input"),
        _ => (std::fs::read(file), file),
    };
    content.map(|json| (json, name)).map_err(|cause| Error::io("--resources", format!("{name} can't be read"), cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &[&str]) -> Result<Value> {
        json(&Update::try_parse_from(["update"].iter().chain(line).chain(&["id"])).unwrap().flags())
    }

    #[test]
    fn flags_stand_for_json() {
        let line = ["--memory=512m", "--memory-swap=-1", "--cpu-quota=50000", "--cpuset-cpus=0-1", "--pids-limit=-1"];
        assert_eq!(
            asked(&line).unwrap(),
            json!({
                "memory": {"limit": 512 << 20, "swap": -1}, "cpu": {"quota": 50_000, "cpus": "0-1"},
                "pids": {"limit": -1}
            })
        );
        assert_eq!(asked(&["--pids-limit=0", "--cpuset-mems="]).unwrap(), json!({}));
    }

    #[test]
    fn what_is_no_value() {
        let said = |flag| asked(&[flag]).unwrap_err().to_string();
        assert_eq!(
            said("--memory=lots"),
            "--memory: \"lots\" is no size (a number of bytes, or with a unit: 512m, 1.5g)"
        );
        assert_eq!(said("--cpu-share=-5"), "--cpu-share: \"-5\" is no whole number of at least 0");
        assert!(said("--pids-limit=1x").starts_with("--pids-limit: \"1x\""));
    }
}
