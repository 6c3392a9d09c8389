//! The freestanding program that the library embeds: `child` with the little that a program needs to start.

#![no_std]
#![no_main]
#![no_builtins]

#[path = "mod.rs"]
mod child;
#[path = "../script/mod.rs"]
mod script;
#[path = "../sys/mod.rs"]
mod sys;

// The kernel enters here with the stack pointer at argc; a function wants it aligned.
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(".globl _start", "_start:", "xor ebp, ebp", "mov rdi, rsp", "and rsp, -16", "call {enter}", "ud2", enter = sym enter);
#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(".globl _start", "_start:", "mov x29, xzr", "mov x0, sp", "and sp, x0, -16", "bl {enter}", "brk 1", enter = sym enter);

/// `stack` points at argc, argv[0], argv[1] ...: our second argument is the number of the script's descriptor.
unsafe extern "C" fn enter(stack: *const usize) -> ! {
    // SAFETY: the kernel puts argc and that many argument pointers there, each to a string with its NUL.
    let argument = unsafe {
        match *stack {
            2 => core::ffi::CStr::from_ptr(*stack.add(2) as *const core::ffi::c_char),
            _ => c"",
        }
    };
    child::main(argument)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Not reached: nothing in the child panics. If it were, the parent would report an end without a message.
    sys::process::exit(120)
}

// The compiler makes calls to these four by itself.

#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(target: *mut u8, source: *const u8, length: usize) -> *mut u8 {
    for at in 0..length {
        // SAFETY: the caller's promise.
        unsafe { *target.add(at) = *source.add(at) };
    }
    target
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memset(target: *mut u8, byte: i32, length: usize) -> *mut u8 {
    for at in 0..length {
        // SAFETY: the caller's promise.
        unsafe { *target.add(at) = byte as u8 };
    }
    target
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, length: usize) -> i32 {
    for at in 0..length {
        // SAFETY: the caller's promise.
        let (a, b) = unsafe { (*one.add(at), *other.add(at)) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut length = 0;
    // SAFETY: the caller's promise.
    while unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    length
}
