//! `linux.memoryPolicy`: from words to what set_mempolicy(2) takes.

use oci_spec::runtime::{LinuxMemoryPolicy, MemoryPolicyFlagType as Flag, MemoryPolicyModeType as Mode};

use super::MemoryPolicy;
use super::list::{self, Range, Wrong};
use crate::bundle::Findings;
use crate::error::Problem;

/// The modes, by name and number (linux/mempolicy.h).
const MODES: [(Mode, &str, u32); 7] = [
    (Mode::MpolDefault, "MPOL_DEFAULT", 0),
    (Mode::MpolPreferred, "MPOL_PREFERRED", 1),
    (Mode::MpolBind, "MPOL_BIND", 2),
    (Mode::MpolInterleave, "MPOL_INTERLEAVE", 3),
    (Mode::MpolLocal, "MPOL_LOCAL", 4),
    (Mode::MpolPreferredMany, "MPOL_PREFERRED_MANY", 5),
    (Mode::MpolWeightedInterleave, "MPOL_WEIGHTED_INTERLEAVE", 6),
];

/// The flags, by name and bit.
const FLAGS: [(Flag, &str, u32); 3] = [
    (Flag::MpolFNumaBalancing, "MPOL_F_NUMA_BALANCING", 1 << 13),
    (Flag::MpolFRelativeNodes, "MPOL_F_RELATIVE_NODES", 1 << 14),
    (Flag::MpolFStaticNodes, "MPOL_F_STATIC_NODES", 1 << 15),
];

/// More nodes than any kernel can be built for (`CONFIG_NODES_SHIFT` is at most 10).
const MOST_NODES: u32 = 4096;

/// The names of all modes, for `features`.
pub fn modes() -> impl Iterator<Item = &'static str> {
    MODES.iter().map(|(_, name, _)| *name)
}

/// The names of all flags, for `features`.
pub fn flags() -> impl Iterator<Item = &'static str> {
    FLAGS.iter().map(|(_, name, _)| *name)
}

/// A mode with its flags, in words.
pub fn name(mode: u32) -> String {
    let flags = FLAGS.iter().filter(|(_, _, bit)| mode & bit != 0).map(|(_, name, _)| *name);
    let plain = mode & !FLAGS.iter().fold(0, |all, (_, _, bit)| all | bit);
    let mode = MODES.iter().filter(|(_, _, number)| *number == plain).map(|(_, name, _)| *name);
    mode.chain(flags).collect::<Vec<_>>().join(" ")
}

/// The policy; what the kernel would refuse without a word is told here.
pub fn new(policy: &LinuxMemoryPolicy, found: &mut Findings) -> Option<MemoryPolicy> {
    let (_, name, number) = MODES.iter().find(|(mode, ..)| *mode == policy.mode())?;
    let words = policy.flags().as_deref().unwrap_or_default();
    let flags = FLAGS.iter().filter(|(flag, ..)| words.contains(flag)).fold(0, |all, (_, _, bit)| all | bit);
    let text = policy.nodes().as_deref().unwrap_or_default().trim();
    let nodes = match nodes(text) {
        Ok(nodes) => nodes,
        Err(what) => {
            let hint = "write numbers and ranges of them: \"0-3,8\"";
            found.error(Problem::new("linux.memoryPolicy.nodes", what).hint(hint));
            return None;
        }
    };
    check(policy.mode(), name, flags, nodes.is_empty(), found);
    Some(MemoryPolicy { mode: number | flags, nodes })
}

fn check(mode: Mode, name: &str, flags: u32, no_nodes: bool, found: &mut Findings) {
    const RELATIVE: u32 = 1 << 14;
    const STATIC: u32 = 1 << 15;
    const BALANCING: u32 = 1 << 13;
    let mut refuse = |field: &str, what: String| {
        found.error(Problem::new(format!("linux.memoryPolicy.{field}"), what));
    };
    let nowhere = matches!(mode, Mode::MpolDefault | Mode::MpolLocal);
    if nowhere && !no_nodes {
        refuse("nodes", format!("{name} has no nodes; leave them out"));
    }
    // MPOL_PREFERRED without nodes is local allocation.
    if !nowhere && no_nodes && mode != Mode::MpolPreferred {
        refuse("nodes", format!("{name} needs at least one node, as \"0\""));
    }
    if flags & RELATIVE != 0 && flags & STATIC != 0 {
        refuse("flags", "MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES exclude each other".to_owned());
    }
    if flags & (RELATIVE | STATIC) != 0 && no_nodes {
        refuse("flags", format!("say how nodes are counted, and {name} has none here"));
    }
    if flags & BALANCING != 0 && !matches!(mode, Mode::MpolBind | Mode::MpolPreferredMany) {
        refuse("flags", format!("MPOL_F_NUMA_BALANCING goes with MPOL_BIND and MPOL_PREFERRED_MANY, not with {name}"));
    }
}

