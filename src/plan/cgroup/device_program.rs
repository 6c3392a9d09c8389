//! Device rules as an eBPF program (`BPF_PROG_TYPE_CGROUP_DEVICE`).
//!
//! Rules name numbers or everything, never ranges. So what they allow together is a table: for each kind, each major
//! number that is named and all others, each minor number that is named and all others, the accesses allowed there.
//! The program walks that table: a few comparisons, then one verdict. Docker's rules come to 28 instructions.

use std::collections::{BTreeMap, BTreeSet};

use super::device_rules::{Access, DeviceKind, DeviceRule};
use crate::error::Problem;
pub use crate::sys::bpf::Instruction;

/// A program that allows or denies each access to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// What `bpf(2)` loads; never empty.
    pub instructions: Vec<Instruction>,
}

/// What is allowed for the minor numbers of a major one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Minors {
    named: BTreeMap<u32, Access>,
    others: Access,
}

/// What is allowed for the devices of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Majors {
    named: BTreeMap<u32, Minors>,
    others: Minors,
}

impl Minors {
    /// Applies a rule that speaks of these devices, after all rules before it.
    fn apply(&mut self, rule: &DeviceRule) {
        let apply = |access: &mut Access| {
            *access = if rule.allow {
                access.with(rule.access)
            } else {
                access.without(rule.access)
            };
        };
        if let Some(minor) = rule.minor {
            apply(self.named.entry(minor).or_insert(self.others));
        } else {
            apply(&mut self.others);
            self.named.values_mut().for_each(apply);
        }
    }
}

impl Majors {
    fn new(rules: &[DeviceRule], kind: DeviceKind) -> Self {
        let mut majors = Self::default();
        for rule in rules
            .iter()
            .filter(|rule| rule.kind.is_none_or(|its| its == kind))
        {
            majors.apply(rule);
        }
        // What is as all others need not be named.
        for minors in majors.named.values_mut().chain([&mut majors.others]) {
            minors.named.retain(|_, access| *access != minors.others);
        }
        majors.named.retain(|_, minors| *minors != majors.others);
        majors
    }

    fn apply(&mut self, rule: &DeviceRule) {
        if let Some(major) = rule.major {
            self.named
                .entry(major)
                .or_insert_with(|| self.others.clone())
                .apply(rule);
        } else {
            self.others.apply(rule);
            self.named
                .values_mut()
                .for_each(|minors| minors.apply(rule));
        }
    }

    fn verdicts(&self) -> impl Iterator<Item = Access> + '_ {
        let minors = self.named.values().chain([&self.others]);
        minors.flat_map(|minors| minors.named.values().copied().chain([minors.others]))
    }
}

// Registers: the context of uapi `struct bpf_cgroup_dev_ctx`, and what is read from it.
const RESULT: u8 = 0;
const CONTEXT: u8 = 1;
const ACCESS: u8 = 2;
const KIND: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

// Codes of uapi/linux/bpf.h: class | operation | operand.
const LOAD_WORD: u8 = 0x61;
const AND: u8 = 0x54;
const SHIFT_RIGHT: u8 = 0x74;
const MOVE: u8 = 0xb4;
const JUMP: u8 = 0x05;
const JUMP_IF_EQUAL: u8 = 0x16;
const JUMP_UNLESS_EQUAL: u8 = 0x56;
const EXIT: u8 = 0x95;

/// Where a jump leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    /// The part for block devices.
    Block,
    /// What follows the part for a major number.
    After(DeviceKindOrder, u32),
    /// The end that allows these accesses.
    Verdict(Access),
}

/// A kind as a number, so that labels have an order.
type DeviceKindOrder = u8;

/// A program in the making.
struct Assembler {
    /// What is allowed for every device; checked first, so that nothing else is left to ask for after it.
    everywhere: Access,
    code: Vec<Instruction>,
    jumps: Vec<(usize, Label)>,
    labels: BTreeMap<Label, usize>,
}

impl Assembler {
    fn add(&mut self, code: u8, register: u8, immediate: u32) {
        // The kernel takes the 32 bits as they are.
        self.code.push(Instruction {
            code,
            registers: register,
            offset: 0,
            immediate: immediate.cast_signed(),
        });
    }

    /// Loads the word at `offset` of the context.
    fn load(&mut self, register: u8, offset: i16) {
        self.code.push(Instruction {
            code: LOAD_WORD,
            registers: CONTEXT << 4 | register,
            offset,
            immediate: 0,
        });
    }

