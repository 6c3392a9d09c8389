//! The filters of `onggi::seccomp`, compared with those of libseccomp and tried on the running kernel.

mod agree;
mod eval;
mod kernel;
mod oracle;
mod profiles;

use onggi::seccomp::Instruction;
