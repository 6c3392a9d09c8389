//! The tests on a call's arguments, as BPF.
//!
//! An argument has 64 bits and BPF looks at 32: each test asks the high half first, and the low half only
//! where the high one does not decide.

use super::arch::Words;
use super::assembler::{Assembler, Compare, Place};

/// Where the arguments begin in `struct seccomp_data`; each has 8 bytes.
const ARGUMENTS: u32 = 16;

/// How an argument is compared with a condition's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    NotEqual,
    Less,
    LessEqual,
    Equal,
    GreaterEqual,
    Greater,
    /// Equal in the bits of this mask; the others count neither in the argument nor in the value.
    MaskedEqual(u64),
}

/// One test on one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// Which argument, 0 to 5.
    pub index: u8,
    /// The test.
    pub operator: Operator,
    /// What the argument is compared with.
    pub value: u64,
}

impl Condition {
    /// Goes on at `yes` if the condition holds, else at `no`.
    pub(super) fn write(&self, asm: &mut Assembler, words: Words, yes: Place, no: Place) -> Place {
        let halves = Halves::of(self.index, words);
        match self.operator {
            Operator::Equal => halves.any_of(asm, &[self.value], yes, no),
            Operator::NotEqual => halves.any_of(asm, &[self.value], no, yes),
            Operator::Greater => halves.above(asm, Compare::Greater, self.value, yes, no),
            Operator::LessEqual => halves.above(asm, Compare::Greater, self.value, no, yes),
            Operator::GreaterEqual => halves.above(asm, Compare::GreaterEqual, self.value, yes, no),
            Operator::Less => halves.above(asm, Compare::GreaterEqual, self.value, no, yes),
            Operator::MaskedEqual(mask) => halves.masked(asm, mask, self.value & mask, yes, no),
        }
    }
}

/// Goes on at `yes` if argument `index` is one of `values`, whose high halves are the same, else at `no`.
pub(super) fn any_of(asm: &mut Assembler, words: Words, index: u8, values: &[u64], yes: Place, no: Place) -> Place {
    Halves::of(index, words).any_of(asm, values, yes, no)
}

/// The high half of a value.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn high(value: u64) -> u32 {
    (value >> 32) as u32
}

#[allow(clippy::cast_possible_truncation)]
fn low(value: u64) -> u32 {
    value as u32
}

/// The offsets of an argument's halves in `seccomp_data`.
struct Halves {
    low: u32,
    /// `None`: not there, or always zero.
    high: Option<u32>,
}

impl Halves {
    fn of(index: u8, words: Words) -> Self {
        let first = ARGUMENTS + 8 * u32::from(index);
        match words {
            Words::Narrow => Self { low: first, high: None },
            Words::WideLowFirst => Self { low: first, high: Some(first + 4) },
            Words::WideHighFirst => Self { low: first + 4, high: Some(first) },
        }
    }

    fn any_of(&self, asm: &mut Assembler, values: &[u64], yes: Place, no: Place) -> Place {
        let mut next = no;
        for value in values.iter().rev() {
            next = asm.branch(Compare::Equal, low(*value), yes, next);
        }
        let lower = asm.load(self.low, next);
        match (self.high, values.first()) {
            (Some(offset), Some(value)) => {
                let upper = asm.branch(Compare::Equal, high(*value), lower, no);
                asm.load(offset, upper)
            }
            _ => lower,
        }
    }

    /// Greater, or greater or equal: `compare` decides only where the high halves are the same.
    fn above(&self, asm: &mut Assembler, compare: Compare, value: u64, yes: Place, no: Place) -> Place {
        let decide = asm.branch(compare, low(value), yes, no);
        let lower = asm.load(self.low, decide);
        let Some(offset) = self.high else { return lower };
        let upper = if high(value) == 0 {
            asm.branch(Compare::Equal, 0, lower, yes)
        } else {
            let same = asm.branch(Compare::Equal, high(value), lower, no);
            asm.branch(Compare::Greater, high(value), yes, same)
        };
        asm.load(offset, upper)
    }

    fn masked(&self, asm: &mut Assembler, mask: u64, value: u64, yes: Place, no: Place) -> Place {
        let lower = masked_half(asm, self.low, low(mask), low(value), yes, no);
        match self.high {
            Some(offset) => masked_half(asm, offset, high(mask), high(value), lower, no),
            None => lower,
        }
    }
}

fn masked_half(asm: &mut Assembler, offset: u32, mask: u32, value: u32, yes: Place, no: Place) -> Place {
    if mask == 0 {
        return yes;
    }
    let mut next = asm.branch(Compare::Equal, value, yes, no);
    if mask != u32::MAX {
        next = asm.and(mask, next);
    }
    asm.load(offset, next)
}

