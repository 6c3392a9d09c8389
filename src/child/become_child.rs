//! From a clone of the parent to the freestanding child. This alone runs in the parent's image.

use core::ffi::c_void;

use crate::script::{Message, Step};
use crate::sys::{Errno, Fd, abi, file, process};

/// What the clone needs to become the child. It lies in memory shared with the parent, which leaves it alone until the
/// child has spoken or ended.
#[repr(C)]
pub struct Becoming<'a> {
    /// The child's image.
    pub image: Fd,
    /// Its argument vector, ended by null.
    pub argv: [usize; 3],
    /// Its environment, ended by null: none.
    pub envp: [usize; 1],
    /// Descriptors that it is to have; all others close.
    pub keep: &'a [Fd],
    /// Where to say what went wrong.
    pub wire: Fd,
    /// `cgroup.procs` to write to, where the clone could not be born into its cgroup.
    pub cgroup: Option<Fd>,
    /// Whether this is a new user namespace: its ids are not mapped yet, so that execve would take all capabilities.
    pub keep_capabilities: bool,
}

/// The clone's entry: see [`crate::sys::clone::spawn`].
///
/// # Safety
/// `argument` must point to a [`Becoming`] that stays as it is until execve.
pub unsafe extern "C" fn enter(argument: *mut c_void) -> ! {
    // SAFETY: promised by the caller.
    let becoming = unsafe { &*argument.cast::<Becoming<'_>>() };
    let errno = match prepare(becoming) {
        // SAFETY: argv and envp are null-terminated arrays of the parent's.
        Ok(()) => unsafe {
            process::execve_file(becoming.image, becoming.argv.as_ptr() as usize, becoming.envp.as_ptr() as usize)
        },
        Err(errno) => errno,
    };
    let _ = file::write(becoming.wire, &Message::fault(Step::Become, 0, errno, 0).to_bytes());
    process::exit(1)
}

fn prepare(becoming: &Becoming<'_>) -> Result<(), Errno> {
    if let Some(procs) = becoming.cgroup {
        file::write(procs, b"0")?;
    }
    // The table of descriptors is a copy: the parent's stay as they are. What our caller left open is closed too, and closed
    // now, not when the user's program begins: before that its path is looked up, and /proc/self/fd leads out (CVE-2024-21626).
    file::close_range(3, u32::MAX, abi::CLOSE_RANGE_CLOEXEC)?;
    for file in becoming.keep {
        file::fcntl(*file, abi::F_SETFD, 0)?;
    }
    if becoming.keep_capabilities {
        keep_capabilities()?;
    }
    Ok(())
}

/// Makes all capabilities ambient: as long as no ids are mapped we are nobody, and only ambient ones survive execve.
fn keep_capabilities() -> Result<(), Errno> {
    process::capset(u64::MAX, u64::MAX, u64::MAX).or_else(|_| {
        let known = (0..64).take_while(|bit| process::prctl(abi::PR_CAPBSET_READ, *bit).is_ok());
        let all = known.fold(0, |set, bit| set | 1 << bit);
        process::capset(all, all, all)
    })?;
    for capability in 0..64 {
        if process::ambient(abi::PR_CAP_AMBIENT_RAISE, capability).is_err() {
            break;
        }
    }
    Ok(())
}
