//! The `onggi` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    onggi::cli::main()
}
