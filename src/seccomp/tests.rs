//! What the door promises.

use serde_json::{Value, json};

use super::eval::{Call, run};
use super::*;

const X86_64: u32 = 0xc000_003e;
const X86: u32 = 0x4000_0003;
const AARCH64: u32 = 0xc000_00b7;
const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;

fn filter(config: Value) -> Filter {
    compile(&serde_json::from_value(config).unwrap()).unwrap()
}

/// `place: what (hint)` of every problem.
fn problems(config: Value) -> Vec<String> {
    compile(&serde_json::from_value(config).unwrap()).unwrap_err().iter().map(Problem::to_string).collect()
}

fn says(filter: &Filter, arch: u32, number: u32, args: [u64; 6]) -> u32 {
    run(&filter.program, &Call::new(arch, number, args))
}

/// A profile for `x86_64`, also where the tests run elsewhere.
fn x86_64(mut config: Value) -> Filter {
    config["architectures"] = json!(["SCMP_ARCH_X86_64"]);
    filter(config)
}

#[test]
fn dockers_profile_for_three_architectures_is_short() {
    let docker = include_str!("../../tests/seccomp/docker-default.json");
    let filter = compile(&serde_json::from_str(docker).unwrap()).unwrap();
    assert!(filter.program.len() <= 240, "{} instructions", filter.program.len());
    assert_eq!((filter.flags, filter.notify, filter.ignored), (0, false, vec![]));
}

#[test]
fn every_problem_names_its_place() {
    let rule = |change: Value| {
        let mut rule = json!({"names": ["read"], "action": "SCMP_ACT_ALLOW"});
        rule.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        rule
    };
    let found = problems(json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 4096,
        "listenerMetadata": "x",
        "syscalls": [
            rule(json!({"errnoRet": 1})),
            rule(json!({"action": "SCMP_ACT_TRACE", "errnoRet": 65536})),
            rule(json!({"action": "SCMP_ACT_NOTIFY", "names": ["read", "write"]})),
            rule(json!({"args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 6, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_EQ"}]})),
            rule(json!({"names": []})),
        ],
    }));
    let expected = [
        "linux.seccomp.defaultErrnoRet: must be at most 4095 with SCMP_ACT_ERRNO, not 4096",
        "linux.seccomp.syscalls[0].errnoRet: has no meaning with SCMP_ACT_ALLOW (only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno; remove it)",
        "linux.seccomp.syscalls[1].errnoRet: must be at most 65535 with SCMP_ACT_TRACE, not 65536",
        "linux.seccomp.syscalls[3].args[1].index: must be 0 to 5, not 6: a call has six arguments",
        "linux.seccomp.syscalls[3].args[1].valueTwo: 2 has no meaning with SCMP_CMP_EQ (only SCMP_CMP_MASKED_EQ takes two values: value is the mask, valueTwo what must remain)",
        "linux.seccomp.syscalls[4].names: is empty; a rule must name at least one call",
        "linux.seccomp.listenerPath: is missing, but linux.seccomp.syscalls[2] has the action SCMP_ACT_NOTIFY (give the path of the agent's Unix socket)",
        "linux.seccomp.listenerMetadata: must not be set without linux.seccomp.listenerPath",
    ];
    assert_eq!(found, expected);
    let notify = problems(json!({"defaultAction": "SCMP_ACT_NOTIFY"}));
    assert_eq!(
        notify,
        [
            "linux.seccomp.listenerPath: is missing, but linux.seccomp.defaultAction is SCMP_ACT_NOTIFY (give the path of the agent's Unix socket)"
        ]
    );
}

#[test]
fn a_filter_that_the_kernel_would_not_take_is_a_problem() {
    let arg = |value: u64| json!([{"index": value % 6, "value": value << 20, "op": "SCMP_CMP_GT"}]);
    let rules: Vec<_> =
        (1..1500).map(|value| json!({"names": ["read"], "action": "SCMP_ACT_ERRNO", "args": arg(value)})).collect();
    let found = problems(json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}));
    assert!(found[0].starts_with("linux.seccomp: needs a filter of "), "{found:?}");
}

