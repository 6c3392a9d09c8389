//! What happens to each call number: the profile's rules, sorted by number and merged into ranges.

use super::arch::{Arch, PRIVATE_CALLS, Words, X32_BIT};
use super::assembler::{Assembler, Place};
use super::calls::{self, Way};
use super::condition::{self, Condition, Operator};
use super::profile::{ERRNO, KILL_PROCESS, Profile, Rule};

/// `SECCOMP_RET_ERRNO` with ENOSYS: the kernel is too old for this call.
const NO_SUCH_CALL: u32 = ERRNO + 38;

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The verdict, whatever the arguments are.
    Verdict(u32),
    /// The verdict of the first alternative whose conditions all hold; if there is none, the default.
    Depends(Vec<Alternative>, Words),
}

/// Conditions, and the verdict if all of them hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alternative {
    pub conditions: Vec<Condition>,
    pub verdict: u32,
}

impl Alternative {
    /// Both ask whether the same argument equals a value, to the same end: they can share a load.
    fn is_like(&self, other: &Self) -> bool {
        match (&self.conditions[..], &other.conditions[..]) {
            ([one], [two]) => {
                let equal = one.operator == Operator::Equal && two.operator == Operator::Equal;
                equal
                    && one.index == two.index
                    && condition::high(one.value) == condition::high(two.value)
                    && self.verdict == other.verdict
            }
            _ => false,
        }
    }
}

impl Outcome {
    /// Writes it, with `default` as the verdict where no alternative matches.
    pub(super) fn write(&self, asm: &mut Assembler, default: u32) -> Place {
        let (alternatives, words) = match self {
            Self::Verdict(verdict) => return asm.verdict(*verdict),
            Self::Depends(alternatives, words) => (alternatives, *words),
        };
        let mut next = asm.verdict(default);
        for like in alternatives.chunk_by(Alternative::is_like).rev() {
            let yes = asm.verdict(like[0].verdict);
            next = match (like, &like[0].conditions[..]) {
                ([_, _, ..], [same]) => {
                    let values: Vec<_> = like.iter().filter_map(|one| Some(one.conditions.first()?.value)).collect();
                    condition::any_of(asm, words, same.index, &values, yes, next)
                }
                (_, conditions) => conditions.iter().rev().fold(yes, |yes, one| one.write(asm, words, yes, next)),
            };
        }
        next
    }
}

/// Numbers from `first` up to the next range's `first` have the same outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub first: u32,
    /// Index into [`Outcomes::all`].
    pub outcome: usize,
}

/// One rule's word on one number.
#[derive(Clone, Copy)]
struct Entry {
    number: u32,
    /// Index of the rule.
    rule: u32,
    /// The rule is meant for what is called through this number.
    way: Option<Way>,
}

/// All that can happen, each once, and which number it happens to.
pub(super) struct Outcomes<'a> {
    profile: &'a Profile<'a>,
    /// Per architecture of the profile.
    entries: Vec<Vec<Entry>>,
    /// Each different one once.
    pub all: Vec<Outcome>,
    /// The verdicts among them, with their indices.
    verdicts: Vec<(u32, usize)>,
    /// Names in the profile that no architecture has.
    pub unknown: Vec<String>,
}

impl<'a> Outcomes<'a> {
    /// Looks up all the names of `profile`.
    pub(super) fn new(profile: &'a Profile<'a>) -> Self {
        let names: usize = profile.rules.iter().map(|rule| rule.names.len()).sum();
        let entries = profile.archs.iter().map(|_| Vec::with_capacity(names)).collect();
        let mut this = Self { profile, entries, all: Vec::new(), verdicts: Vec::new(), unknown: Vec::new() };
        for (index, rule) in (0..).zip(&profile.rules) {
            for name in rule.names {
                this.add(name, index);
            }
        }
        for entries in &mut this.entries {
            // Stable: of one number's rules the earlier come first.
            entries.sort_by_key(|entry| entry.number);
        }
        this
    }

    fn add(&mut self, name: &str, rule: u32) {
        let Some(row) = calls::row(name) else {
            self.unknown.push(name.to_owned());
            return;
        };
        for (arch, entries) in self.profile.archs.iter().zip(&mut self.entries) {
            if let Some(number) = arch.number(row) {
                entries.push(Entry { number, rule, way: None });
            }
            if let Some((number, way)) = calls::detour(name, *arch) {
                entries.push(Entry { number, rule, way: Some(way) });
            }
        }
    }

    /// The outcome of every number of the architectures that share `audit`: from 0 on, without a gap.
    pub(super) fn ranges(&mut self, audit: u32) -> Vec<Range> {
        let mut ranges = Ranges(Vec::new());
        let profile = self.profile;
        let kill = self.verdict(KILL_PROCESS);
        // Only x86_64 and x32 share: what belongs to neither, or to the one that is not listed, is foreign.
        for (at, arch) in profile.archs.iter().enumerate().filter(|(_, arch)| arch.audit() == audit) {
            if arch.span().0 != 0 && ranges.0.is_empty() {
                ranges.push(0, kill);
            }
            let entries = std::mem::take(&mut self.entries[at]);
            let beyond = self.arch(*arch, &entries, &mut ranges);
            if arch.span().1 == X32_BIT - 1 && !profile.archs.contains(&Arch::X32) {
                ranges.push(X32_BIT, kill);
                // No x32 call, but what a tracer sets to have a call skipped.
                ranges.push(u32::MAX, beyond);
            }
        }
        ranges.0
    }

