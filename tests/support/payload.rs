//! Where the payload's program is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// Puts a copy of the payload at `path`. A copy, so that a test may do with it what it likes.
pub fn copy_to(path: &Path) {
    // One that is there may still be running, for a moment, where a test was not to wait for its end.
    let _ = fs::remove_file(path);
    fs::copy(program(), path).expect("the payload can be copied");
}

/// The payload of this build. `cargo test` makes examples only when it runs every target, so
/// where it is missing or older than its source it's built now.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_BIN_EXE_onggi")).parent().expect("a file is in a directory");
        let program = folder.join("examples/payload");
        if modified(&program).is_none_or(|built| source_changed() > built) {
            build(folder.ends_with("release"));
        }
        program
    })
}

fn source_changed() -> SystemTime {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payload");
    let files = fs::read_dir(source).expect("the payload's source is there");
    let times = files.filter_map(|entry| modified(&entry.ok()?.path()));
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

fn build(release: bool) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--example", "payload"]);
    if release {
        command.arg("--release");
    }
    let status = command.status().expect("cargo can be started");
    assert!(status.success(), "the payload could not be built: {status}");
}