#[cfg(test)]
mod tests {
    use super::super::eval::{Call, run};
    use super::*;
    use proptest::prelude::*;
    use seccompiler::{BpfProgram, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

    const OPERATORS: [Operator; 6] = [
        Operator::NotEqual,
        Operator::Less,
        Operator::LessEqual,
        Operator::Equal,
        Operator::GreaterEqual,
        Operator::Greater,
    ];

    fn holds(condition: Condition, words: Words, argument: u64) -> bool {
        let mut asm = Assembler::default();
        let (yes, no) = (asm.verdict(1), asm.verdict(0));
        let begin = condition.write(&mut asm, words, yes, no);
        // A condition that needs no look is its target; a program begins with what was written last.
        let program = if begin + 1 == asm.len() { asm.finish() } else { return begin == yes };
        let mut args = [0x5555_5555_5555_5555; 6];
        args[usize::from(condition.index)] =
            if words == Words::WideHighFirst { argument.rotate_left(32) } else { argument };
        run(&program, &Call::new(0, 0, args)) == 1
    }

    fn meaning(operator: Operator, argument: u64, value: u64) -> bool {
        match operator {
            Operator::NotEqual => argument != value,
            Operator::Less => argument < value,
            Operator::LessEqual => argument <= value,
            Operator::Equal => argument == value,
            Operator::GreaterEqual => argument >= value,
            Operator::Greater => argument > value,
            Operator::MaskedEqual(mask) => argument & mask == value & mask,
        }
    }

    fn theirs(condition: Condition, argument: u64) -> bool {
        let operator = match condition.operator {
            Operator::NotEqual => SeccompCmpOp::Ne,
            Operator::Less => SeccompCmpOp::Lt,
            Operator::LessEqual => SeccompCmpOp::Le,
            Operator::Equal => SeccompCmpOp::Eq,
            Operator::GreaterEqual => SeccompCmpOp::Ge,
            Operator::Greater => SeccompCmpOp::Gt,
            Operator::MaskedEqual(mask) => SeccompCmpOp::MaskedEq(mask),
        };
        let test = SeccompCondition::new(condition.index, SeccompCmpArgLen::Qword, operator, condition.value).unwrap();
        let mut program: BpfProgram = SeccompRule::new(vec![test]).unwrap().into();
        program.push(seccompiler::sock_filter { code: 6, jt: 0, jf: 0, k: 1 });
        program.push(seccompiler::sock_filter { code: 6, jt: 0, jf: 0, k: 0 });
        let program: Vec<_> = program
            .iter()
            .map(|one| super::super::Instruction { code: one.code, jt: one.jt, jf: one.jf, k: one.k })
            .collect();
        let mut args = [0; 6];
        args[usize::from(condition.index)] = argument;
        run(&program, &Call::new(0, 0, args)) == 1
    }

    /// Values around which the halves of a comparison change their mind.
    fn edges() -> Vec<u64> {
        let words = [0_u64, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];
        words.iter().flat_map(|high| words.iter().map(move |low| high << 32 | low)).collect()
    }

    #[test]
    fn every_operator_means_what_it_says_at_every_edge() {
        for value in edges() {
            let masks = [0, 1, 0xffff, 0xffff_ffff, 0xffff_ffff_0000_0000, u64::MAX, value].map(Operator::MaskedEqual);
            for operator in OPERATORS.into_iter().chain(masks) {
                for argument in edges() {
                    let condition = Condition { index: 3, operator, value };
                    let expected = meaning(operator, argument, value);
                    for words in [Words::WideLowFirst, Words::WideHighFirst] {
                        assert_eq!(
                            holds(condition, words, argument),
                            expected,
                            "{condition:?} {words:?} of {argument:#x}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_narrow_argument_is_compared_in_its_low_half_only() {
        for value in edges() {
            for argument in edges().into_iter().filter(|argument| high(*argument) == 0) {
                for operator in OPERATORS.into_iter().chain([Operator::MaskedEqual(0xff_0000_ff00)]) {
                    let narrow = match operator {
                        Operator::MaskedEqual(mask) => Operator::MaskedEqual(mask & 0xffff_ffff),
                        same => same,
                    };
                    let condition = Condition { index: 0, operator, value };
                    let expected = meaning(narrow, argument, value & 0xffff_ffff);
                    assert_eq!(holds(condition, Words::Narrow, argument), expected, "{condition:?} of {argument:#x}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn seccompiler_agrees(index in 0_u8..6, which in 0_usize..7, mask: u64, value: u64, argument: u64, near in -2_i64..3, close: bool) {
            let operator = OPERATORS.get(which).copied().unwrap_or(Operator::MaskedEqual(mask));
            let argument = if close { value.wrapping_add_signed(near) } else { argument };
            let condition = Condition { index, operator, value };
            prop_assert_eq!(holds(condition, Words::WideLowFirst, argument), theirs(condition, argument));
        }
    }
}
