//! A classic BPF interpreter, for what the kernel lets a seccomp filter do: it says what a filter says to a call.

use super::Instruction;

/// What the kernel shows to a filter: `struct seccomp_data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// `AUDIT_ARCH_*`
    pub arch: u32,
    /// The call's number.
    pub number: u32,
    /// Its arguments.
    pub args: [u64; 6],
}

impl Call {
    /// A call.
    pub fn new(arch: u32, number: u32, args: [u64; 6]) -> Self {
        Self { arch, number, args }
    }

    #[allow(clippy::cast_possible_truncation)] // It is about halves.
    /// The 32 bits at `offset`, on a little-endian machine. The instruction pointer is 0.
    fn word(&self, offset: u32) -> u32 {
        match offset {
            0 => self.number,
            4 => self.arch,
            8 | 12 => 0,
            16..64 if offset.is_multiple_of(4) => {
                let argument = self.args[(offset as usize - 16) / 8];
                (if offset.is_multiple_of(8) { argument } else { argument >> 32 }) as u32
            }
            _ => panic!("a load at {offset}, which the kernel refuses"),
        }
    }
}

/// The verdict of `program` on `call`. Panics where the kernel would refuse the program.
pub fn run(program: &[Instruction], call: &Call) -> u32 {
    let mut loaded: u32 = 0;
    let mut other: u32 = 0;
    let mut at = 0;
    loop {
        let Instruction { code, jt, jf, k } = program[at];
        at += 1;
        let holds = match code {
            0x20 => {
                loaded = call.word(k);
                continue;
            }
            0x00 => {
                loaded = k;
                continue;
            }
            0x54 => {
                loaded &= k;
                continue;
            }
            0x07 => {
                other = loaded;
                continue;
            }
            0x87 => {
                loaded = other;
                continue;
            }
            0x05 => {
                at += k as usize;
                continue;
            }
            0x06 => return k,
            0x15 => loaded == k,
            0x25 => loaded > k,
            0x35 => loaded >= k,
            0x45 => loaded & k != 0,
            _ => panic!("instruction {code:#x}"),
        };
        at += usize::from(if holds { jt } else { jf });
    }
}
