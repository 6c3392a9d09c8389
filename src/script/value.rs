//! The three kinds of value that a script is made of besides numbers.

#![allow(unsafe_code)]

use core::ffi::{CStr, c_char};
use core::marker::PhantomData;

/// A NUL-terminated string in the script, or none.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Text(usize);

impl Text {
    /// No string.
    pub const NONE: Self = Self(0);

    /// The string at `address`.
    ///
    /// # Safety
    /// Whoever reads it must have a NUL-terminated string mapped there for good: the child does, the parent must not.
    pub unsafe fn at(address: usize) -> Self {
        Self(address)
    }

    /// Whether there is no string; unlike the string itself, parent and child can both ask for that.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The string; empty for none.
    pub fn get(self) -> &'static CStr {
        self.some().unwrap_or(c"")
    }

    /// The string, if there is one.
    pub fn some(self) -> Option<&'static CStr> {
        // SAFETY: promised to `at`.
        if self.0 == 0 { None } else { Some(unsafe { CStr::from_ptr(self.0 as *const c_char) }) }
    }
}

/// A sequence of values in the script.
#[repr(C)]
pub struct List<T: 'static> {
    address: usize,
    length: usize,
    kind: PhantomData<&'static [T]>,
}

impl<T> List<T> {
    /// No values.
    pub const EMPTY: Self = Self { address: 0, length: 0, kind: PhantomData };

    /// `length` values at `address`.
    ///
    /// # Safety
    /// As [`Text::at`]: whoever reads it must have that many valid values mapped there for good.
    pub unsafe fn at(address: usize, length: usize) -> Self {
        Self { address, length, kind: PhantomData }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The values.
    pub fn get(&self) -> &'static [T] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: promised to `at`.
        unsafe { core::slice::from_raw_parts(self.address as *const T, self.length) }
    }

    /// The values with their indices, as messages carry them.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, &'static T)> {
        (0..).zip(self.get())
    }
}

/// Yes or no, four bytes wide.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Flag(u32);

impl Flag {
    /// Yes.
    pub const YES: Self = Self(1);
    /// No.
    pub const NO: Self = Self(0);

    /// Whether it is yes.
    pub fn is(self) -> bool {
        self.0 != 0
    }
}

impl From<bool> for Flag {
    fn from(value: bool) -> Self {
        Self(u32::from(value))
    }
}
