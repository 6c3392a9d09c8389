//! The onggi that fails when it is told to.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Host, Runtime};

/// Builds it, which takes a minute the first time; tests that come meanwhile wait for cargo's lock.
pub fn build() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).ancestors().nth(2).expect("tmp is below target").join("fault");
    // The ordinary one lies in target/TRIPLE/debug.
    let triple = Path::new(env!("CARGO_BIN_EXE_onggi")).ancestors().nth(2).expect("it is below target");
    let program = folder.join(triple.file_name().expect("a triple")).join("debug/onggi");
    // The virtual machine has no cargo, and brings it along.
    if std::env::var_os("ONGGI_VM").is_some() {
        return program;
    }
    if !folder.exists() {
        eprintln!("building onggi with the feature `fault` in {}, once", folder.display());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "--bin", "onggi", "--features", "fault", "--target-dir"])
        .arg(&folder)
        // Warnings are the ordinary build's to show.
        .env("CARGO_TERM_QUIET", "true")
        .stderr(std::process::Stdio::null())
        .status()
        .expect("cargo can be started");
    assert!(status.success(), "`cargo build --features fault` fails: {status}");
    program
}

/// A runtime of `host` that is this program.
pub fn runtime(host: &Host) -> Runtime {
    let root = host.runtime().root().to_owned();
    let (uid, gid) = host.user();
    if nix::unistd::geteuid().as_raw() == uid {
        return Runtime::for_user(uid, gid, build(), root);
    }
    // The build's directory may be closed to others.
    let program = host.folder().join("own/onggi-fault");
    std::fs::copy(build(), &program).unwrap();
    Runtime::for_user(uid, gid, program, root)
}
