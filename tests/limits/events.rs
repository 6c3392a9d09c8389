//! `events --stats` where every controller counts: each section that engines read, of a container that has used it.

use serde_json::{Value, json};

use crate::io::on_disk;
use crate::kit::{has, has_file, keyed, of, start_as, until};
use crate::support::{Bundle, guarded};

const MIB: u64 = 1 << 20;

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// The value of the entry of this disk that counts `op`.
fn entry(list: &Value, (major, minor): (u64, u64), op: &str) -> u64 {
    let of_disk =
        |entry: &&Value| entry["op"] == op && (&entry["major"], &entry["minor"]) == (&json!(major), &json!(minor));
    number(&list.as_array().unwrap().iter().find(of_disk).unwrap_or_else(|| panic!("no {op} in {list}"))["value"])
}

#[test]
fn every_section() {
    let _alone = crate::io::alone();
    guarded(|host| {
        if !has(&["cpu", "cpuset", "memory", "pids", "io", "hugetlb", "rdma"])
            || !has_file("/sys/class/infiniband/rxe0")
            || !host.is_onggi()
        {
            return;
        }
        let Some(disk) = crate::io::needs() else { return };
        let deeds =
            ["disk", "read", "/dev/disk", "4", "256", "eat", "12", "try-huge", "2", "fork", "2", "say", "done", "spin"];
        let bundle = on_disk(Bundle::new().deeds(&deeds), disk).edit(|config| {
            let resources = &mut config["linux"]["resources"];
            resources["memory"] = json!({"limit": 64 * MIB, "swap": 96 * MIB});
            resources["pids"] = json!({"limit": 30});
            resources["cpu"] = json!({"quota": 5000, "period": 50_000, "cpus": "0", "mems": "0"});
            resources["hugepageLimits"] = json!([{"pageSize": "2MB", "limit": 4 * MIB}]);
            resources["rdma"] = json!({"rxe0": {"hcaHandles": 3, "hcaObjects": 100}});
        });
        let mut container = start_as(host, &bundle, "jar");
        // How long the disk took, and what the huge pages came to.
        assert_eq!(
            (container.line().parse::<u64>().is_ok(), container.line(), container.line()),
            (true, "ok".into(), "done".into())
        );
        let folder = of(container.pid());
        until("it is throttled", || keyed(&folder, "cpu.stat", "nr_throttled") > 3);
        let output = host.runtime().call(["events", "--stats", "jar"]).ok();
        let data = &serde_json::from_str::<Value>(&output.stdout).unwrap()["data"];
        let (cpu, memory) = (&data["cpu"], &data["memory"]);
        assert!(number(&cpu["usage"]["total"]) >= number(&cpu["usage"]["user"]) && number(&cpu["usage"]["user"]) > 0);
        let throttling = &cpu["throttling"];
        assert!(number(&throttling["periods"]) >= number(&throttling["throttledPeriods"]));
        assert!(number(&throttling["throttledPeriods"]) > 3 && number(&throttling["throttledTime"]) > 0);
        assert_eq!((&data["cpuset"]["cpus"], &data["cpuset"]["mems"]), (&json!([0]), &json!([0])));
        let usage = &memory["usage"];
        assert!((12 * MIB..=64 * MIB).contains(&number(&usage["usage"])), "{usage}");
        assert!(number(&usage["max"]) >= number(&usage["usage"]), "{usage}");
        assert_eq!((number(&usage["limit"]), number(&memory["swap"]["limit"])), (64 * MIB, 96 * MIB));
        assert!(number(&memory["raw"]["anon"]) >= 12 * MIB);
        assert_eq!((&data["pids"]["current"], &data["pids"]["limit"]), (&json!(3), &json!(30)));
        let blkio = &data["blkio"];
        assert_eq!(entry(&blkio["ioServiceBytesRecursive"], disk, "Read"), MIB);
        assert!(entry(&blkio["ioServicedRecursive"], disk, "Read") >= 4);
        assert_eq!(number(&data["hugetlb"]["2MB"]["usage"]), 2 * MIB);
        let limits = json!([{"device": "rxe0", "hca_handles": 3, "hca_objects": 100}]);
        assert_eq!(data["rdma"]["rdma_limit"], limits);
        assert_eq!(data["rdma"]["rdma_current"][0]["device"], "rxe0");
        for psi in [&cpu["psi"], &memory["psi"], &blkio["psi"]] {
            assert!(psi["some"]["avg10"].is_number() && psi["full"]["total"].is_number(), "{psi}");
        }
        assert!(number(&cpu["psi"]["some"]["total"]) > 0, "{}", cpu["psi"]);
        container.force_delete();
    });
}
