//! Writes a classic BPF program from its end to its beginning.
//!
//! A BPF jump only goes forward, so whoever writes backwards has always already written where a jump goes.
//! Every conditional jump names both its targets, therefore anything but a load may stand anywhere. And
//! as an offset has eight bits, a target that lies too far gets a stand-in that is near: a copy if it is
//! a return, a long jump if not.

use super::Instruction;

/// Where an instruction stands, counted from the end of the program: the last one is 0.
pub(super) type Place = usize;

/// How far a conditional jump reaches; less two for the stand-ins that may come before it.
const REACH: usize = u8::MAX as usize - 2;

/// `BPF_RET | BPF_K`: the verdict is `k`.
pub(super) const RETURN: u16 = 0x06;
/// `BPF_JMP | BPF_JA`: goes on `k` instructions further.
pub(super) const JUMP: u16 = 0x05;
/// `BPF_LD | BPF_W | BPF_ABS`: loads the 32 bits at offset `k` of `seccomp_data`.
pub(super) const LOAD: u16 = 0x20;
/// `BPF_ALU | BPF_AND | BPF_K`.
const AND: u16 = 0x54;

/// A comparison of what was loaded with a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Compare {
    /// `BPF_JMP | BPF_JEQ | BPF_K`
    Equal = 0x15,
    /// `BPF_JMP | BPF_JGT | BPF_K`
    Greater = 0x25,
    /// `BPF_JMP | BPF_JGE | BPF_K`
    GreaterEqual = 0x35,
}

/// The program so far, last instruction first.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    reversed: Vec<Instruction>,
    /// The latest return of each verdict.
    returns: Vec<(u32, Place)>,
}

impl Assembler {
    /// Ends with `verdict` (`SECCOMP_RET_*` and its data).
    pub(super) fn verdict(&mut self, verdict: u32) -> Place {
        match self.returns.iter().position(|known| known.0 == verdict) {
            Some(at) if self.reversed.len() - self.returns[at].1 <= REACH => self.returns[at].1,
            Some(at) => {
                self.returns[at].1 = self.push(RETURN, 0, 0, verdict);
                self.returns[at].1
            }
            None => {
                let place = self.push(RETURN, 0, 0, verdict);
                self.returns.push((verdict, place));
                place
            }
        }
    }

    /// Compares what was loaded with `value` and goes on at `yes` or `no`.
    pub(super) fn branch(&mut self, compare: Compare, value: u32, yes: Place, no: Place) -> Place {
        if yes == no {
            return yes;
        }
        let (yes, no) = (self.near(yes), self.near(no));
        let (yes, no) = (self.offset(yes), self.offset(no));
        self.push(compare as u16, yes, no, value)
    }

    /// Loads the word at `offset` of `seccomp_data`, and goes on at `next`.
    pub(super) fn load(&mut self, offset: u32, next: Place) -> Place {
        self.fall_into(next);
        self.push(LOAD, 0, 0, offset)
    }

    /// Keeps of what was loaded only the bits of `mask`, and goes on at `next`.
    pub(super) fn and(&mut self, mask: u32, next: Place) -> Place {
        self.fall_into(next);
        self.push(AND, 0, 0, mask)
    }

    /// How many instructions there are.
    pub(super) fn len(&self) -> usize {
        self.reversed.len()
    }

    /// The program, in the order in which it runs: it begins with what was written last.
    pub(super) fn finish(mut self) -> Vec<Instruction> {
        self.reversed.reverse();
        self.reversed
    }

    /// Makes sure that what is written next is followed by `next`.
    fn fall_into(&mut self, next: Place) {
        if next + 1 != self.reversed.len() {
            self.stand_in(next);
        }
    }

    /// `place`, or a stand-in that a conditional jump can reach.
    fn near(&mut self, place: Place) -> Place {
        if self.reversed.len() - place > REACH { self.stand_in(place) } else { place }
    }

    fn stand_in(&mut self, place: Place) -> Place {
        match self.reversed[place] {
            Instruction { code: RETURN, k, .. } => self.push(RETURN, 0, 0, k),
            // Far below 2^32: the kernel takes 4096 instructions, and a Vec can't hold so many.
            #[allow(clippy::cast_possible_truncation)]
            _ => self.push(JUMP, 0, 0, (self.reversed.len() - place - 1) as u32),
        }
    }

    /// How many instructions lie between the next one and `place`, which is near.
    fn offset(&self, place: Place) -> u8 {
        let between = self.reversed.len() - place - 1;
        debug_assert!(u8::try_from(between).is_ok());
        // Near, so at most REACH + 1.
        #[allow(clippy::cast_possible_truncation)]
        let offset = between as u8;
        offset
    }

    fn push(&mut self, code: u16, jt: u8, jf: u8, k: u32) -> Place {
        self.reversed.push(Instruction { code, jt, jf, k });
        self.reversed.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::super::eval::{Call, run};
    use super::*;

    /// `depth` comparisons in a row, each of which may end with 7: more than a conditional jump spans.
    #[test]
    fn a_far_return_is_copied_and_a_far_branch_jumped_to() {
        for depth in [1_u32, 250, 251, 252, 253, 254, 255, 256, 600] {
            let mut asm = Assembler::default();
            let seven = asm.verdict(7);
            let eight = asm.verdict(8);
            let last = asm.branch(Compare::Equal, 0xffff, seven, eight);
            let mut next = asm.verdict(9);
            for number in (0..depth).rev() {
                let target = if number % 3 == 0 { last } else { seven };
                next = asm.branch(Compare::Equal, number, target, next);
            }
            asm.load(0, next);
            let program = asm.finish();
            for number in 0..depth {
                let expected = if number % 3 == 0 { 8 } else { 7 };
                assert_eq!(run(&program, &Call::new(0, number, [0; 6])), expected, "{number} of {depth}");
            }
            assert_eq!(run(&program, &Call::new(0, depth, [0; 6])), 9);
        }
    }

    #[test]
    fn a_branch_that_does_not_matter_is_not_written() {
        let mut asm = Assembler::default();
        let seven = asm.verdict(7);
        assert_eq!(asm.branch(Compare::Equal, 1, seven, seven), seven);
        assert_eq!(asm.verdict(7), seven);
        assert_eq!(asm.len(), 1);
    }
}
