//! Making processes: clone3(2) and what is left of clone(2).

use core::ffi::c_void;
use core::mem::MaybeUninit;

use super::Fd;
use super::abi::{self, nr};
use super::raw::{Errno, pointer, syscall};

/// The kernel's `struct clone_args`, as of Linux 5.7.
#[repr(C, align(8))]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// What runs in the child; it must not return.
pub type Entry = unsafe extern "C" fn(*mut c_void) -> !;

/// Makes a child that runs `entry(argument)` on `stack`, while we go on: it is there to call execve and nothing else.
/// `flags` are `CLONE_*`; with `CLONE_VM` it *shares our memory*. Returns its process id and a pidfd.
///
/// With a `cgroup` (a directory's descriptor) the child is born in it, which only clone3 can do; without, clone(2) serves
/// and works under every older seccomp profile.
///
/// # Safety
/// Until the child has called execve or ended, `argument` and `stack` must stay as they are and nothing else may use
/// them; `entry` must not touch what this process changes meanwhile, nor thread-local storage (so: raw calls only).
pub unsafe fn spawn(
    flags: u64,
    cgroup: Option<Fd>,
    stack: &mut [MaybeUninit<u128>],
    entry: Entry,
    argument: *mut c_void,
) -> Result<(i32, Fd), Errno> {
    let mut pidfd: i32 = -1;
    let flags = flags | abi::CLONE_PIDFD;
    let top = stack.as_mut_ptr_range().end as usize;
    let result = if let Some(dir) = cgroup {
        let arguments = CloneArgs {
            flags: flags | abi::CLONE_INTO_CGROUP,
            pidfd: (&raw mut pidfd) as u64,
            exit_signal: abi::SIGCHLD,
            stack: stack.as_mut_ptr() as u64,
            stack_size: size_of_val(stack) as u64,
            cgroup: dir.0 as u64,
            ..CloneArgs::default()
        };
        // SAFETY: arguments is a whole clone_args, which names a stack for the child.
        unsafe { call(nr::clone3, [pointer(&arguments), size_of::<CloneArgs>(), 0], entry, argument) }
    } else {
        let flags = (flags | abi::SIGCHLD) as usize;
        // SAFETY: the child has a stack; with CLONE_PIDFD the third argument is where the descriptor goes.
        unsafe { call(nr::clone, [flags, top, (&raw mut pidfd) as usize], entry, argument) }
    };
    if result < 0 { Err(Errno(-result as i32)) } else { Ok((result as i32, Fd(pidfd))) }
}

/// The system call `number`, from which the child goes to `entry` on its own stack, and never returns into this frame.
///
/// # Safety
/// `arguments` must be those of a clone that gives the child a stack.
unsafe fn call(number: usize, arguments: [usize; 3], entry: Entry, argument: *mut c_void) -> isize {
    let result: isize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller vouches for the arguments.
    unsafe {
        core::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") number as isize => result,
            in("rdi") arguments[0], in("rsi") arguments[1], in("rdx") arguments[2],
            in("r10") 0, in("r8") 0, in("r12") argument, in("r13") entry,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x20",
            "blr x21",
            "brk 1",
            "2:",
            in("x8") number,
            inlateout("x0") arguments[0] as isize => result,
            in("x1") arguments[1], in("x2") arguments[2], in("x3") 0, in("x4") 0,
            in("x20") argument, in("x21") entry,
            lateout("lr") _,
        );
    }
    result
}

/// clone(2) as a plain fork with `flags` besides: `None` in the child, its process id in the parent.
///
/// For the freestanding child only: it has no state that a fork could tear (no libc, no threads, no locks).
pub fn fork(flags: u64) -> Result<Option<i32>, Errno> {
    // SAFETY: no new stack and no shared memory, so both go on in copies of this frame.
    let pid = unsafe { syscall(nr::clone, [(flags | abi::SIGCHLD) as usize, 0, 0, 0, 0, 0]) }?;
    Ok(if pid == 0 { None } else { Some(pid as i32) })
}
