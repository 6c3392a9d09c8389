//! The child: what happens between clone and the user's program.
//!
//! It is a freestanding program of some thirty thousand bytes (`main.rs` beside this file is its start, `build.rs` how it
//! is built) that the parent writes to a sealed memory file and executes as the first thing after clone. So neither the
//! host's executable nor the parent's memory is ever inside a container: there is nothing here to steal or to overwrite.
//!
//! It follows the parent's [`Script`] and nothing else: no parsing, no choices, no allocation, no formatting, only system
//! calls. [`init`] makes a container, [`join`] puts one more process into one; both are numbered lists, to be read from top
//! to bottom. The first thing that fails ends it: a [`Fault`] says at which step, and the parent, which has the plan,
//! says it in words.
//!
//! May enter: `script`, `sys`. What a container's processes may have prepared (the rootfs, and all that lies in it) is
//! hostile: [`place`] is the only way to get at it.

#![allow(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]
#![allow(clippy::cast_possible_truncation, reason = "64-bit machines only; digits fit a byte")]

pub mod become_child;
mod console;
mod copy_up;
mod cover;
mod devices;
mod home;
mod hooks;
mod identity;
mod init;
mod join;
mod label;
mod listen;
mod listener;
mod mounts;
mod place;
mod procfs;
mod program;
mod rootfs;
mod seal;
mod sysctl;
mod text;
mod time;

use core::ffi::CStr;

use crate::script::{ADDRESS, Event, Message, Script, Step};
use crate::sys::abi::{self, nr};
use crate::sys::{Errno, Fd, file, process, raw};

/// A step that failed.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    step: Step,
    index: u32,
    errno: Errno,
    extra: u32,
}

/// What a step of the child comes to.
type Outcome<T = ()> = Result<T, Fault>;

impl Fault {
    /// A failure that no system call reported.
    fn new(step: Step, index: u32) -> Self {
        Self { step, index, errno: Errno(0), extra: 0 }
    }

    /// Says what else there is to say.
    fn extra(mut self, extra: u32) -> Self {
        self.extra = extra;
        self
    }
}

/// Gives a system call's error its coordinates.
trait At<T> {
    /// Step `step`.
    fn at(self, step: Step) -> Outcome<T>;
    /// Step `step`, number `index`.
    fn nth(self, step: Step, index: u32) -> Outcome<T>;
}

impl<T> At<T> for Result<T, Errno> {
    fn at(self, step: Step) -> Outcome<T> {
        self.nth(step, 0)
    }

    fn nth(self, step: Step, index: u32) -> Outcome<T> {
        #[cfg(feature = "fault")]
        let this = injected(step, index).map_or(self, Err);
        #[cfg(not(feature = "fault"))]
        let this = self;
        match this {
            Ok(value) => {
                // SAFETY: the script is mapped there before the first step is judged.
                unsafe { (*(ADDRESS as *const Script)).done.set([step as u32, index]) };
                Ok(value)
            }
            Err(errno) => Err(Fault { step, index, errno, extra: 0 }),
        }
    }
}

/// The fault that a test asked for, if it is at these coordinates.
#[cfg(feature = "fault")]
fn injected(step: Step, index: u32) -> Option<Errno> {
    // SAFETY: the script is mapped there before the first step is judged.
    let wanted = unsafe { (*(ADDRESS as *const Script)).fault };
    (wanted.step == step as u32 && wanted.index == index).then_some(Errno(wanted.errno))
}

/// The way to the parent.
#[derive(Clone, Copy)]
struct Wire(Fd);

impl Wire {
    /// Says that something was reached. If nobody listens any more, the next wait will tell.
    fn say(self, event: Event, extra: u32) {
        let _ = file::write(self.0, &Message::event(event, extra).to_bytes());
    }

    /// Waits for the parent's word; an error if it went away instead.
    fn wait(self) -> Result<(), Errno> {
        let mut word = [0];
        match file::read(self.0, &mut word)? {
            0 => Err(Errno(abi::EPROTO)),
            _ => Ok(()),
        }
    }

    /// Says what failed, and ends.
    fn fail(self, fault: Fault) -> ! {
        let message = Message::fault(fault.step, fault.index, fault.errno, fault.extra);
        let _ = file::write(self.0, &message.to_bytes());
        process::exit(1)
    }
}

/// The child's main function; `argument` is the number of the script's descriptor.
pub fn main(argument: &CStr) -> ! {
    let script = map(text::number(argument.to_bytes()).map_or(Fd::NONE, Fd));
    let wire = Wire(script.wire);
    let done = if script.create.is() { init::run(script, wire) } else { join::run(script, wire) };
    match done {
        Err(fault) => wire.fail(fault),
        Ok(never) => match never {},
    }
}

/// What a list that ends with the user's program comes to, if it does not fail: nothing.
enum Never {}

/// Maps the script. It is writable, for the descriptors that are found on the way, and shared with the parent, for how far
/// we have come.
fn map(file: Fd) -> &'static Script {
    let length = file::stat(file).map_or(0, |found| found.size) as usize;
    let protection = abi::PROT_READ | abi::PROT_WRITE;
    let flags = abi::MAP_SHARED | abi::MAP_POPULATE | abi::MAP_FIXED_NOREPLACE;
    // SAFETY: nothing else is mapped there (the kernel checks), and the parent wrote a Script at its beginning.
    unsafe {
        match raw::syscall(nr::mmap, [ADDRESS, length, protection, flags, file.arg(), 0]) {
            Ok(ADDRESS) => &*(ADDRESS as *const Script),
            _ => astray(),
        }
    }
}

/// There is no script: we were not started by the parent but by what the container calls its program, /proc/self/exe or a
/// script with that interpreter. While it is looked up that is this sealed file.
fn astray() -> ! {
    let _ = file::write(Fd(2), b"onggi: the program is /proc/self/exe, which is none of the container's\n");
    process::exit(127)
}
