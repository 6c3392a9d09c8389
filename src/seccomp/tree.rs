//! Ranges of call numbers, as a binary tree of comparisons.
//!
//! When a filter is loaded the kernel runs it once for every call number that it knows, to remember which are
//! always allowed (`seccomp_cache_prepare`). So short ways matter more than few instructions, and numbers matter by
//! how many calls they are. A lone number amid another outcome costs one test for equality, not two for its edges.

use super::assembler::{Assembler, Compare, Place};
use super::outcome::Range;

/// How many lone numbers in a row are tested one after the other. More make a smaller filter with longer ways.
const LONE: usize = 2;

/// A range counts at most as much as this many numbers: beyond the kernel's last call there are none.
const WEIGHT: u32 = 64;

/// Neighbouring ranges that end as one leaf: the outcome of the first, but for lone numbers in it.
struct Leaf<'a> {
    ranges: &'a [Range],
    /// The weight of all leaves before this one.
    before: u32,
}

/// Writes the search for the range of the number that was loaded; `places` has where each outcome is written.
pub(super) fn write(
    asm: &mut Assembler,
    ranges: &[Range],
    places: &mut dyn FnMut(&mut Assembler, usize) -> Place,
) -> Place {
    let leaves = leaves(ranges);
    branch(asm, &leaves, places)
}

fn leaves(ranges: &[Range]) -> Vec<Leaf<'_>> {
    let mut leaves = Vec::with_capacity(ranges.len());
    let (mut at, mut before) = (0, 0);
    while at < ranges.len() {
        let mut end = at + 1;
        while end + 1 < ranges.len()
            && end - at < 2 * LONE
            && is_lone(&ranges[end..])
            && ranges[end + 1].outcome == ranges[at].outcome
        {
            end += 2;
        }
        leaves.push(Leaf { ranges: &ranges[at..end], before });
        before += (at..end).map(|one| weight(&ranges[one..])).sum::<u32>();
        at = end;
    }
    leaves
}

/// The first of `ranges` is a single number.
fn is_lone(ranges: &[Range]) -> bool {
    ranges.get(1).is_some_and(|next| next.first - ranges[0].first == 1)
}

fn weight(ranges: &[Range]) -> u32 {
    ranges.get(1).map_or(WEIGHT, |next| (next.first - ranges[0].first).min(WEIGHT))
}

fn branch(asm: &mut Assembler, leaves: &[Leaf], places: &mut dyn FnMut(&mut Assembler, usize) -> Place) -> Place {
    match leaves {
        [] => places(asm, 0),
        [leaf] => self::leaf(asm, leaf.ranges, places),
        _ => {
            let (below, above) = leaves.split_at(middle(leaves));
            let yes = branch(asm, above, places);
            let no = branch(asm, below, places);
            asm.branch(Compare::GreaterEqual, above[0].ranges[0].first, yes, no)
        }
    }
}

/// Where to split so that both halves weigh about the same.
fn middle(leaves: &[Leaf]) -> usize {
    let (first, last) = (leaves[0].before, leaves[leaves.len() - 1].before);
    let half = first.midpoint(last);
    let at = leaves.partition_point(|leaf| leaf.before <= half);
    at.clamp(1, leaves.len() - 1)
}

fn leaf(asm: &mut Assembler, ranges: &[Range], places: &mut dyn FnMut(&mut Assembler, usize) -> Place) -> Place {
    let mut next = places(asm, ranges[0].outcome);
    for lone in ranges[1..].iter().step_by(2) {
        let place = places(asm, lone.outcome);
        next = asm.branch(Compare::Equal, lone.first, place, next);
    }
    next
}
