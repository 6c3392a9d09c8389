//! The system call instruction.

use core::ffi::CStr;

/// An error number of the kernel, 1 to 4095.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Errno(pub i32);

/// Makes a system call with six arguments: the result, or the error number.
///
/// # Safety
/// The arguments must be what the system call `number` expects: pointers among them must be valid for as long as
/// and in the way that the kernel uses them.
#[inline]
pub unsafe fn syscall(number: usize, args: [usize; 6]) -> Result<usize, Errno> {
    let result: isize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller vouches for the arguments; rcx, r11 and memory are declared clobbered.
    unsafe {
        core::arch::asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
            in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above; the kernel preserves all registers but x0.
    unsafe {
        core::arch::asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") args[0] as isize => result,
            in("x1") args[1], in("x2") args[2], in("x3") args[3], in("x4") args[4], in("x5") args[5],
            options(nostack),
        );
    }
    if (-4095..0).contains(&result) { Err(Errno(-result as i32)) } else { Ok(result as usize) }
}

/// A NUL-terminated string as a system call's argument.
pub fn text(value: &CStr) -> usize {
    value.as_ptr() as usize
}

/// Anything in memory as a system call's argument that is only read.
pub fn pointer<T: ?Sized>(value: &T) -> usize {
    core::ptr::from_ref(value).cast::<u8>() as usize
}

/// Anything in memory as a system call's argument that is written.
pub fn pointer_mut<T: ?Sized>(value: &mut T) -> usize {
    core::ptr::from_mut(value).cast::<u8>() as usize
}