/// The nodes of `0-3,8` as bits; none for an empty text.
fn nodes(text: &str) -> Result<Vec<u64>, String> {
    let mut bits = Vec::new();
    if text.is_empty() {
        return Ok(bits);
    }
    for part in text.split(',').map(str::trim) {
        let range = match Range::parse(part) {
            Ok(range) if range.last < MOST_NODES && !range.has_stride() => range,
            Err(Wrong::Backwards) => return Err(format!("the range \"{part}\" ends before it begins")),
            Ok(_) | Err(Wrong::Form | Wrong::High(_)) => {
                return Err(format!("\"{part}\" is not a node, nor a range of nodes"));
            }
        };
        range.numbers(MOST_NODES).for_each(|node| list::add(&mut bits, node));
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(json: serde_json::Value) -> Result<MemoryPolicy, Vec<String>> {
        let mut found = Findings::default();
        let policy = new(&serde_json::from_value(json).unwrap(), &mut found);
        if found.errors.is_empty() {
            Ok(policy.unwrap())
        } else {
            Err(found.errors.iter().map(ToString::to_string).collect())
        }
    }

    #[test]
    fn nodes_are_bits() {
        assert_eq!(nodes(""), Ok(vec![]));
        assert_eq!(nodes("0"), Ok(vec![1]));
        assert_eq!(nodes("0-3,8"), Ok(vec![0x10f]));
        assert_eq!(nodes("1, 64-65"), Ok(vec![2, 3]));
        assert_eq!(nodes("63-64"), Ok(vec![1 << 63, 1]));
        for wrong in ["-", "a", "1-", "-1", "3-1", "0,,1", "4096", "99999999999", "+1", "all", "0x1"] {
            assert!(nodes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_kernels_numbers() {
        let json = serde_json::json!({"mode": "MPOL_BIND", "nodes": "0-1", "flags": ["MPOL_F_NUMA_BALANCING", "MPOL_F_STATIC_NODES"]});
        assert_eq!(policy(json), Ok(MemoryPolicy { mode: 0xa002, nodes: vec![3] }));
        assert_eq!(policy(serde_json::json!({"mode": "MPOL_DEFAULT"})), Ok(MemoryPolicy { mode: 0, nodes: vec![] }));
        for ((_, name, number), libc) in MODES.iter().zip([
            libc::MPOL_DEFAULT,
            libc::MPOL_PREFERRED,
            libc::MPOL_BIND,
            libc::MPOL_INTERLEAVE,
            libc::MPOL_LOCAL,
        ]) {
            assert_eq!(libc::c_int::try_from(*number), Ok(libc), "{name}");
        }
        let bits = [libc::MPOL_F_NUMA_BALANCING, libc::MPOL_F_RELATIVE_NODES, libc::MPOL_F_STATIC_NODES];
        assert_eq!(FLAGS.map(|(_, _, bit)| libc::c_int::try_from(bit).unwrap()), bits);
    }

    #[test]
    fn what_the_kernel_refuses_is_told() {
        let said = |json| policy(json).unwrap_err().join("; ");
        assert_eq!(
            said(serde_json::json!({"mode": "MPOL_LOCAL", "nodes": "0"})),
            "linux.memoryPolicy.nodes: MPOL_LOCAL has no nodes; leave them out"
        );
        assert_eq!(
            said(serde_json::json!({"mode": "MPOL_INTERLEAVE", "flags": ["MPOL_F_STATIC_NODES"]})),
            "linux.memoryPolicy.nodes: MPOL_INTERLEAVE needs at least one node, as \"0\"; \
             linux.memoryPolicy.flags: say how nodes are counted, and MPOL_INTERLEAVE has none here"
        );
        let flags = ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES", "MPOL_F_NUMA_BALANCING"];
        assert_eq!(
            said(serde_json::json!({"mode": "MPOL_PREFERRED", "nodes": "0", "flags": flags})),
            "linux.memoryPolicy.flags: MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES exclude each other; \
             linux.memoryPolicy.flags: MPOL_F_NUMA_BALANCING goes with MPOL_BIND and MPOL_PREFERRED_MANY, not with MPOL_PREFERRED"
        );
    }
}
