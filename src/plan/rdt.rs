//! `linux.intelRdt`.

use oci_spec::runtime::LinuxIntelRdt;

use super::Rdt;

/// What is asked of resctrl.
pub fn new(rdt: &LinuxIntelRdt) -> Rdt {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let bandwidth = given(rdt.mem_bw_schema());
    let cache = given(rdt.l3_cache_schema()).unwrap_or_default();
    let lines = cache.lines().map(str::trim).filter(|line| !line.is_empty());
    // Where both have a line for memory bandwidth, that of memBwSchema counts (spec: config-linux, IntelRdt).
    let mut schemata: Vec<String> =
        lines.filter(|line| bandwidth.is_none() || !line.starts_with("MB:")).map(str::to_owned).collect();
    schemata.extend(bandwidth);
    // Last, as it overwrites what the others say of the same resource.
    schemata.extend(rdt.schemata().iter().flatten().cloned());
    Rdt { clos: given(rdt.clos_id()), schemata, monitoring: *rdt.enable_monitoring() == Some(true) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemata_in_their_order() {
        let json = serde_json::json!({
            "closID": "", "l3CacheSchema": "L3:0=f;1=f\nMB:0=10", "memBwSchema": "MB:0=20;1=70",
            "schemata": ["L2:0=3"], "enableMonitoring": true,
        });
        let rdt = new(&serde_json::from_value(json).unwrap());
        assert_eq!((rdt.clos, rdt.monitoring), (None, true));
        assert_eq!(rdt.schemata, ["L3:0=f;1=f", "MB:0=20;1=70", "L2:0=3"]);
        let alone = serde_json::json!({"l3CacheSchema": "L3:0=f\nMB:0=10"});
        assert_eq!(new(&serde_json::from_value(alone).unwrap()).schemata, ["L3:0=f", "MB:0=10"]);
    }
}
