//! Names that are wrong, and what is said of them.

use super::look;
use super::table::{CONFIG, PROCESS};

fn said(json: &str) -> Vec<String> {
    let found = look(json, CONFIG, "");
    let errors = found.errors.iter().map(|problem| format!("error: {problem}"));
    errors.chain(found.warnings.iter().map(ToString::to_string)).collect()
}

/// What `key` is taken for in the object at `path` (`process.user`, or nothing).
fn meant(path: &str, key: &str) -> Option<String> {
    let mut json = format!("{{\"{key}\": 1}}");
    for part in path.split('.').rev().filter(|part| !part.is_empty()) {
        json = match part.strip_suffix("[]") {
            Some(list) => format!("{{\"{list}\": [{json}]}}"),
            None => format!("{{\"{part}\": {json}}}"),
        };
    }
    let said = said(&json);
    assert!(said.len() <= 1, "{said:?}");
    let meant = said.first()?.split_once("did you mean ").unwrap().1.strip_suffix("?)").unwrap();
    Some(meant.to_owned())
}

#[test]
fn a_slip_of_the_pen() {
    for (path, key, field) in [
        ("process", "noNewPrivilege", "process.noNewPrivileges"),
        ("process", "no_new_privileges", "process.noNewPrivileges"),
        ("process", "arg", "process.args"),
        ("process", "rlimit", "process.rlimits"),
        ("linux", "maskedPath", "linux.maskedPaths"),
        ("linux", "readonly_paths", "linux.readonlyPaths"),
        ("linux", "readOnlyPaths", "linux.readonlyPaths"),
        ("linux", "cgroupPath", "linux.cgroupsPath"),
        ("linux.resources", "blockIo", "linux.resources.blockIO"),
        ("linux.seccomp.syscalls[]", "name", "linux.seccomp.syscalls[0].names"),
        ("hooks", "prestrat", "hooks.prestart"),
        ("", "Hostname", "hostname"),
        ("", "mount", "mounts"),
        ("mounts[]", "option", "mounts[0].options"),
    ] {
        assert_eq!(meant(path, key).as_deref(), Some(field), "{path} {key}");
    }
}

#[test]
fn a_field_at_the_wrong_level() {
    for (path, key, field) in [
        ("process", "hostname", "hostname"),
        ("linux", "capabilities", "process.capabilities"),
        ("", "namespaces", "linux.namespaces"),
        ("", "args", "process.args or hooks.prestart[].args or hooks.createRuntime[].args"),
        ("linux", "memory", "linux.resources.memory"),
        ("linux", "secs", "linux.timeOffsets.*.secs"),
    ] {
        assert_eq!(meant(path, key).as_deref(), Some(field), "{path} {key}");
    }
}

#[test]
fn an_extension_is_left_alone() {
    for (path, key) in [
        ("", "x-vendor"),
        ("process", "somethingElse"),
        ("linux", "ebpf"),
        ("annotations", "hostnam"),
        ("linux.sysctl", "mount"),
    ] {
        assert_eq!(meant(path, key), None, "{path} {key}");
    }
    assert_eq!(said(r#"{"vendor": {"hostnam": 1, "a": [{"b": 1, "b": 2}]}, "windows": {"hostnam": {}}}"#), [""; 0]);
}

#[test]
fn the_sentence() {
    assert_eq!(
        said(r#"{"linux": {"maskedPath": ["/x"]}}"#),
        ["linux.maskedPath: is no field and is not looked at (did you mean linux.maskedPaths?)"]
    );
    let found = look(r#"{"cwdd": "/"}"#, PROCESS, "process");
    assert_eq!(
        found.warnings[0].to_string(),
        "process.cwdd: is no field and is not looked at (did you mean process.cwd?)"
    );
}

#[test]
fn a_key_twice_is_an_error() {
    assert_eq!(
        said("{\"hostname\": \"a\",\n \"process\": {\"args\": [\"}\"]},\n  \"hostn\\u0061me\": \"b\"}"),
        ["error: hostname: is given twice: line 1, column 2 and line 3, column 3 (leave one out)"]
    );
    assert_eq!(
        said(
            r#"{"annotations": {"b": "1", "a": "2", "b": "3"}, "linux": {"namespaces": [{"type": "pid"}, {"type": "pid", "type": "ipc"}]}}"#
        ),
        [
            "error: annotations[\"b\"]: is given twice: line 1, column 18 and line 1, column 38 (leave one out)",
            "error: linux.namespaces[1].type: is given twice: line 1, column 92 and line 1, column 107 (leave one out)",
        ]
    );
}

#[test]
fn what_is_right_and_what_is_odd_passes() {
    for right in [
        crate::bundle::spec::default().as_str(),
        r" { } ",
        r#"{"process":null,"hooks":{"prestart":null,"poststop":[]},"mounts":[{},{"options":["a\"}","\\"]}],"hostname":"\\\""}"#,
        r#"{"linux":{"sysctl":{},"timeOffsets":{"boottime":{"secs":1}},"seccomp":{"syscalls":[{"args":[{"index":1}]}]}}}"#,
        r#"{"mounts":{"destination":"/"}}"#,
    ] {
        assert_eq!(said(right), [""; 0], "{right}");
    }
}

#[test]
fn no_bytes_make_it_panic_or_stay() {
    let config = crate::bundle::spec::default();
    for end in 0..config.len() {
        look(&config[..end], CONFIG, "");
    }
    for odd in
        ["{{{{", "{\"a\"\"b\"}", "[,,,]", "{\"mounts\":[}", "{\"mounts\":[,,:", "\"", "{\"\\", "}", "{\"mounts\":[}]}"]
    {
        look(odd, CONFIG, "");
    }
}

#[test]
fn the_place_of_a_byte() {
    let json =
        r#"{"process":{"args":["a","b"],"user":{"uid":7}},"mounts":[{},{"options":"ro"}],"annotations":{"a.b":1}}"#;
    for (until, path) in [
        (r#"{"process":{"args":["a","b""#, "process.args[1]"),
        (r#"{"process":{"args":"#, "process.args"),
        (r#"{"process":{"args":["#, "process.args[0]"),
        (r#"{"process":{"args":["a","b"],"user":{"uid":7"#, "process.user.uid"),
        (r#"{"process":{"args":["a","b"],"user":{"uid":7}"#, "process.user"),
        (r#"{"process":{"args":["a","b"],"user":{"uid":7}},"mounts":[{}"#, "mounts[0]"),
        (r#"{"process":{"args":["a","b"],"user":{"uid":7}},"mounts":[{},{"options":"#, "mounts[1].options"),
        (json.trim_end_matches("}}"), "annotations[\"a.b\"]"),
        (json, ""),
    ] {
        assert!(json.starts_with(until));
        assert_eq!(super::path(json, CONFIG, until.len()), path, "{until}");
    }
}
