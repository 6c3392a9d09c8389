//! The program, run by a small interpreter, agrees with the rules read one by one.

use oci_spec::runtime::LinuxResources;
use proptest::prelude::*;

use super::super::device_rules::rules;
use super::*;

/// Runs a program as the kernel does: what `BPF_PROG_TYPE_CGROUP_DEVICE` returns.
fn run(program: &Program, kind: u32, major: u32, minor: u32, access: u8) -> u32 {
    let context = [u32::from(access) << 16 | kind, major, minor];
    let mut registers = [0u32; 11];
    let mut at = 0;
    for _ in 0..program.instructions.len() {
        let Instruction {
            code,
            registers: operands,
            offset,
            immediate,
        } = program.instructions[at];
        let (target, constant) = (usize::from(operands & 15), immediate.cast_unsigned());
        at += 1;
        let jump = match code {
            LOAD_WORD => {
                assert_eq!(operands >> 4, CONTEXT);
                registers[target] = context[usize::try_from(offset).unwrap() / 4];
                false
            }
            AND => {
                registers[target] &= constant;
                false
            }
            SHIFT_RIGHT => {
                registers[target] >>= constant;
                false
            }
            MOVE => {
                registers[target] = constant;
                false
            }
            JUMP => true,
            JUMP_IF_EQUAL => registers[target] == constant,
            JUMP_UNLESS_EQUAL => registers[target] != constant,
            EXIT => return registers[usize::from(RESULT)],
            _ => panic!("instruction {code:#x}"),
        };
        if jump {
            // Forward only: the program ends.
            at += usize::try_from(offset).unwrap();
        }
    }
    panic!("the program runs off its end");
}

/// The rules themselves: each access that is asked for must have been allowed last.
fn allows(rules: &[DeviceRule], kind: DeviceKind, major: u32, minor: u32, access: u8) -> bool {
    [1, 2, 4]
        .into_iter()
        .filter(|bit| access & bit != 0)
        .all(|bit| {
            let speaks = |rule: &&DeviceRule| {
                rule.kind.is_none_or(|its| its == kind)
                    && rule.major.is_none_or(|its| its == major)
                    && rule.minor.is_none_or(|its| its == minor)
                    && rule.access.0 & bit != 0
            };
            rules
                .iter()
                .rev()
                .find(speaks)
                .is_some_and(|rule| rule.allow)
        })
}

fn agree(rules: &[DeviceRule], numbers: &[u32]) -> Result<(), TestCaseError> {
    let program = Program::new(rules).unwrap();
    for kind in [DeviceKind::Block, DeviceKind::Character] {
        for &major in numbers {
            for &minor in numbers {
                for access in 0..8 {
                    let verdict = run(&program, kind as u32, major, minor, access);
                    let wanted = u32::from(allows(rules, kind, major, minor, access));
                    prop_assert_eq!(verdict, wanted, "{:?} {}:{} {}", kind, major, minor, access);
                }
            }
        }
    }
    Ok(())
}

fn rule() -> impl Strategy<Value = DeviceRule> {
    let kind = prop_oneof![
        Just(None),
        Just(Some(DeviceKind::Block)),
        Just(Some(DeviceKind::Character))
    ];
    let number = || prop_oneof![Just(None), (0u32..4).prop_map(Some), Just(Some(u32::MAX))];
    (any::<bool>(), kind, number(), number(), 0u8..8).prop_map(
        |(allow, kind, major, minor, access)| DeviceRule {
            allow,
            kind,
            major,
            minor,
            access: Access(access),
        },
    )
}

proptest! {
    #[test]
    fn any_rules(rules in prop::collection::vec(rule(), 0..12)) {
        agree(&rules, &[0, 1, 2, 3, 4, u32::MAX])?;
    }
}