#[test]
fn a_call_newer_than_the_profile_does_not_exist() {
    let named = json!([{"names": ["read", "openat2"], "action": "SCMP_ACT_ALLOW"}]);
    let filter = x86_64(json!({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13, "syscalls": named}));
    assert_eq!(says(&filter, X86_64, 437, [0; 6]), ALLOW);
    assert_eq!(says(&filter, X86_64, 436, [0; 6]), ERRNO + 13);
    assert_eq!(says(&filter, X86_64, 438, [0; 6]), ERRNO + 38);
    assert_eq!(says(&filter, X86_64, 0x3fff_ffff, [0; 6]), ERRNO + 38);
    for (action, verdict) in
        [("SCMP_ACT_KILL_PROCESS", 0x8000_0000), ("SCMP_ACT_LOG", 0x7ffc_0000), ("SCMP_ACT_TRAP", 0x0003_0000)]
    {
        let filter = x86_64(json!({"defaultAction": action, "syscalls": named}));
        assert_eq!(says(&filter, X86_64, 438, [0; 6]), verdict, "{action} stands");
    }
}

#[test]
fn arms_private_calls_do_not_make_the_others_old() {
    let named = json!([{"names": ["read", "cacheflush"], "action": "SCMP_ACT_ALLOW"}]);
    let filter =
        filter(json!({"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_ARM"], "syscalls": named}));
    let arm = |number| says(&filter, 0x4000_0028, number, [0; 6]);
    assert_eq!(
        (arm(3), arm(2), arm(4), arm(0xf_0001), arm(0xf_0002), arm(0xf_0003)),
        (ALLOW, ERRNO + 1, ERRNO + 38, ERRNO + 38, ALLOW, ERRNO + 38)
    );
}

#[test]
fn foreign_calls_kill() {
    let filter = x86_64(json!({"defaultAction": "SCMP_ACT_ALLOW"}));
    assert_eq!(says(&filter, X86_64, 1, [0; 6]), ALLOW);
    assert_eq!(says(&filter, X86, 1, [0; 6]), 0x8000_0000);
    assert_eq!(says(&filter, X86_64, 0x4000_0000, [0; 6]), 0x8000_0000, "x32 is not listed");
    assert_eq!(says(&filter, X86_64, 0xffff_fffe, [0; 6]), 0x8000_0000);
    assert_eq!(says(&filter, X86_64, u32::MAX, [0; 6]), ALLOW, "a call that a tracer skips");
}

#[test]
fn rules_on_one_call_keep_their_order() {
    let arg = |index: u32, value: u32| json!({"index": index, "value": value, "op": "SCMP_CMP_EQ"});
    let errno = |errno: u32, args: Value| json!({"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno, "args": args});
    let first = x86_64(
        json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [errno(2, json!([arg(0, 7)])), errno(3, json!([arg(1, 7)]))]}),
    );
    let read = |filter: &Filter, args: [u64; 6]| says(filter, X86_64, 0, args);
    assert_eq!(read(&first, [7, 7, 0, 0, 0, 0]), ERRNO + 2);
    assert_eq!(read(&first, [0, 7, 0, 0, 0, 0]), ERRNO + 3);
    assert_eq!(read(&first, [0; 6]), ALLOW);
    let always = x86_64(
        json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [errno(2, json!([arg(0, 7)])), errno(4, json!([]))]}),
    );
    assert_eq!(read(&always, [7, 0, 0, 0, 0, 0]), ERRNO + 4, "a rule without conditions beats the others");
    let either = x86_64(
        json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [errno(5, json!([arg(0, 7), arg(0, 8), arg(1, 1)]))]}),
    );
    let answers = [[7, 0], [8, 0], [0, 1], [0, 0]].map(|[one, two]| read(&either, [one, two, 0, 0, 0, 0]));
    assert_eq!(
        answers,
        [ERRNO + 5, ERRNO + 5, ERRNO + 5, ALLOW],
        "two conditions on one argument: any of all is enough"
    );
}

