//! Sets of signals, beyond what the C libraries let in.

use nix::sys::signal::SigSet;

/// `signals`, and the first realtime signal as people count them (34): musl's sigfillset(3) and sigaddset(3) leave it out.
pub fn with_first_realtime(signals: SigSet) -> SigSet {
    let mut set = *signals.as_ref();
    // SAFETY: a C library's sigset_t begins with the kernel's, a bit for each signal from 1 on, and any bits are a valid set.
    unsafe {
        *(&raw mut set).cast::<u64>() |= 1 << 33;
        SigSet::from_sigset_t_unchecked(set)
    }
}
