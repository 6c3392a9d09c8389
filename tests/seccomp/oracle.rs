//! libseccomp's opinion on a profile, through a small C program that is built when it is first asked.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use oci_spec::runtime::{LinuxSeccomp, LinuxSeccompArg, LinuxSeccompOperator};
use onggi::seccomp::Instruction;

/// The filter that libseccomp makes of `profile`; `optimize` is `SCMP_FLTATR_CTL_OPTIMIZE`.
///
/// What runc does around libseccomp is done here too: rules that say what the default says are left out, and
/// conditions on one argument become rules of their own.
pub fn compile(profile: &LinuxSeccomp, optimize: u32) -> Vec<Instruction> {
    let default = profile.default_action().as_u32(profile.default_errno_ret());
    let mut lines = format!("default {default}\noptimize {optimize}\n");
    for arch in profile.architectures().iter().flatten() {
        lines += &format!("arch {}\n", *arch as u32);
    }
    for rule in profile.syscalls().iter().flatten() {
        let action = rule.action().as_u32(rule.errno_ret());
        let args = rule.args().as_deref().unwrap_or_default();
        let twice = args.iter().any(|one| args.iter().filter(|other| other.index() == one.index()).count() > 1);
        let parts: Vec<_> = if twice { args.chunks(1).collect() } else { vec![args] };
        for name in rule.names().iter().filter(|_| action != default) {
            for part in &parts {
                let words: String = part.iter().map(words).collect();
                lines += &format!("rule {action} {name}{words}\n");
            }
        }
    }
    let bytes = ask(&[], &lines);
    bytes.chunks_exact(8).map(instruction).collect()
}

/// The names of all calls that libseccomp knows on the architectures with these `SCMP_ARCH_*` numbers.
pub fn names(archs: &[u32]) -> Vec<String> {
    let tokens: Vec<String> = archs.iter().map(u32::to_string).collect();
    let arguments: Vec<&str> = ["names"].into_iter().chain(tokens.iter().map(String::as_str)).collect();
    let mut names: Vec<_> = String::from_utf8(ask(&arguments, "")).unwrap().lines().map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

fn words(arg: &LinuxSeccompArg) -> String {
    let second = match arg.op() {
        LinuxSeccompOperator::ScmpCmpMaskedEq => arg.value_two().unwrap_or(0),
        _ => 0,
    };
    format!(" {} {} {} {second}", arg.index(), arg.op() as u32, arg.value())
}

fn instruction(bytes: &[u8]) -> Instruction {
    Instruction {
        code: u16::from_ne_bytes([bytes[0], bytes[1]]),
        jt: bytes[2],
        jf: bytes[3],
        k: u32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
    }
}

fn ask(arguments: &[&str], input: &str) -> Vec<u8> {
    let mut oracle = Command::new(program()).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    oracle.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = oracle.wait_with_output().unwrap();
    assert!(output.status.success(), "libseccomp: {}\n{input}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("seccomp-oracle-{}", std::process::id()));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seccomp/oracle.c");
        let built = Command::new("cc").arg("-O1").arg("-o").arg(&program).arg(source).arg("-lseccomp").output();
        let built = built.expect("these tests need a C compiler as cc: install the Debian packages gcc and libseccomp-dev");
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "these tests need libseccomp to compare with: install the Debian package libseccomp-dev\n{said}");
        program
    })
}
