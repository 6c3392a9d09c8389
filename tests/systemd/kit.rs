//! Asking systemd.

use std::io::Write;
use std::process::Command;

/// Whether this is the virtual machine, booted with systemd: these tests make users' sessions. If not the test is to be left.
pub fn is_there() -> bool {
    let there = std::env::var_os("ONGGI_VM").is_some() && std::path::Path::new("/run/systemd/system").exists();
    if !there {
        let line = b"SKIPPED systemd is PID 1 in the virtual machine only (make vm-test)\n";
        let _ = std::io::stderr().write_all(line);
        let notes = concat!(env!("CARGO_TARGET_TMPDIR"), "/skipped");
        if let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(notes) {
            let _ = file.write_all(line);
        }
    }
    there
}

/// Runs a command: whether it succeeded, and what it said.
pub fn ask(program: &str, words: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(words).output().unwrap_or_else(|cause| panic!("{program}: {cause}"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).trim().to_owned())
}

/// The same, which must succeed.
#[track_caller]
pub fn tell(program: &str, words: &[&str]) -> String {
    let (success, text) = ask(program, words);
    assert!(success, "{program} {words:?}: {text}");
    text
}