#[test]
fn a_rule_that_says_what_the_default_says_is_none() {
    let read = |action: &str, args: Value| json!({"names": ["read"], "action": action, "args": args});
    let seven = json!([{"index": 0, "value": 7, "op": "SCMP_CMP_EQ"}]);
    let config = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [read("SCMP_ACT_ALLOW", json!([])), read("SCMP_ACT_KILL", seven)]});
    assert_eq!(says(&x86_64(config), X86_64, 0, [7, 0, 0, 0, 0, 0]), 0);
}

#[test]
fn a_denied_socket_is_denied_through_socketcall_too() {
    let denied = json!([{"names": ["socket", "semop"], "action": "SCMP_ACT_ERRNO"}]);
    let filter =
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"], "syscalls": denied}));
    let x86 = |number, first| says(&filter, X86, number, [first, 0, 0, 0, 0, 0]);
    assert_eq!((x86(359, 0), x86(102, 1), x86(102, 2)), (ERRNO + 1, ERRNO + 1, ALLOW));
    assert_eq!((x86(117, 1), x86(117, 0x1_0001), x86(117, 2)), (ERRNO + 1, ERRNO + 1, ALLOW), "with a version too");
}

#[test]
fn flags_are_what_seccomp_takes() {
    let all = json!([
        "SECCOMP_FILTER_FLAG_TSYNC",
        "SECCOMP_FILTER_FLAG_LOG",
        "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"
    ]);
    let quiet = filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": all}));
    assert_eq!((quiet.flags, quiet.notify), (0b110, false));
    let rule = json!([{"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}]);
    let notifying = filter(
        json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": all, "listenerPath": "/run/agent", "syscalls": rule}),
    );
    assert_eq!((notifying.flags, notifying.notify), (0b10_1110, true));
}

#[test]
fn unknown_names_are_told_and_no_more() {
    let names = json!([{"names": ["read", "no_such_call"], "action": "SCMP_ACT_ERRNO"}]);
    let config = json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_MIPS", "SCMP_ARCH_AARCH64"], "syscalls": names});
    let filter = filter(config);
    assert_eq!(filter.ignored, ["no_such_call"]);
    assert_eq!(says(&filter, AARCH64, 63, [0; 6]), ERRNO + 1);
    assert_eq!(says(&filter, 8, 63, [0; 6]), 0x8000_0000, "no table, so foreign");
}

#[test]
fn what_is_allowed_for_certain() {
    let arg = json!([{"index": 0, "value": 7, "op": "SCMP_CMP_NE"}]);
    let filter = filter(json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [
            {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["close"], "action": "SCMP_ACT_LOG"},
            {"names": ["accept4"], "action": "SCMP_ACT_ALLOW", "args": arg},
        ],
    }));
    let allowed = |call: i64| filter.allows(u32::try_from(call).unwrap());
    assert!([libc::SYS_read, libc::SYS_write, libc::SYS_close].into_iter().all(allowed));
    assert!(![libc::SYS_accept4, libc::SYS_getpid, 100_000].into_iter().any(allowed));
    let docker = include_str!("../../tests/seccomp/docker-default.json");
    let docker = compile(&serde_json::from_str(docker).unwrap()).unwrap();
    let waits_with = [libc::SYS_read, libc::SYS_write, libc::SYS_close, libc::SYS_accept4];
    assert!(waits_with.into_iter().all(|call| docker.allows(u32::try_from(call).unwrap())));
    assert!(!docker.allows(u32::try_from(libc::SYS_reboot).unwrap()));

    let refused = |filter: &Filter, call: i64| filter.refuses(u32::try_from(call).unwrap());
    assert!([libc::SYS_getpid, 100_000].into_iter().all(|call| refused(&filter, call)));
    assert!(![libc::SYS_accept4, libc::SYS_close].into_iter().any(|call| refused(&filter, call)));
    // What `exec` is born into a pid namespace with, so that it has the filter by then.
    let born_with = [libc::SYS_clone, libc::SYS_exit_group, libc::SYS_setsid, libc::SYS_ioctl];
    assert!(!waits_with.into_iter().chain(born_with).any(|call| refused(&docker, call)));
}
