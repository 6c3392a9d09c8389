//! What a filter says for certain, without looking at arguments.

use super::assembler::{Compare, JUMP, LOAD, RETURN};
use super::{ARCH, Filter, NUMBER};

/// `AUDIT_ARCH_*` of this machine.
const NATIVE: u32 = if cfg!(target_arch = "aarch64") { 0xc000_00b7 } else { 0xc000_003e };

/// `SECCOMP_RET_ALLOW` and `SECCOMP_RET_LOG`.
const ALLOWED: [u32; 2] = [0x7fff_0000, 0x7ffc_0000];

/// `SECCOMP_RET_USER_NOTIF`.
const NOTIFIED: u32 = 0x7fc0_0000;

impl Filter {
    /// Whether this machine's system call `number` is allowed whatever its arguments are. Where the filter looks at them the
    /// answer is no.
    pub fn allows(&self, number: u32) -> bool {
        self.certain(number).is_some_and(|verdict| ALLOWED.contains(&verdict))
    }

    /// Whether it is refused, or its caller killed, whatever its arguments are.
    pub fn refuses(&self, number: u32) -> bool {
        self.certain(number).is_some_and(|verdict| verdict != NOTIFIED && !ALLOWED.contains(&verdict))
    }

    /// Whether the agent is asked about it, whatever its arguments are.
    pub fn asks(&self, number: u32) -> bool {
        self.certain(number) == Some(NOTIFIED)
    }

    /// The filter's verdict, if it does not depend on arguments.
    fn certain(&self, number: u32) -> Option<u32> {
        let (mut at, mut loaded) = (0, 0);
        // Jumps only go forward, so this ends.
        while let Some(step) = self.program.get(at) {
            at += 1;
            let holds = match step.code {
                LOAD if step.k == NUMBER => {
                    loaded = number;
                    continue;
                }
                LOAD if step.k == ARCH => {
                    loaded = NATIVE;
                    continue;
                }
                JUMP => {
                    at = at.saturating_add(step.k as usize);
                    continue;
                }
                RETURN => return Some(step.k),
                code if code == Compare::Equal as u16 => loaded == step.k,
                code if code == Compare::Greater as u16 => loaded > step.k,
                code if code == Compare::GreaterEqual as u16 => loaded >= step.k,
                _ => return None,
            };
            at += usize::from(if holds { step.jt } else { step.jf });
        }
        None
    }
}
