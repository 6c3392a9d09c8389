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
    put_in_order();
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

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}

/// Has the linker put functions side by side that are used together. It only matters in what is released.
fn put_in_order() {
    println!("cargo:rerun-if-changed=src/order.ld");
    let script = format!("-T{}/src/order.ld", variable("CARGO_MANIFEST_DIR"));
    if variable("PROFILE") != "release" {
        return;
    }
    if links_with(&script) {
        println!("cargo:rustc-link-arg-bins={script}");
    } else {
        println!("cargo:warning=this linker can't put functions in order: the program will use more memory");
    }
}

/// Whether the linker understands `argument`: GNU's ld and LLVM's lld know such scripts, mold and gold don't.
fn links_with(argument: &str) -> bool {
    let folder = PathBuf::from(variable("OUT_DIR"));
    let source = folder.join("empty.rs");
    let mut compiler = Command::new(variable("RUSTC"));
    // As cargo would have the program linked.
    compiler.args(variable("CARGO_ENCODED_RUSTFLAGS").split('\x1f').filter(|flag| !flag.is_empty()));
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        compiler.args(["-C", &format!("linker={linker}")]);
    }
    compiler
        .args(["--target", &variable("TARGET"), "-C", &format!("link-arg={argument}"), "-o"])
        .arg(folder.join("empty"))
        .arg(&source);
    let written = std::fs::write(&source, "fn main() {}");
    written.is_ok() && compiler.output().is_ok_and(|done| done.status.success())
}
