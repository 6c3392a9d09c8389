//! A filter that notifies: its listener's descriptor goes to the parent, who gives it to the agent.
//!
//! From the moment when the filter is loaded, any system call of this thread may wait for the agent, who does not have
//! the descriptor yet. So a second thread, which the filter does not hold for but which shares our descriptors, is made
//! before; it sends the descriptor and waits for the parent's word. Until then this thread makes no system call at all.

use core::cell::Cell;
use core::ffi::c_void;
use core::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use super::{At, Outcome, Wire};
use crate::script::{Event, Message, Process, Step};
use crate::sys::{Fd, clone, file, process, socket};

/// How often the second thread looks whether the filter is loaded: the first one can't wake it without a system call.
/// Loading takes some hundred microseconds.
const LOOK: u32 = 50_000;

/// What the two threads share.
pub struct Handover {
    wire: Wire,
    /// Whether the second thread was made.
    made: Cell<bool>,
    /// The listener's descriptor, or none yet.
    listener: AtomicI32,
    /// Whether the agent has it.
    done: AtomicBool,
}

impl Handover {
    /// By way of `wire`.
    pub fn new(wire: Wire) -> Self {
        let (listener, done) = (AtomicI32::new(Fd::NONE.0), AtomicBool::new(false));
        Self { wire, made: Cell::new(false), listener, done }
    }

    /// Makes the second thread. Whose children are to be born into another pid namespace than its own can't any more.
    pub fn prepare(&self) -> Outcome {
        if !self.made.replace(true) {
            let shared = core::ptr::from_ref(self).cast_mut().cast::<c_void>();
            // SAFETY: `hand_over` expects a Handover, and is done with it when it says `done`. Both mains keep theirs until
            // they end the process, or execve does.
            unsafe { clone::thread(hand_over, shared) }.at(Step::Listener)?;
        }
        Ok(())
    }

    /// Loads the filter of `process` and hands its listener over.
    pub fn load(&self, process: &Process) -> Outcome {
        self.prepare()?;
        let listener = process::seccomp(process.seccomp.get(), process.seccomp_flags).at(Step::Seccomp)?;
        self.listener.store(listener.0, Ordering::Release);
        while !self.done.load(Ordering::Acquire) {
            core::hint::spin_loop();
        }
        Ok(())
    }
}

/// The second thread. If the parent can't hand the listener over, or is gone, it ends the whole process.
unsafe extern "C" fn hand_over(argument: *mut c_void) -> ! {
    // SAFETY: `prepare` gives it one.
    let handover = unsafe { &*argument.cast::<Handover>() };
    let listener = loop {
        match Fd(handover.listener.load(Ordering::Acquire)).some() {
            Some(listener) => break listener,
            None => process::nap(LOOK),
        }
    };
    let message = Message::event(Event::Listening, 0).to_bytes();
    let sent = socket::send_file(handover.wire.0, &message, listener);
    file::close(listener);
    if sent.and_then(|()| handover.wire.wait()).is_err() {
        process::exit(1);
    }
    handover.done.store(true, Ordering::Release);
    process::exit_thread()
}
