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
const VALUES: [u64; 14] = [
    0,
    1,
    2,
    3,
    9,
    16,
    0x7e02_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_0000_0001,
    u64::MAX,
];
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

/// A random profile about some of `names`; `tangled` if a call can have several rules with conditions of any kind.
///
/// There libseccomp 2.5 is no oracle: in the tree into which it merges such rules a turn can lead to a comparison
/// while another argument, or another half of it, is in the accumulator than the one that is meant.
pub fn random(random: &mut Random, names: &[String], tangled: bool) -> LinuxSeccomp {
    let archs: Vec<_> = ARCHS.into_iter().filter(|_| random.below(2) == 0).collect();
    // x32 compares all 64 bits here and 32 there.
    let values = if archs.contains(&Arch::ScmpArchX32) { &VALUES[..NARROW] } else { &VALUES[..] };
    let mut names = names.to_vec();
    let mut rules = Vec::new();
    for _ in 0..=random.below(25) {
        let verdict = action(random);
        // Each name is taken once, so that all rules on one call have the same action.
        let mut take = |random: &mut Random| names.swap_remove(random.below(names.len()));
        if random.below(3) == 0 {
            let many = 1 + random.below(10);
            let names: Vec<_> = (0..many).map(|_| take(random)).filter(|name| name != "write").collect();
            if !names.is_empty() {
                rules.push(rule(&verdict, json!(names), json!([])));
            }
            continue;
        }
        let name = take(random);
        if name != "write" {
            conditional(random, &mut rules, &verdict, &name, values, tangled);
        }
    }
    let default = loop {
        let default = action(random);
        if default["action"] != "SCMP_ACT_NOTIFY" {
            break default;
        }
    };
    let mut profile = json!({"defaultAction": default["action"], "architectures": archs, "syscalls": rules, "listenerPath": "/run/agent"});
    if let Some(errno) = default.get("errnoRet") {
        profile["defaultErrnoRet"] = errno.clone();
    }
    self::profile(profile)
}

/// Adds rules with conditions on one call: one with several, or several with one value each, or anything.
fn conditional(random: &mut Random, rules: &mut Vec<Value>, action: &Value, name: &str, values: &[u64], tangled: bool) {
    let several = random.below(2) == 0;
    let index = random.below(6);
    for _ in 0..if several || tangled { 1 + random.below(5) } else { 1 } {
        let args: Vec<_> = match (several, tangled) {
            (true, false) => vec![json!({"index": index, "value": random.pick(values), "op": "SCMP_CMP_EQ"})],
            (_, true) => (0..=random.below(3)).map(|_| arg(random, usize::MAX, values)).collect(),
            (false, false) => (0..=random.below(3)).map(|next| arg(random, (index + next) % 6, values)).collect(),
        };
        rules.push(rule(action, json!([name]), json!(args)));
    }
    // Sometimes a rule without conditions beats them, wherever it stands. On what can also be made through
    // socketcall or ipc libseccomp refuses it, for all architectures.
    let refused = ["acc", "bind", "conn", "get", "listen", "msg", "recv", "sem", "send", "set", "shm", "shut", "sock"];
    if random.below(8) == 0 && (tangled || !refused.iter().any(|begin| name.starts_with(begin))) {
        rules.push(rule(&json!({"action": "SCMP_ACT_TRAP"}), json!([name]), json!([])));
    }
}

fn rule(action: &Value, names: Value, args: Value) -> Value {
    let mut rule = action.clone();
    rule["names"] = names;
    rule["args"] = args;
    rule
}

fn action(random: &mut Random) -> Value {
    let action = *random.pick(&ACTIONS);
    match action {
        "SCMP_ACT_ERRNO" => json!({"action": action, "errnoRet": random.pick(&[1, 2, 38, 95])}),
        "SCMP_ACT_TRACE" => json!({"action": action, "errnoRet": random.below(0x1_0000)}),
        _ => json!({"action": action}),
    }
}

/// A condition on the argument `index`; without one, on any argument.
fn arg(random: &mut Random, index: usize, values: &[u64]) -> Value {
    let index = if index < 6 { index } else { random.below(6) };
    let op = *random.pick(&OPERATORS);
    let mut arg = json!({"index": index, "value": random.pick(values), "op": op});
    if op == "SCMP_CMP_MASKED_EQ" {
        // With an empty mask it would be no condition at all.
        arg["value"] = json!(random.pick(&values[1..]));
        arg["valueTwo"] = json!(random.pick(values));
    }
    arg
}