    fn jump(&mut self, code: u8, register: u8, immediate: u32, label: Label) {
        self.jumps.push((self.code.len(), label));
        self.add(code, register, immediate);
    }

    /// The end for a device with which `access` is allowed.
    fn verdict(&self, access: Access) -> Label {
        Label::Verdict(if access == self.everywhere {
            Access::NONE
        } else {
            access
        })
    }

    fn label(&mut self, label: Label) {
        self.labels.insert(label, self.code.len());
    }

    /// The walk through the majors of a kind.
    fn majors(&mut self, kind: DeviceKind, majors: &Majors) {
        for (&major, minors) in &majors.named {
            if minors.named.is_empty() {
                self.jump(JUMP_IF_EQUAL, MAJOR, major, self.verdict(minors.others));
            } else {
                let after = Label::After(kind as DeviceKindOrder, major);
                self.jump(JUMP_UNLESS_EQUAL, MAJOR, major, after);
                self.minors(minors);
                self.label(after);
            }
        }
        self.minors(&majors.others);
    }

    /// The walk through the minors of a major number; ends in a verdict.
    fn minors(&mut self, minors: &Minors) {
        for (&minor, &access) in &minors.named {
            self.jump(JUMP_IF_EQUAL, MINOR, minor, self.verdict(access));
        }
        self.jump(JUMP, 0, 0, self.verdict(minors.others));
    }

    /// The ends: 1 if nothing is asked beyond what is allowed, else 0.
    fn verdicts(&mut self) {
        let used: BTreeSet<_> = self.jumps.iter().map(|&(_, label)| label).collect();
        for label in used {
            let Label::Verdict(access) = label else {
                continue;
            };
            self.label(label);
            match access {
                Access::NONE => self.end(0),
                Access::ALL => self.end(1),
                _ => {
                    self.add(AND, ACCESS, u32::from(Access::ALL.without(access).0));
                    self.jump(JUMP_IF_EQUAL, ACCESS, 0, Label::Verdict(Access::ALL));
                    self.end(0);
                }
            }
        }
    }

    /// Ends the program with a result.
    fn end(&mut self, result: u32) {
        self.add(MOVE, RESULT, result);
        self.add(EXIT, 0, 0);
    }

    /// Fills in how far each jump goes.
    fn finish(mut self) -> Option<Vec<Instruction>> {
        for &(at, label) in &self.jumps {
            let target = *self.labels.get(&label)?;
            self.code[at].offset = i16::try_from(target.checked_sub(at + 1)?).ok()?;
        }
        Some(self.code)
    }
}

impl Program {
    /// The program for `rules`; the last rule that speaks of an access decides, and none denies.
    ///
    /// # Errors
    /// If there are so many rules (tens of thousands) that a jump is too far.
    pub fn new(rules: &[DeviceRule]) -> Result<Self, Problem> {
        let characters = Majors::new(rules, DeviceKind::Character);
        let blocks = Majors::new(rules, DeviceKind::Block);
        // What is allowed everywhere (making nodes, as a rule) is decided before anything is compared.
        let everywhere = characters
            .verdicts()
            .chain(blocks.verdicts())
            .fold(Access::ALL, Access::both);
        let mut code = Assembler {
            everywhere,
            code: Vec::new(),
            jumps: Vec::new(),
            labels: BTreeMap::new(),
        };
        if everywhere == Access::ALL {
            code.end(1);
            return Ok(Self {
                instructions: code.code,
            });
        }
        code.load(ACCESS, 0);
        code.load(KIND, 0);
        code.load(MAJOR, 4);
        code.load(MINOR, 8);
        code.add(AND, KIND, 0xffff);
        code.add(SHIFT_RIGHT, ACCESS, 16);
        code.add(AND, ACCESS, u32::from(Access::ALL.without(everywhere).0));
        code.jump(JUMP_IF_EQUAL, ACCESS, 0, Label::Verdict(Access::ALL));
        code.jump(
            JUMP_UNLESS_EQUAL,
            KIND,
            DeviceKind::Character as u32,
            Label::Block,
        );
        code.majors(DeviceKind::Character, &characters);
        code.label(Label::Block);
        code.majors(DeviceKind::Block, &blocks);
        code.verdicts();
        let too_many = || {
            Problem::new(
                "linux.resources.devices",
                format!("{} rules are too many", rules.len()),
            )
        };
        code.finish()
            .map(|instructions| Self { instructions })
            .ok_or_else(too_many)
    }
}

#[cfg(test)]
mod tests;
