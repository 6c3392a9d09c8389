//! What is wrong with the caller's surroundings, not with a config: said with its remedy, and nothing is left of it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output};

use crate::{onggi, text};

/// A bundle with which nothing is wrong but that it asks for more open files than any process may have.
fn bundle() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    fs::create_dir(dir.path().join("rootfs")).unwrap();
    let rootless = if nix::unistd::geteuid().is_root() { None } else { Some("--rootless") };
    let words: Vec<&str> = ["spec", "--bundle", path].into_iter().chain(rootless).collect();
    assert!(onggi(dir.path(), &words).status.success());
    let config = dir.path().join("config.json");
    let plain = fs::read_to_string(&config).unwrap().replace("\"terminal\": true", "\"terminal\": false");
    fs::write(config, plain.replace(": 1024", ": 99999999999")).unwrap();
    dir
}

/// onggi's answer to `arguments`, called by a shell after `before`; `$ROOT` and `$BUNDLE` stand for directories.
fn after(before: &str, arguments: &str) -> (Output, tempfile::TempDir) {
    let (root, bundle) = (tempfile::tempdir().unwrap(), bundle());
    let line = format!("{before}; exec $ONGGI --root $ROOT {arguments}");
    let environment = [
        ("ONGGI", env!("CARGO_BIN_EXE_onggi").as_ref()),
        ("ROOT", root.path().as_os_str()),
        ("BUNDLE", bundle.path().as_os_str()),
    ];
    let output = Command::new("sh").args(["-c", &line]).envs(environment).output().unwrap();
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "{line} leaves nothing");
    (output, root)
}

/// Every limit is tried up to the first with which all files can be opened: how many that takes depends on what the
/// caller leaves open besides. What is refused then is a limit that no process may have.
#[test]
fn too_few_files_may_be_open() {
    let remedy =
        "too many open files (onggi may have too few files open: raise the limit (`ulimit -n`, LimitNOFILE=))\n";
    let enough = (4..64).find(|limit| {
        let (output, _root) = after(&format!("ulimit -n {limit}"), "create --bundle $BUNDLE jar");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{limit}: {said}");
        assert!(said.starts_with("onggi: ") && said.lines().count() == 1, "{limit}: {said}");
        assert!(said.ends_with(remedy) || said.starts_with("onggi: process.rlimits[0]: "), "{limit}: {said}");
        !said.ends_with(remedy)
    });
    assert!(enough.is_some_and(|limit| limit > 8), "{enough:?}");
}

/// A limit on the size of files is met by the first file that is written, or by the program in memory; it kills nobody.
#[test]
fn files_may_not_be_large() {
    let remedy = "file too large (files may not get that large: raise the limit (`ulimit -f`, LimitFSIZE=))\n";
    for (limit, place) in [("0", "config.json: can't be written: "), ("16", "child's program in memory: write: ")] {
        let (output, _root) = after(&format!("ulimit -f {limit}"), "create --bundle $BUNDLE jar");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{limit}: {said}");
        assert!(said.contains(place) && said.ends_with(remedy), "{limit}: {said}");
    }
}

#[test]
fn standard_output_is_full_or_closed() {
    for (arguments, before, status, said) in [
        ("features >/dev/full", ":", 1, "onggi: standard output: can't be written to: no space left on device\n"),
        ("list >/dev/full", ":", 1, "onggi: standard output: can't be written to: no space left on device\n"),
        ("list <&- >&-", ":", 0, ""),
        ("state jar <&- >&- 2>&-", ":", 1, ""),
        ("list --format json", "exec <&-", 0, ""),
    ] {
        let (output, _root) = after(before, arguments);
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(status), said), "{arguments}");
    }
}

#[test]
fn the_log_is_where_the_caller_stands() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_onggi"));
    command.args(["--log", "log", "--log-format=json", "--root", "states", "state", "jar"]).current_dir(dir.path());
    assert_eq!(command.output().unwrap().status.code(), Some(1));
    assert!(fs::read_to_string(dir.path().join("log")).unwrap().starts_with("{\"level\":\"error\""));
}

#[test]
fn a_bundle_that_is_none() {
    let (output, _root) = after("cd $BUNDLE", "create --bundle config.json jar");
    let said = text(&output.stderr);
    assert!(
        said.contains("/config.json/config.json: can't be read: not a directory (--bundle names the directory"),
        "{said}"
    );
    let (output, _root) = after("cd $BUNDLE; mkdir -p a/b; rm config.json", "create --bundle a/b/../.. jar");
    let said = text(&output.stderr);
    assert!(said.starts_with("onggi: no config.json in /") && !said.contains(".."), "{said}");
}

#[test]
fn an_id_that_is_no_text() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_onggi"));
    let output = command.arg("--root").arg(dir.path()).arg("state").arg(OsStr::from_bytes(b"a\xff")).output().unwrap();
    let said = "onggi: state: an argument is not UTF-8 (see `onggi state --help`)\n";
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(1), said));
}