fn from_json(devices: &str) -> Vec<DeviceRule> {
    let resources: LinuxResources =
        serde_json::from_str(&format!(r#"{{"devices": {devices}}}"#)).unwrap();
    rules(&resources).unwrap()
}

fn verdict(rules: &[DeviceRule], kind: DeviceKind, major: u32, minor: u32, access: Access) -> bool {
    run(
        &Program::new(rules).unwrap(),
        kind as u32,
        major,
        minor,
        access.0,
    ) == 1
}

const DOCKER: &str = r#"[
    {"allow": false, "access": "rwm"},
    {"allow": true, "type": "c", "major": 1, "minor": 5, "access": "rwm"},
    {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"},
    {"allow": true, "type": "c", "major": 1, "minor": 9, "access": "rwm"},
    {"allow": true, "type": "c", "major": 1, "minor": 8, "access": "rwm"},
    {"allow": true, "type": "c", "major": 5, "minor": 0, "access": "rwm"},
    {"allow": true, "type": "c", "major": 5, "minor": 1, "access": "rwm"},
    {"allow": false, "type": "c", "major": 10, "minor": 229, "access": "rwm"}]"#;

#[test]
fn no_rules_deny_all_but_the_default_devices() {
    for rules in [
        rules(&LinuxResources::default()).unwrap(),
        from_json("[]"),
        from_json("null"),
        from_json(DOCKER),
    ] {
        use DeviceKind::{Block, Character};
        for (major, minor) in [
            (1, 3),
            (1, 5),
            (1, 7),
            (1, 8),
            (1, 9),
            (5, 0),
            (5, 1),
            (5, 2),
            (136, 0),
            (136, 999),
        ] {
            assert!(
                verdict(&rules, Character, major, minor, Access::ALL),
                "c {major}:{minor}"
            );
            assert!(
                !verdict(&rules, Block, major, minor, Access::READ),
                "b {major}:{minor}"
            );
        }
        // mem, kmem, port, kmsg, loop-control, tun, fuse.
        for (major, minor) in [
            (1, 1),
            (1, 2),
            (1, 4),
            (1, 11),
            (10, 237),
            (10, 200),
            (10, 229),
        ] {
            assert!(
                verdict(&rules, Character, major, minor, Access::MAKE),
                "mknod c {major}:{minor}"
            );
            assert!(
                !verdict(&rules, Character, major, minor, Access::READ),
                "c {major}:{minor}"
            );
            assert!(
                !verdict(&rules, Character, major, minor, Access::WRITE),
                "c {major}:{minor}"
            );
        }
        assert!(verdict(&rules, Block, 8, 0, Access::MAKE));
        assert!(!verdict(&rules, Block, 8, 0, Access::READ));
    }
}

#[test]
fn engines_rules_are_short() {
    let instructions = Program::new(&from_json(DOCKER)).unwrap().instructions.len();
    assert!(instructions <= 28, "{instructions} instructions");
    let privileged = Program::new(&from_json(r#"[{"allow": true, "access": "rwm"}]"#)).unwrap();
    assert!(privileged.instructions.len() == 2);
}

#[test]
fn everything_after_nothing() {
    let rules = from_json(
        r#"[{"allow": false, "access": "rwm"}, {"allow": true, "type": "a", "access": "rwm"}]"#,
    );
    assert!(verdict(&rules, DeviceKind::Block, 8, 0, Access::ALL));
    assert!(verdict(&rules, DeviceKind::Character, 1, 1, Access::ALL));
}

#[test]
fn a_denial_of_a_default_device_holds_if_it_follows_the_general_one() {
    let rules = from_json(
        r#"[{"allow": false, "access": "rwm"}, {"allow": false, "type": "c", "major": 1, "minor": 9, "access": "w"}]"#,
    );
    assert!(verdict(&rules, DeviceKind::Character, 1, 9, Access::READ));
    assert!(!verdict(&rules, DeviceKind::Character, 1, 9, Access::WRITE));
}

#[test]
fn what_is_wrong_is_named() {
    let devices = r#"[{"allow": true, "access": "rx"}, {"allow": true, "type": "c", "major": -2}, {"allow": true, "type": "p"},
        {"allow": true, "type": "b", "major": 1, "minor": 4294967296}]"#;
    let resources: LinuxResources =
        serde_json::from_str(&format!(r#"{{"devices": {devices}}}"#)).unwrap();
    let places: Vec<_> = rules(&resources)
        .unwrap_err()
        .into_iter()
        .map(|problem| problem.place)
        .collect();
    let at = |index, field| format!("linux.resources.devices[{index}].{field}");
    assert_eq!(
        places,
        [
            at(0, "access"),
            at(1, "major"),
            at(2, "type"),
            at(3, "minor")
        ]
    );
}

#[test]
fn making_a_node_is_denied_only_by_name() {
    let rules = |access| {
        from_json(&format!(
            r#"[{{"allow": false, "access": "rwm"}}, {{"allow": false, "type": "c", "major": 10, "access": "{access}"}}]"#
        ))
    };
    assert!(verdict(
        &rules("rwm"),
        DeviceKind::Character,
        10,
        229,
        Access::MAKE
    ));
    assert!(!verdict(
        &rules("m"),
        DeviceKind::Character,
        10,
        229,
        Access::MAKE
    ));
    assert!(verdict(
        &rules("m"),
        DeviceKind::Character,
        11,
        229,
        Access::MAKE
    ));
}

#[test]
fn too_many_rules_are_an_error() {
    let rule = |minor| DeviceRule {
        allow: true,
        kind: Some(DeviceKind::Character),
        major: Some(8),
        minor: Some(minor),
        access: Access::READ,
    };
    let rules: Vec<_> = (0..40_000).map(rule).collect();
    assert!(Program::new(&rules[..10_000]).is_ok());
    assert_eq!(
        Program::new(&rules).unwrap_err().place,
        "linux.resources.devices"
    );
}
