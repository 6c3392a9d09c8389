//! What the kernel counts for a cgroup, in the shape in which engines know it from `runc events`.
//!
//! The names are those of the cgroup v1 days, which engines still read (containerd's go-runc has the types): so swap is that
//! of memory and swap together, and times are nanoseconds. What a controller that is not there would count is left out
//! or 0. Source: Documentation/admin-guide/cgroup-v2.rst, Documentation/accounting/psi.rst.

use std::collections::BTreeMap;

use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use serde::Serialize;

use super::{Cgroup, file};

/// All of it, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stats {
    cpu: Cpu,
    cpuset: Cpuset,
    memory: MemoryStats,
    pids: Pids,
    blkio: Blkio,
    hugetlb: BTreeMap<String, Hugetlb>,
    #[serde(skip_serializing_if = "Rdma::is_empty")]
    rdma: Rdma,
    intel_rdt: BTreeMap<String, String>,
    network_interfaces: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Cpu {
    usage: CpuUsage,
    throttling: Throttling,
    #[serde(skip_serializing_if = "Option::is_none")]
    psi: Option<Psi>,
}

/// Nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct CpuUsage {
    #[serde(skip_serializing_if = "zero")]
    total: u64,
    kernel: u64,
    user: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Throttling {
    #[serde(skip_serializing_if = "zero")]
    periods: u64,
    #[serde(skip_serializing_if = "zero")]
    throttled_periods: u64,
    /// Nanoseconds.
    #[serde(skip_serializing_if = "zero")]
    throttled_time: u64,
}

/// How long processes had to wait for something (PSI).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Psi {
    some: Pressure,
    full: Pressure,
}

/// Percent of the last 10, 60 and 300 seconds, and microseconds in all.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Pressure {
    avg10: f64,
    avg60: f64,
    avg300: f64,
    total: u64,
}

/// What may be used; the rest are switches of cgroup v1, all off.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Cpuset {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cpus: Vec<u32>,
    cpu_exclusive: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mems: Vec<u32>,
    mem_hardwall: u8,
    mem_exclusive: u8,
    memory_migrate: u8,
    memory_spread_page: u8,
    memory_spread_slab: u8,
    memory_pressure: u8,
    sched_load_balance: u8,
    sched_relax_domain_level: u8,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct MemoryStats {
    #[serde(skip_serializing_if = "zero")]
    cache: u64,
    usage: Amount,
    /// Of memory and swap together.
    swap: Amount,
    kernel: Amount,
    #[serde(rename = "kernelTCP")]
    kernel_tcp: Amount,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    raw: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    psi: Option<Psi>,
}

/// Bytes; the greatest number there is stands for no limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Amount {
    limit: u64,
    #[serde(skip_serializing_if = "zero")]
    usage: u64,
    #[serde(skip_serializing_if = "zero")]
    max: u64,
    failcnt: u64,
}

