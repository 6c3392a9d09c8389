//! The profiles that are compared: those of engines, and random ones.

use oci_spec::runtime::{Arch, LinuxSeccomp};
use serde_json::{Value, json};

/// Docker's default profile as a container without further capabilities gets it.
pub fn docker() -> LinuxSeccomp {
    serde_json::from_str(include_str!("docker-default.json")).unwrap()
}

/// Podman's, likewise.
pub fn podman() -> LinuxSeccomp {
    serde_json::from_str(include_str!("podman-default.json")).unwrap()
}

/// A profile from JSON.
pub fn profile(json: Value) -> LinuxSeccomp {
    serde_json::from_value(json).unwrap()
}

/// A stream of numbers that is the same each time (splitmix64).
pub struct Random(pub u64);

impl Random {
    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// One of `all`.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// The architectures of random profiles. s390x is not among them: libseccomp can't mix byte orders.
pub const ARCHS: [Arch; 7] = [
    Arch::ScmpArchX86_64,
    Arch::ScmpArchX86,
    Arch::ScmpArchX32,
    Arch::ScmpArchAarch64,
    Arch::ScmpArchArm,
    Arch::ScmpArchRiscv64,
    Arch::ScmpArchPpc64le,
];

/// Values around which comparisons change their mind.
const VALUES: [u64; 14] =
    [0, 1, 2, 3, 9, 16, 0x7e02_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_0001, u64::MAX];
/// Those of them that fit in 32 bits.
const NARROW: usize = 11;

const OPERATORS: [&str; 7] =
    ["SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"];

const ACTIONS: [&str; 8] = [
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_LOG",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_TRAP",
    "SCMP_ACT_NOTIFY",
];

/// A random profile about some of `names`.
///
/// All conditional rules on one call have the same action: where they overlap and differ, libseccomp's choice
/// follows from the order in its tree, which nobody could mean.
pub fn random(random: &mut Random, names: &[String]) -> LinuxSeccomp {
    let archs: Vec<_> = ARCHS.into_iter().filter(|_| random.below(2) == 0).collect();
    // x32 compares all 64 bits here and 32 there.
    let values = if archs.contains(&Arch::ScmpArchX32) { NARROW } else { VALUES.len() };
    let mut rules = Vec::new();
    for _ in 0..=random.below(25) {
        let name = random.pick(names).clone();
        let always = random.below(3) == 0;
        let action = action(random);
        for _ in 0..=random.below(if always { 1 } else { 6 }) {
            let args: Vec<Value> = (0..if always { 0 } else { 1 + random.below(3) }).map(|_| arg(random, values)).collect();
            let mut rule = action.clone();
            let mut same = vec![name.clone()];
            // Other calls with the same outcome make ranges.
            while always && random.below(4) != 0 {
                same.push(random.pick(names).clone());
            }
            if action["action"] == "SCMP_ACT_NOTIFY" {
                same.retain(|name| name != "write");
            }
            if same.is_empty() || (!always && rules.iter().any(|other| conflicts(other, &name, &action))) {
                continue;
            }
            same.retain(|name| always && !rules.iter().any(|other| decides(other, name)) || !always);
            if same.is_empty() {
                continue;
            }
            rule["names"] = json!(same);
            rule["args"] = json!(args);
            rules.push(rule);
        }
    }
    let mut profile = json!({"architectures": archs, "syscalls": rules, "listenerPath": "/run/agent"});
    let default = loop {
        let default = action(random);
        if default["action"] != "SCMP_ACT_NOTIFY" {
            break default;
        }
    };
    profile["defaultAction"] = default["action"].clone();
    if let Some(errno) = default.get("errnoRet") {
        profile["defaultErrnoRet"] = errno.clone();
    }
    self::profile(profile)
}

/// `rule` is a conditional one on `name` with another action.
fn conflicts(rule: &Value, name: &str, action: &Value) -> bool {
    let other = rule["action"] != action["action"] || rule["errnoRet"] != action["errnoRet"];
    other && rule["args"] != json!([]) && rule["names"].as_array().unwrap().iter().any(|one| one == name)
}

/// `rule` is an unconditional one on `name`.
fn decides(rule: &Value, name: &str) -> bool {
    rule["args"] == json!([]) && rule["names"].as_array().unwrap().iter().any(|one| one == name)
}

fn action(random: &mut Random) -> Value {
    let action = *random.pick(&ACTIONS);
    match action {
        "SCMP_ACT_ERRNO" => json!({"action": action, "errnoRet": random.pick(&[1, 2, 38, 95])}),
        "SCMP_ACT_TRACE" => json!({"action": action, "errnoRet": random.below(0x1_0000)}),
        _ => json!({"action": action}),
    }
}

fn arg(random: &mut Random, values: usize) -> Value {
    let op = *random.pick(&OPERATORS);
    let mut arg = json!({"index": random.below(6), "value": random.pick(&VALUES[..values]), "op": op});
    if op == "SCMP_CMP_MASKED_EQ" {
        arg["valueTwo"] = json!(random.pick(&VALUES[..values]));
    }
    arg
}
