//! The programs that run inside: the payload of the tests, and `hello` of the ready bundles.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// Puts a copy of the payload at `path`. A copy, so that a test may do with it what it likes.
pub fn copy_payload(path: &Path) {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    // One that is there may still be running, for a moment, where a test was not to wait for its end.
    let _ = fs::remove_file(path);
    fs::copy(PROGRAM.get_or_init(|| program("payload", "tests/payload")), path).expect("the payload can be copied");
}

/// Puts a copy of the bundles' `hello` at `path`.
pub fn copy_hello(path: &Path) {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    fs::copy(PROGRAM.get_or_init(|| program("hello", "bundles/hello")), path).expect("hello can be copied");
}

/// This build's example `name`, whose source is in folder `source`. `cargo test` makes examples only when it runs every
/// target, so where it is missing or older than its source it's built now.
fn program(name: &str, source: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_onggi")).parent().expect("a file is in a directory");
    let program = folder.join("examples").join(name);
    if modified(&program).is_none_or(|built| source_changed(source) > built) {
        build(name, folder.ends_with("release"));
    }
    program
}

fn source_changed(source: &str) -> SystemTime {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let files = fs::read_dir(source).expect("the program's source is there");
    let sources = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "rs"));
    sources.filter_map(|path| modified(&path)).max().unwrap_or(SystemTime::UNIX_EPOCH)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

fn build(name: &str, release: bool) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--example", name]);
    if release {
        command.arg("--release");
    }
    let status = command.status().expect("cargo can be started");
    assert!(status.success(), "{name} could not be built: {status}");
}
