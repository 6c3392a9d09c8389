//! libseccomp's opinion on a profile, through a small C program that is built when it is first asked.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use oci_spec::runtime::{Arch, LinuxSeccomp, LinuxSeccompArg, LinuxSeccompOperator};
use onggi::seccomp::Instruction;

/// `SCMP_FLTATR_CTL_OPTIMIZE`: the rules in a list, by priority and complexity.
pub const PLAIN: u32 = 1;
/// `SCMP_FLTATR_CTL_OPTIMIZE`: a binary tree.
pub const OPTIMISED: u32 = 2;

/// The filter that libseccomp makes of `profile`.
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

/// Name, `SCMP_ARCH_*` and number of all calls that libseccomp knows on these architectures.
pub fn calls(archs: &[Arch]) -> Vec<(String, u32, u32)> {
    let tokens: Vec<String> = archs.iter().map(|arch| (*arch as u32).to_string()).collect();
    let arguments: Vec<&str> = ["names"].into_iter().chain(tokens.iter().map(String::as_str)).collect();
    let said = String::from_utf8(ask(&arguments, "")).unwrap();
    let call = |line: &str| {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap();
        (word().to_owned(), word().parse().unwrap(), word().parse().unwrap())
    };
    said.lines().map(call).collect()
}

/// Their names, each once.
pub fn names(archs: &[Arch]) -> Vec<String> {
    // The one has a number in libseccomp but no rule on it takes effect; the other is not yet x32's there.
    let mut names: Vec<_> = calls(archs)
        .into_iter()
        .map(|call| call.0)
        .filter(|name| !["sys_debug_setcontext", "map_shadow_stack"].contains(&name.as_str()))
        .collect();
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
    let mut oracle = Command::new(program())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    oracle.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = oracle.wait_with_output().unwrap();
    assert!(output.status.success(), "libseccomp: {}\n{input}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        // Other test processes may be building it too.
        let fresh = folder.join(format!("seccomp-oracle.{}", std::process::id()));
        let program = folder.join("seccomp-oracle");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seccomp/oracle.c");
        let built = Command::new("cc").arg("-O1").arg("-o").arg(&fresh).arg(source).arg("-lseccomp").output();
        let built =
            built.expect("these tests need a C compiler as cc: install the Debian packages gcc and libseccomp-dev");
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(
            built.status.success(),
            "these tests need libseccomp to compare with: install the Debian package libseccomp-dev\n{said}"
        );
        std::fs::rename(fresh, &program).unwrap();
        program
    })
}
