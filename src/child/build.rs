//! Builds the freestanding child (`main.rs` beside this file), which the library then embeds.
//!
//! It is one crate of `core` only, so the compiler is called directly: cargo has no stable way to build a second
//! program for the first one to contain.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    for room in ["src/child", "src/script", "src/sys"] {
        println!("cargo:rerun-if-changed={room}");
    }
    let variable = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    // Which of the program's functions the linker puts side by side.
    println!("cargo:rerun-if-changed=src/order.ld");
    println!("cargo:rustc-link-arg-bins=-Wl,-T,{}/src/order.ld", variable("CARGO_MANIFEST_DIR"));
    let output = PathBuf::from(variable("OUT_DIR")).join("child");
    let mut compiler = Command::new(variable("RUSTC"));
    compiler.args([
        "--edition",
        "2024",
        "--crate-name",
        "child",
        "--crate-type",
        "bin",
        "--target",
        &variable("TARGET"),
    ]);
    compiler.args([
        "-C",
        "panic=abort",
        "-C",
        "opt-level=s",
        "-C",
        "codegen-units=1",
        "-C",
        "lto=fat",
        "-C",
        "strip=symbols",
    ]);
    // No relocations to be done at its start, no libc to be started: only what the kernel maps.
    compiler.args(["-C", "relocation-model=static", "-C", "target-feature=-crt-static"]);
    for flag in [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,--build-id=none,-z,noexecstack,-z,norelro,--no-eh-frame-hdr",
    ] {
        compiler.args(["-C", &format!("link-arg={flag}")]);
    }
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        compiler.args(["-C", &format!("linker={linker}")]);
    }
    if env::var_os("CARGO_FEATURE_FAULT").is_some() {
        compiler.args(["--cfg", "feature=\"fault\""]);
    }
    compiler.args(["--cfg", "freestanding"]);
    // The library's build lints these same files; here much of them is unused.
    compiler.args(["--cap-lints", "allow"]);
    let status = compiler.arg("-o").arg(&output).arg("src/child/main.rs").status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "rustc could not build src/child/main.rs; its message is above"
    );
}
