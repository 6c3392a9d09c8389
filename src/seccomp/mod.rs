//! The seccomp room: `linux.seccomp` of config.json becomes a filter that the kernel takes.
//!
//! What may enter: a profile. What comes out: a BPF program, the flags for seccomp(2), or all that is wrong with
//! the profile. Pure: nothing is read, nothing is loaded, the same profile gives the same program.
//!
//! ```text
//! profile   names, conditions, actions: checked
//! outcome   what happens to each call number of each architecture, merged into ranges (calls, table: the numbers)
//! tree      ranges -> a binary tree of comparisons
//! condition arguments -> comparisons of halves
//! assembler the program, written from its end
//! ```
//!
//! Decisions that a profile does not spell out:
//!
//! - A call of an architecture that is not listed kills the process (libseccomp: the thread; a process that has
//!   lost a thread is not safer). x32 is an architecture of its own, told from `x86_64` by bit 30 of the number.
//! - The native architecture is always listed.
//! - Calls newer than the profile get ENOSYS where the default is an error: see `outcome`.
//! - A rule on `socket`, `semop` ... holds for `socketcall` and `ipc` too, where an architecture has them: see `calls`.
//! - Unknown names are no error: profiles name calls of many architectures and of newer kernels.

mod allows;
mod arch;
mod assembler;
mod calls;
mod condition;
mod outcome;
mod profile;
mod table;
mod tree;

#[cfg(test)]
#[path = "../../tests/seccomp/eval.rs"]
mod eval;
#[cfg(test)]
mod tests;

use oci_spec::runtime::LinuxSeccomp;

use crate::error::Problem;
use assembler::{Assembler, Compare, Place};
use outcome::{Outcome, Outcomes};

/// The most instructions that the kernel takes (`BPF_MAXINSNS` in `linux/bpf_common.h`).
const MOST: usize = 4096;

/// Offset of the call number in `struct seccomp_data` (seccomp(2)).
const NUMBER: u32 = 0;
/// Offset of the architecture, an `AUDIT_ARCH_*`.
const ARCH: u32 = 4;

/// One classic BPF instruction: `struct sock_filter` of linux/filter.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What to do.
    pub code: u16,
    /// How many instructions to skip if a comparison holds.
    pub jt: u8,
    /// How many to skip if it does not.
    pub jf: u8,
    /// The constant.
    pub k: u32,
}

/// A filter ready for seccomp(2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// 1 to 4096 instructions.
    pub program: Vec<Instruction>,
    /// `SECCOMP_FILTER_FLAG_*`, to be given to seccomp(2) as they are: `NEW_LISTENER` is among them if [`notify`](Self::notify) is set.
    pub flags: u32,
    /// seccomp(2) will return a listener's file descriptor, which `linux.seccomp.listenerPath` is waiting for.
    pub notify: bool,
    /// Names of calls in the profile that no architecture known here has.
    pub ignored: Vec<String>,
}

/// Compiles a profile (config-linux.md, "Seccomp").
///
/// # Errors
///
/// All problems at once, each with its path in config.json.
pub fn compile(config: &LinuxSeccomp) -> Result<Filter, Vec<Problem>> {
    let profile = profile::read(config)?;
    let mut outcomes = Outcomes::new(&profile);
    let mut asm = Assembler::default();
    let kill = asm.verdict(profile::KILL_PROCESS);
    let mut audits: Vec<u32> = Vec::new();
    for arch in &profile.archs {
        if !audits.contains(&arch.audit()) {
            audits.push(arch.audit());
        }
    }
    let mut written: Vec<Option<Place>> = Vec::new();
    let mut next = kill;
    // The first architecture is written last, so that it comes first.
    for audit in audits.into_iter().rev() {
        let ranges = outcomes.ranges(audit);
        written.resize(outcomes.all.len(), None);
        let root = tree::write(&mut asm, &ranges, &mut |asm, outcome| match &outcomes.all[outcome] {
            Outcome::Verdict(verdict) => asm.verdict(*verdict),
            depends @ Outcome::Depends(..) => {
                *written[outcome].get_or_insert_with(|| depends.write(asm, profile.default))
            }
        });
        let root = asm.load(NUMBER, root);
        next = asm.branch(Compare::Equal, audit, root, next);
    }
    asm.load(ARCH, next);
    if asm.len() > MOST {
        let what = format!("needs a filter of {} instructions; the kernel takes {MOST}", asm.len());
        return Err(vec![Problem::new("linux.seccomp", what).hint("use fewer conditions on arguments")]);
    }
    Ok(Filter { program: asm.finish(), flags: profile.flags, notify: profile.notify, ignored: outcomes.unknown })
}
