//! What the child says to the parent: 16 bytes at a time.

use super::Step;
use crate::sys::Errno;

/// One message, as it goes over the wire.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// [`Event`], or a [`Step`] that failed.
    pub what: u32,
    /// Which one of several: `mounts[index]`.
    pub index: u32,
    /// The error number of a failed step; 0 if it failed for another reason than a system call's.
    pub errno: i32,
    /// What else there is to say: a process id, the number of a parameter.
    pub extra: u32,
}

/// What can be said besides that a step failed.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The second clone was made: `extra` is the process id.
    Reborn = 1,
    /// The namespaces are there: time for the hooks that the parent runs.
    Namespaced = 2,
    /// All is made, checked and waiting for the word to start. (Of a process that joins: about to call execve.)
    Ready = 3,
    /// The filter is loaded; its listener's descriptor comes with the message. The child waits until it is handed over.
    Listening = 4,
    /// startContainer hooks begin to run; `extra` is 0 when they have ended.
    Hooks = 5,
}

impl Message {
    /// Its size on the wire.
    pub const SIZE: usize = size_of::<Self>();

    /// An event.
    pub fn event(event: Event, extra: u32) -> Self {
        Self { what: event as u32, index: 0, errno: 0, extra }
    }

    /// A step that failed.
    pub fn fault(step: Step, index: u32, errno: Errno, extra: u32) -> Self {
        Self { what: step as u32, index, errno: errno.0, extra }
    }

    /// As bytes.
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        let words = [self.what, self.index, self.errno.cast_unsigned(), self.extra];
        for (target, word) in bytes.chunks_exact_mut(4).zip(words) {
            target.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// From bytes.
    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        let word = |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self { what: word(0), index: word(4), errno: word(8).cast_signed(), extra: word(12) }
    }
}
