//! The program's heap: blocks of a few sizes, which are kept when they are freed.
//!
//! A command takes and frees some thousand small pieces of memory in its millisecond. The heaps of C libraries are made for
//! programs that live long; theirs took a quarter of all instructions of `run`. What is large is left to them.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::hint::spin_loop;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, Ordering};
use std::alloc::System;

/// Blocks have 16 bytes, 32, 64 and so on; so many sizes.
const SIZES: usize = 12;
/// The smallest, to which all are aligned.
const SMALLEST: usize = 16;
/// The largest: 32 KiB.
const LARGEST: usize = SMALLEST << (SIZES - 1);
/// New blocks are cut from pieces of so many bytes.
const PIECE: usize = 256 << 10;

/// A heap; for the whole program as its `#[global_allocator]`.
pub struct Heap {
    taken: AtomicBool,
    blocks: UnsafeCell<Blocks>,
}

struct Blocks {
    /// Of each size the first one that is free; in it stands where the next one is.
    free: [*mut u8; SIZES],
    /// What is left of the last piece.
    rest: *mut u8,
    left: usize,
}

// SAFETY: the blocks are touched by whoever has set `taken`, and by nobody else meanwhile.
unsafe impl Sync for Heap {}

impl Heap {
    /// An empty heap.
    #[allow(clippy::new_without_default, reason = "there is one, and it is a static")]
    pub const fn new() -> Self {
        let blocks = Blocks { free: [null_mut(); SIZES], rest: null_mut(), left: 0 };
        Self { taken: AtomicBool::new(false), blocks: UnsafeCell::new(blocks) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Blocks) -> T) -> T {
        while self.taken.swap(true, Ordering::Acquire) {
            spin_loop();
        }
        // SAFETY: nobody else has them, for `taken` was not set and is now.
        let done = act(unsafe { &mut *self.blocks.get() });
        self.taken.store(false, Ordering::Release);
        done
    }
}

/// Which size of block serves, by its number; none: the C library.
fn number(layout: Layout) -> Option<usize> {
    let fits = layout.size() <= LARGEST && layout.align() <= SMALLEST;
    fits.then(|| (layout.size().max(SMALLEST) - 1).ilog2() as usize - 3)
}

#[allow(clippy::cast_ptr_alignment, reason = "all blocks are aligned to 16 bytes")]
impl Blocks {
    /// A block of size `number`; null if there is no memory.
    fn take(&mut self, number: usize) -> *mut u8 {
        let free = self.free[number];
        if !free.is_null() {
            // SAFETY: a free block is ours, aligned, and begins with where the next one is.
            self.free[number] = unsafe { *free.cast::<*mut u8>() };
            return free;
        }
        let size = SMALLEST << number;
        if self.left < size {
            // SAFETY: the size is not zero.
            self.rest = unsafe { System.alloc(Layout::new::<[u128; PIECE / SMALLEST]>()) };
            self.left = if self.rest.is_null() { 0 } else { PIECE };
            if self.left == 0 {
                return null_mut();
            }
        }
        let block = self.rest;
        // SAFETY: the piece has so many bytes left; it may end there.
        self.rest = unsafe { block.add(size) };
        self.left -= size;
        block
    }

    fn give_back(&mut self, block: *mut u8, number: usize) {
        // SAFETY: nobody uses the block any more; it is aligned, and larger than a pointer.
        unsafe { *block.cast::<*mut u8>() = self.free[number] };
        self.free[number] = block;
    }
}

// SAFETY: a block is handed out once until it comes back, is as large and as aligned as was asked for, and moves never.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match number(layout) {
            Some(number) => self.with(|blocks| blocks.take(number)),
            // SAFETY: what the caller vouches for.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match number(layout) {
            Some(number) => self.with(|blocks| blocks.give_back(block, number)),
            // SAFETY: by its layout it came from there.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller vouches for the size, and the alignment was right before.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (number(layout), number(wanted)) {
            (Some(old), Some(new)) if old == new => block,
            // SAFETY: it came from there and stays there.
            (None, None) => unsafe { System.realloc(block, layout, size) },
            // SAFETY: both blocks have at least as many bytes as are copied, and are not the same.
            _ => unsafe {
                let moved = self.alloc(wanted);
                if !moved.is_null() {
                    block.copy_to_nonoverlapping(moved, layout.size().min(size));
                    self.dealloc(block, layout);
                }
                moved
            },
        }
    }
}

#[cfg(test)]
#[allow(clippy::undocumented_unsafe_blocks, reason = "each block is used as it was asked for, and given back once")]
mod tests {
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn sizes() {
        let numbers = [(0, Some(0)), (1, Some(0)), (16, Some(0)), (17, Some(1)), (32, Some(1)), (LARGEST, Some(11))];
        for (size, wanted) in numbers {
            assert_eq!(number(layout(size, 1)), wanted, "{size}");
        }
        assert_eq!(number(layout(LARGEST + 1, 1)), None);
        assert_eq!(number(layout(8, 64)), None);
    }

    #[test]
    fn blocks_do_not_overlap_and_come_back() {
        let heap = Heap::new();
        let layouts = (0..4000_usize).map(|at| layout(1 + at * 37 % 40_000, 1 << (at % 7)));
        let blocks: Vec<_> = layouts
            .enumerate()
            .map(|(at, layout)| unsafe {
                let block = heap.alloc(layout);
                assert!(!block.is_null() && block.addr().is_multiple_of(layout.align()));
                block.write_bytes(at as u8, layout.size());
                (block, layout)
            })
            .collect();
        for (at, (block, layout)) in blocks.iter().enumerate() {
            let bytes = unsafe { std::slice::from_raw_parts(*block, layout.size()) };
            assert!(bytes.iter().all(|byte| *byte == at as u8), "{at}");
        }
        for (block, layout) in blocks {
            unsafe { heap.dealloc(block, layout) };
        }
        let (one, other) = unsafe { (heap.alloc(layout(100, 8)), heap.alloc(layout(100, 8))) };
        assert_ne!(one, other);
        unsafe { heap.dealloc(one, layout(100, 8)) };
        assert_eq!(unsafe { heap.alloc(layout(128, 16)) }, one);
    }

    #[test]
    fn what_grows_or_shrinks_keeps_what_is_in_it() {
        let heap = Heap::new();
        let mut size = 10;
        let mut block = unsafe { heap.alloc(layout(size, 1)) };
        unsafe { block.write_bytes(7, size) };
        for next in [12, 16, 17, 5000, LARGEST, LARGEST + 1, 90_000, 20_000, 10] {
            block = unsafe { heap.realloc(block, layout(size, 1), next) };
            size = next;
            let kept = unsafe { std::slice::from_raw_parts(block, 10) };
            assert_eq!(kept, [7; 10], "{next}");
        }
    }

    #[test]
    fn many_at_once() {
        let heap = Heap::new();
        std::thread::scope(|scope| {
            for thread in 1..5_u8 {
                let heap = &heap;
                scope.spawn(move || {
                    for round in 0..2000_usize {
                        let layout = layout(1 + round % 300, 8);
                        unsafe {
                            let block = heap.alloc(layout);
                            block.write_bytes(thread, layout.size());
                            let bytes = std::slice::from_raw_parts(block, layout.size());
                            assert!(bytes.iter().all(|byte| *byte == thread));
                            heap.dealloc(block, layout);
                        }
                    }
                });
            }
        });
    }
}
