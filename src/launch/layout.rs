//! Laying a script out in memory, as the child will find it.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString};

use crate::script::{ADDRESS, List, Script, Text};

/// A piece of memory that begins with room for the [`Script`], in which every address is already the child's.
pub struct Layout {
    bytes: Vec<u8>,
}

/// All that is laid out is aligned to this.
const ALIGNMENT: usize = 8;

impl Layout {
    /// Nothing but the room for the script.
    pub fn new() -> Self {
        let mut bytes = Vec::with_capacity(16 * 1024);
        bytes.resize(size_of::<Script>().next_multiple_of(ALIGNMENT), 0);
        Self { bytes }
    }

    /// Adds a string.
    pub fn text(&mut self, text: &CStr) -> Text {
        // SAFETY: only the child reads it, which has this memory mapped at ADDRESS.
        unsafe { Text::at(self.append(text.to_bytes_with_nul())) }
    }

    /// Adds a string, if there is one.
    pub fn optional(&mut self, text: Option<&CStr>) -> Text {
        text.map_or(Text::NONE, |text| self.text(text))
    }

    /// Adds a sequence of values.
    pub fn list<T: 'static>(&mut self, values: &[T]) -> List<T> {
        if values.is_empty() {
            return List::EMPTY;
        }
        const { assert!(align_of::<T>() <= ALIGNMENT) };
        self.align();
        // SAFETY: only the child reads it, which has this memory mapped at ADDRESS.
        unsafe { List::at(self.append(as_bytes(values)), values.len()) }
    }

    /// Adds a null-terminated vector of strings for execve, with `spare` null entries in front: its address.
    pub fn vector(&mut self, texts: &[CString], spare: usize) -> usize {
        let mut addresses = vec![0; spare];
        addresses.extend(texts.iter().map(|text| self.append(text.to_bytes_with_nul())));
        addresses.push(0);
        self.align();
        self.append(as_bytes(&addresses))
    }

    /// The finished piece of memory.
    pub fn finish(mut self, mut script: Script) -> Vec<u8> {
        script.length = self.bytes.len();
        let room = as_bytes(std::slice::from_ref(&script));
        self.bytes[..room.len()].copy_from_slice(room);
        self.bytes
    }

    fn append(&mut self, bytes: &[u8]) -> usize {
        let address = ADDRESS + self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        address
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }
}

/// The memory of plain values.
fn as_bytes<T>(values: &[T]) -> &[u8] {
    // SAFETY: the script's types are plain numbers side by side; where the compiler pads them, the padding came from
    // values that were built whole, and its contents mean nothing to anybody.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}