/// A limit of 0 means that there is no limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Pids {
    #[serde(skip_serializing_if = "zero")]
    current: u64,
    #[serde(skip_serializing_if = "zero")]
    limit: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Blkio {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    io_service_bytes_recursive: Vec<BlkioEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    io_serviced_recursive: Vec<BlkioEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    psi: Option<Psi>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct BlkioEntry {
    #[serde(skip_serializing_if = "zero")]
    major: u64,
    #[serde(skip_serializing_if = "zero")]
    minor: u64,
    op: &'static str,
    #[serde(skip_serializing_if = "zero")]
    value: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Hugetlb {
    #[serde(skip_serializing_if = "zero")]
    usage: u64,
    failcnt: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Rdma {
    rdma_limit: Vec<RdmaEntry>,
    rdma_current: Vec<RdmaEntry>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct RdmaEntry {
    device: String,
    hca_handles: u32,
    hca_objects: u32,
}

impl Rdma {
    fn is_empty(&self) -> bool {
        self.rdma_current.is_empty()
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn zero(number: &u64) -> bool {
    *number == 0
}

impl Cgroup {
    /// What the kernel has counted until now; nothing of a cgroup that is gone.
    pub fn stats(&self) -> Stats {
        Stats {
            cpu: self.cpu_stats(),
            cpuset: Cpuset {
                cpus: super::update::numbers(self.text("cpuset.cpus.effective").trim()),
                mems: super::update::numbers(self.text("cpuset.mems.effective").trim()),
                ..Cpuset::default()
            },
            memory: self.memory_stats(),
            pids: Pids { current: self.count_processes(), limit: self.number("pids.max").unwrap_or(0) },
            blkio: self.blkio_stats(),
            hugetlb: self.hugetlb_stats(),
            rdma: Rdma { rdma_limit: rdma(&self.text("rdma.max")), rdma_current: rdma(&self.text("rdma.current")) },
            ..Stats::default()
        }
    }

    fn text(&self, name: &str) -> String {
        file::read(self, name).unwrap_or_default()
    }

    /// The number in a file; `None` where there is no such file, or none but `max` in it.
    fn number(&self, name: &str) -> Option<u64> {
        self.text(name).trim().parse().ok()
    }

    fn pressure(&self, name: &str) -> Option<Psi> {
        psi(&file::read(self, name).ok()?)
    }

    fn cpu_stats(&self) -> Cpu {
        let stat = self.text("cpu.stat");
        let count = |key| file::keyed(&stat, key).unwrap_or(0);
        let nanoseconds = |key| count(key).saturating_mul(1000);
        Cpu {
            usage: CpuUsage {
                total: nanoseconds("usage_usec"),
                kernel: nanoseconds("system_usec"),
                user: nanoseconds("user_usec"),
            },
            throttling: Throttling {
                periods: count("nr_periods"),
                throttled_periods: count("nr_throttled"),
                throttled_time: nanoseconds("throttled_usec"),
            },
            psi: self.pressure("cpu.pressure"),
        }
    }

    fn memory_stats(&self) -> MemoryStats {
        let psi = self.pressure("memory.pressure");
        let Some(usage) = self.number("memory.current") else { return MemoryStats { psi, ..MemoryStats::default() } };
        let raw: BTreeMap<_, _> = self.text("memory.stat").lines().filter_map(pair).collect();
        let counted = |key: &str| raw.get(key).copied().unwrap_or(0);
        let events = self.text("memory.events");
        let (limit, swap_limit) = (self.number("memory.max"), self.number("memory.swap.max"));
        let both = limit.zip(swap_limit).and_then(|(memory, swap)| memory.checked_add(swap));
        let swap = self.number("memory.swap.current").unwrap_or(0);
        MemoryStats {
            cache: counted("file"),
            usage: Amount {
                limit: limit.unwrap_or(u64::MAX),
                usage,
                max: self.number("memory.peak").unwrap_or(0),
                failcnt: file::keyed(&events, "max").unwrap_or(0),
            },
            swap: Amount { limit: both.unwrap_or(u64::MAX), usage: usage.saturating_add(swap), ..Amount::default() },
            kernel: Amount { limit: u64::MAX, usage: counted("kernel"), ..Amount::default() },
            kernel_tcp: Amount { limit: u64::MAX, usage: counted("sock"), ..Amount::default() },
            raw,
            psi,
        }
    }

    fn count_processes(&self) -> u64 {
        self.number("pids.current").unwrap_or_else(|| self.processes().map_or(0, |pids| pids.len() as u64))
    }

    fn blkio_stats(&self) -> Blkio {
        let (bytes, times) = io(&self.text("io.stat"));
        Blkio { io_service_bytes_recursive: bytes, io_serviced_recursive: times, psi: self.pressure("io.pressure") }
    }

    fn hugetlb_stats(&self) -> BTreeMap<String, Hugetlb> {
        let stats = |size: &String| Hugetlb {
            usage: self.number(&format!("hugetlb.{size}.current")).unwrap_or(0),
            failcnt: file::keyed(&self.text(&format!("hugetlb.{size}.events")), "max").unwrap_or(0),
        };
        self.hugetlb_sizes()
            .into_iter()
            .map(|size| {
                let stats = stats(&size);
                (size, stats)
            })
            .collect()
    }

    /// The sizes of huge pages that this kernel has, as `2MB`.
    pub(super) fn hugetlb_sizes(&self) -> Vec<String> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let Ok(mut directory) = Dir::openat(self, ".", flags, Mode::empty()) else { return Vec::new() };
        let mut all = Vec::new();
        for entry in directory.iter().flatten() {
            let name = entry.file_name().to_string_lossy();
            let size = name.strip_prefix("hugetlb.").and_then(|rest| rest.strip_suffix(".current"));
            let Some(size) = size.filter(|size| !size.contains('.')) else { continue };
            all.push(size.to_owned());
        }
        all
    }
}

/// `anon 4096`
fn pair(line: &str) -> Option<(String, u64)> {
    let (key, value) = line.split_once(' ')?;
    Some((key.to_owned(), value.trim().parse().ok()?))
}

/// `some avg10=0.12 avg60=0.00 avg300=0.00 total=1234`, and `full` likewise.
fn psi(text: &str) -> Option<Psi> {
    let line = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        let value = |key| line.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        let percent = |key| value(key).and_then(|text| text.parse().ok()).unwrap_or(0.0);
        let total = value("total").and_then(|text| text.parse().ok()).unwrap_or(0);
        Some(Pressure { avg10: percent("avg10"), avg60: percent("avg60"), avg300: percent("avg300"), total })
    };
    Some(Psi { some: line("some")?, full: line("full").unwrap_or_default() })
}

/// Bytes and times of io.stat: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`.
fn io(text: &str) -> (Vec<BlkioEntry>, Vec<BlkioEntry>) {
    let (mut bytes, mut times) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let Some((device, counts)) = line.split_once(' ') else { continue };
        let Some((major, minor)) = device.split_once(':') else { continue };
        let (Ok(major), Ok(minor)) = (major.parse(), minor.parse()) else { continue };
        for (key, value) in counts.split_whitespace().filter_map(|word| word.split_once('=')) {
            let (list, op) = match key {
                "rbytes" => (&mut bytes, "Read"),
                "wbytes" => (&mut bytes, "Write"),
                "dbytes" => (&mut bytes, "Discard"),
                "rios" => (&mut times, "Read"),
                "wios" => (&mut times, "Write"),
                "dios" => (&mut times, "Discard"),
                _ => continue,
            };
            list.push(BlkioEntry { major, minor, op, value: value.parse().unwrap_or(0) });
        }
    }
    (bytes, times)
}

/// `mlx4_0 hca_handle=2 hca_object=max`
fn rdma(text: &str) -> Vec<RdmaEntry> {
    let entry = |line: &str| {
        let (device, counts) = line.split_once(' ')?;
        let count = |key| {
            let found = counts.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
            found.map_or(0, |text| text.parse().unwrap_or(u32::MAX))
        };
        let (hca_handles, hca_objects) = (count("hca_handle"), count("hca_object"));
        Some(RdmaEntry { device: device.to_owned(), hca_handles, hca_objects })
    };
    text.lines().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_counted_looks_as_runc_has_it() {
        let json = serde_json::to_value(Stats::default()).unwrap();
        assert_eq!(json["memory"]["usage"], json!({"limit": 0, "failcnt": 0}));
        assert_eq!(json["cpu"], json!({"usage": {"kernel": 0, "user": 0}, "throttling": {}}));
        assert_eq!(json["intel_rdt"], json!({}));
        assert_eq!(json["network_interfaces"], json!(null));
        assert_eq!((&json["pids"], &json["blkio"], &json["hugetlb"]), (&json!({}), &json!({}), &json!({})));
        assert!(json.get("rdma").is_none());
    }

    #[test]
    fn files_of_the_kernel() {
        let (bytes, times) = io("8:0 rbytes=1 wbytes=0 rios=3 wios=4 dbytes=0 dios=0\n7:1\n8:x rbytes=1\n");
        assert_eq!(serde_json::to_value(&bytes[0]).unwrap(), json!({"major": 8, "op": "Read", "value": 1}));
        assert_eq!((bytes.len(), times.len(), times[1].op, times[1].value), (3, 3, "Write", 4));
        let psi =
            psi("some avg10=1.50 avg60=0.00 avg300=0.25 total=77\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=3\n");
        assert_eq!(
            serde_json::to_value(psi.unwrap()).unwrap(),
            json!({"some": {"avg10": 1.5, "avg60": 0.0, "avg300": 0.25, "total": 77},
                   "full": {"avg10": 0.0, "avg60": 0.0, "avg300": 0.0, "total": 3}})
        );
        let rdma = rdma("mlx4_0 hca_handle=2 hca_object=max\n");
        assert_eq!((rdma[0].hca_handles, rdma[0].hca_objects), (2, u32::MAX));
    }
}
