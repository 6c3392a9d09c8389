//! bpf(2), as far as device programs of cgroups need it.

use super::abi::EAGAIN;
use super::raw::{pointer, pointer_mut, syscall};
use super::{Errno, Fd};

/// An instruction of eBPF (uapi `struct bpf_insn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// Class, operation and source or size.
    pub code: u8,
    /// The destination register in the lower four bits, the source in the upper ones (on little-endian machines).
    pub registers: u8,
    /// Of a jump: how many instructions are skipped. Of a load: bytes.
    pub offset: i16,
    /// The constant operand.
    pub immediate: i32,
}

#[cfg(target_arch = "x86_64")]
const BPF: usize = 321;
#[cfg(not(target_arch = "x86_64"))]
const BPF: usize = 280;

const BPF_PROG_LOAD: usize = 5;
const BPF_PROG_ATTACH: usize = 8;
const BPF_PROG_GET_FD_BY_ID: usize = 13;
const BPF_OBJ_GET_INFO_BY_FD: usize = 15;
const BPF_PROG_QUERY: usize = 16;
const BPF_PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const BPF_CGROUP_DEVICE: u32 = 6;
/// More programs may be attached to this cgroup and below; all must agree.
const BPF_F_ALLOW_MULTI: u32 = 1 << 1;
/// One certain program is replaced, atomically.
const BPF_F_REPLACE: u32 = 1 << 2;

/// The name of our programs, as bpftool shows it; at most 15 bytes.
const NAME: &[u8] = b"onggi_devices";

/// `union bpf_attr`, longer than any kernel's: kernels take a longer one if the rest is zero, while some write their
/// answer past the end of a shorter one.
#[repr(C, align(8))]
struct Attributes([u8; 256]);

impl Attributes {
    fn new() -> Self {
        Self([0; 256])
    }

    /// Sets a field of 4 bytes at an offset of uapi/linux/bpf.h.
    fn set(&mut self, at: usize, value: u32) -> &mut Self {
        self.0[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        self
    }

    /// Sets a field of 8 bytes: a pointer.
    fn set_pointer(&mut self, at: usize, value: usize) -> &mut Self {
        self.0[at..at + 8].copy_from_slice(&(value as u64).to_ne_bytes());
        self
    }

    fn get(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.0[at..at + 4]);
        u32::from_ne_bytes(bytes)
    }

    /// Makes the system call.
    ///
    /// # Safety
    /// The pointers set must be valid for what `command` does with them.
    unsafe fn call(&mut self, command: usize) -> Result<usize, Errno> {
        let length = self.0.len();
        // SAFETY: the attributes are ours and of the length given; the caller vouches for the pointers in them.
        unsafe { syscall(BPF, [command, pointer_mut(self), length, 0, 0, 0]) }
    }
}

/// How often loading a program is tried: the verifier gives up with EAGAIN when a signal arrives, be it that we go on after a stop.
const ATTEMPTS: u32 = 16;

/// Loads a device program: its file descriptor (close-on-exec, to be closed by the caller).
///
/// # Errors
/// `EPERM` without `CAP_BPF` and `CAP_NET_ADMIN` (or `CAP_SYS_ADMIN`) in the first user namespace.
pub fn load_device_program(program: &[Instruction]) -> Result<Fd, Errno> {
    let Ok(count) = u32::try_from(program.len()) else {
        return Err(Errno(7 /* E2BIG */));
    };
    let license = c"Apache-2.0";
    let mut attributes = Attributes::new();
    attributes
        .set(0, BPF_PROG_TYPE_CGROUP_DEVICE)
        .set(4, count)
        .set_pointer(8, pointer(program))
        .set_pointer(16, license.as_ptr() as usize)
        .set(68, BPF_CGROUP_DEVICE);
    attributes.0[48..48 + NAME.len()].copy_from_slice(NAME);
    let mut left = ATTEMPTS;
    loop {
        left -= 1;
        // SAFETY: the kernel reads `count` instructions and the license, both alive until it returns.
        match unsafe { attributes.call(BPF_PROG_LOAD) } {
            Err(Errno(EAGAIN)) if left > 0 => {}
            loaded => return loaded.map(descriptor),
        }
    }
}

/// Attaches a device program to a cgroup directory: beside those that are there, or in the place of one of them.
pub fn attach_device_program(cgroup: Fd, program: Fd, instead_of: Option<Fd>) -> Result<(), Errno> {
    let mut attributes = Attributes::new();
    attributes
        .set(0, cgroup.0.cast_unsigned())
        .set(4, program.0.cast_unsigned())
        .set(8, BPF_CGROUP_DEVICE)
        .set(12, BPF_F_ALLOW_MULTI);
    if let Some(old) = instead_of {
        attributes.set(12, BPF_F_ALLOW_MULTI | BPF_F_REPLACE).set(16, old.0.cast_unsigned());
    }
    // SAFETY: no pointers.
    unsafe { attributes.call(BPF_PROG_ATTACH) }.map(drop)
}

/// The ids of the device programs attached to a cgroup directory itself, put into `ids`: how many.
///
/// # Errors
/// `ENOSPC` if there are more than `ids` has room for.
pub fn attached_device_programs(cgroup: Fd, ids: &mut [u32]) -> Result<usize, Errno> {
    let room = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let mut attributes = Attributes::new();
    attributes
        .set(0, cgroup.0.cast_unsigned())
        .set(4, BPF_CGROUP_DEVICE)
        .set_pointer(16, pointer_mut(ids))
        .set(24, room);
    // SAFETY: the kernel writes at most `room` ids, and only within its attributes else.
    unsafe { attributes.call(BPF_PROG_QUERY) }.map(|_| attributes.get(24) as usize)
}

/// The file descriptor of a program by its id (close-on-exec, to be closed by the caller).
pub fn program_by_id(id: u32) -> Result<Fd, Errno> {
    let mut attributes = Attributes::new();
    attributes.set(0, id);
    // SAFETY: no pointers.
    unsafe { attributes.call(BPF_PROG_GET_FD_BY_ID) }.map(descriptor)
}

/// Whether a program is one that [`load_device_program`] made, here or in an earlier process.
pub fn is_ours(program: Fd) -> Result<bool, Errno> {
    // `struct bpf_prog_info` up to its name, which is at 64 and 16 bytes long.
    let mut info = [0u64; 10];
    let mut attributes = Attributes::new();
    attributes.set(0, program.0.cast_unsigned()).set(4, 80).set_pointer(8, pointer_mut(&mut info));
    // SAFETY: the kernel writes at most the 80 bytes that it is told of, and its answers within its attributes.
    unsafe { attributes.call(BPF_OBJ_GET_INFO_BY_FD) }?;
    let name = [info[8].to_ne_bytes(), info[9].to_ne_bytes()];
    let name = name.as_flattened();
    Ok(name.starts_with(NAME) && name[NAME.len()] == 0)
}

/// A system call's result that is a file descriptor.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "the kernel's descriptors are ints")]
fn descriptor(result: usize) -> Fd {
    Fd(result as i32)
}