    /// Adds the ranges of one architecture; returns the outcome of its highest number.
    fn arch(&mut self, arch: Arch, entries: &[Entry], ranges: &mut Ranges) -> usize {
        let default = self.verdict(self.profile.default);
        let newer = self.first_newer(arch, entries);
        let later = if newer.is_some() { self.verdict(NO_SUCH_CALL) } else { default };
        // Between the calls that are named lies the default.
        let gap = |ranges: &mut Ranges, from: u32, last: u32| {
            if newer.is_none_or(|newer| from < newer) {
                ranges.push(from, default);
            }
            if let Some(newer) = newer.filter(|newer| *newer <= last) {
                ranges.push(newer.max(from), later);
            }
        };
        let (mut next, end) = arch.span();
        for same in entries.chunk_by(|one, other| one.number == other.number) {
            let number = same[0].number;
            if next < number {
                gap(ranges, next, number - 1);
            }
            let outcome = self.outcome(arch, same);
            ranges.push(number, outcome);
            next = number + 1;
        }
        gap(ranges, next, end);
        later
    }

    /// From which number on a call is newer than the profile, if such calls are to get ENOSYS.
    ///
    /// A program that gets EPERM from a call it could do without gives up, one that gets ENOSYS does without.
    /// So, where the default is an error, calls above the highest one that the profile names are answered as by
    /// a kernel that hasn't got them; runc does the same. Any other default is a decision and stands.
    fn first_newer(&self, arch: Arch, entries: &[Entry]) -> Option<u32> {
        if self.profile.default & ERRNO != ERRNO || self.profile.default > ERRNO | 0xffff {
            return None;
        }
        let ordinary = arch.span().0 + PRIVATE_CALLS;
        entries.iter().map(|entry| entry.number).rfind(|number| *number < ordinary).map(|number| number + 1)
    }

    /// What the rules on one number come to.
    ///
    /// A rule that does what is done anyway does not count. An unconditional rule beats conditional ones wherever it
    /// stands, the first of several beats the others, and of conditional rules the first that matches counts.
    fn outcome(&mut self, arch: Arch, entries: &[Entry]) -> usize {
        let profile = self.profile;
        let rule = |entry: &Entry| &profile.rules[entry.rule as usize];
        let counting = || entries.iter().filter(|entry| rule(entry).verdict != profile.default);
        if let Some(always) = counting().find(|entry| entry.way.is_none() && rule(entry).alternatives.is_empty()) {
            return self.verdict(rule(always).verdict);
        }
        let alternatives: Vec<_> = counting().flat_map(|entry| alternatives(rule(entry), entry.way)).collect();
        if alternatives.is_empty() {
            return self.verdict(profile.default);
        }
        self.intern(Outcome::Depends(alternatives, arch.words()))
    }

    /// Nearly all numbers end in one of two or three verdicts.
    fn verdict(&mut self, verdict: u32) -> usize {
        if let Some((_, index)) = self.verdicts.iter().find(|(known, _)| *known == verdict) {
            return *index;
        }
        let index = self.intern(Outcome::Verdict(verdict));
        self.verdicts.push((verdict, index));
        index
    }

    fn intern(&mut self, outcome: Outcome) -> usize {
        if let Some(index) = self.all.iter().position(|known| *known == outcome) {
            return index;
        }
        self.all.push(outcome);
        self.all.len() - 1
    }
}

/// The alternatives of `rule`, for the call itself or for the way through another one.
fn alternatives(rule: &Rule, way: Option<Way>) -> Vec<Alternative> {
    let verdict = rule.verdict;
    let Some(way) = way else {
        return rule
            .alternatives
            .iter()
            .map(|conditions| Alternative { conditions: conditions.clone(), verdict })
            .collect();
    };
    let code = Condition {
        index: 0,
        operator: if way.versioned { Operator::MaskedEqual(0xffff) } else { Operator::Equal },
        value: way.code.into(),
    };
    if rule.alternatives.is_empty() {
        return vec![Alternative { conditions: vec![code], verdict }];
    }
    // The first argument is taken by the code; what is left of the rule is kept as libseccomp keeps it.
    let rest =
        |conditions: &Vec<Condition>| conditions.iter().copied().filter(|one| one.index != 0).collect::<Vec<_>>();
    rule.alternatives
        .iter()
        .map(|conditions| Alternative { conditions: [vec![code], rest(conditions)].concat(), verdict })
        .collect()
}

/// Ranges in ascending order, neighbours with the same outcome merged.
struct Ranges(Vec<Range>);

impl Ranges {
    fn push(&mut self, first: u32, outcome: usize) {
        if self.0.last().is_none_or(|last| last.outcome != outcome) {
            self.0.push(Range { first, outcome });
        }
    }
}
