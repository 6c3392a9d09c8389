//! A process and what it is: namespaces, ids, capabilities, limits, its program.

use core::ffi::CStr;

use super::Fd;
use super::abi::{self, nr};
use super::raw::{Errno, pointer, pointer_mut, syscall, text};

/// exit_group(2). Where a filter forbids even that, an instruction that there is not ends the process (SIGILL, which
/// then not even a pid namespace's init survives).
pub fn exit(status: u8) -> ! {
    // SAFETY: no memory is involved; it does not return.
    let _ = unsafe { syscall(nr::exit_group, [status as usize, 0, 0, 0, 0, 0]) };
    #[cfg(target_arch = "x86_64")]
    // SAFETY: it does not return.
    unsafe {
        core::arch::asm!("ud2", options(noreturn))
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: it does not return.
    unsafe {
        core::arch::asm!("udf #0", options(noreturn))
    }
}

/// exit(2): ends this thread alone.
pub fn exit_thread() -> ! {
    // SAFETY: no memory is involved; it does not return.
    let _ = unsafe { syscall(nr::exit, [0; 6]) };
    exit(0)
}

/// Does nothing for so many nanoseconds, less than a second.
pub fn nap(nanoseconds: u32) {
    let time = [0, u64::from(nanoseconds)];
    // SAFETY: no descriptors, a struct timespec, no signal mask.
    let _ = unsafe { syscall(nr::ppoll, [0, 0, pointer(&time), 0, 8, 0]) };
}

/// getpid(2), as this process's own pid namespace counts.
pub fn pid() -> i32 {
    // SAFETY: no memory is involved; it can't fail.
    unsafe { syscall(nr::getpid, [0; 6]) }.unwrap_or(0) as i32
}

/// execve(2) of `path`; returns only to say why not. `argv` and `envp` end with a null pointer.
///
/// # Safety
/// `argv` and `envp` must point to null-terminated arrays of NUL-terminated strings.
pub unsafe fn execve(path: &CStr, argv: usize, envp: usize) -> Errno {
    // SAFETY: the caller vouches for the arrays.
    unsafe { syscall(nr::execve, [text(path), argv, envp, 0, 0, 0]) }.err().unwrap_or(Errno(0))
}

/// execveat(2) of the program that `file` refers to; returns only to say why not.
///
/// # Safety
/// As [`execve`].
pub unsafe fn execve_file(file: Fd, argv: usize, envp: usize) -> Errno {
    // SAFETY: the caller vouches for the arrays; the path is empty.
    unsafe { syscall(nr::execveat, [file.arg(), text(c""), argv, envp, abi::AT_EMPTY_PATH, 0]) }
        .err()
        .unwrap_or(Errno(0))
}

/// setns(2): joins the namespace of `file`, or with a pidfd those of `flags` that the process has.
pub fn setns(file: Fd, flags: u64) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(nr::setns, [file.arg(), flags as usize, 0, 0, 0, 0]) }.map(drop)
}

/// setsid(2).
pub fn setsid() -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(nr::setsid, [0; 6]) }.map(drop)
}

/// keyctl(2) KEYCTL_JOIN_SESSION_KEYRING: a new session keyring without a name, and empty.
pub fn new_session_keyring() -> Result<(), Errno> {
    // SAFETY: 1 is the operation; a null name makes a new keyring.
    unsafe { syscall(nr::keyctl, [1, 0, 0, 0, 0, 0]) }.map(drop)
}

/// unshare(2).
pub fn unshare(flags: u64) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(nr::unshare, [flags as usize, 0, 0, 0, 0, 0]) }.map(drop)
}

/// sched_setaffinity(2) of this process: bit `n % 64` of word `n / 64` is processor `n`. Those that are not there, or
/// that its cgroup does not allow, are left out; EINVAL if none is left.
pub fn use_processors(set: &[u64]) -> Result<(), Errno> {
    // SAFETY: set is readable for its length.
    unsafe { syscall(nr::sched_setaffinity, [0, size_of_val(set), pointer(set), 0, 0, 0]) }.map(drop)
}

/// The same with all processors: the kernel has at most 8192.
pub fn use_all_processors() -> Result<(), Errno> {
    use_processors(&[u64::MAX; 128])
}

/// The kernel's `struct sched_attr`, as of Linux 3.14.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SchedulingAttributes {
    /// Size of this structure.
    pub size: u32,
    /// `SCHED_*`.
    pub policy: u32,
    /// `SCHED_FLAG_*`.
    pub flags: u64,
    /// For the ordinary policies.
    pub nice: i32,
    /// For the real-time policies.
    pub priority: u32,
    /// Nanoseconds, for `SCHED_DEADLINE`.
    pub runtime: u64,
    /// See `runtime`.
    pub deadline: u64,
    /// See `runtime`.
    pub period: u64,
    /// For `SCHED_FLAG_UTIL_CLAMP_MIN`.
    pub clamp_min: u32,
    /// For `SCHED_FLAG_UTIL_CLAMP_MAX`.
    pub clamp_max: u32,
}

impl Default for SchedulingAttributes {
    fn default() -> Self {
        Self {
            size: size_of::<Self>() as u32,
            policy: 0,
            flags: 0,
            nice: 0,
            priority: 0,
            runtime: 0,
            deadline: 0,
            period: 0,
            clamp_min: 0,
            clamp_max: 0,
        }
    }
}

/// sched_setattr(2) of the thread `pid`; 0 is this one.
pub fn set_scheduler(pid: i32, attributes: &SchedulingAttributes) -> Result<(), Errno> {
    // SAFETY: attributes says its own size.
    unsafe { syscall(nr::sched_setattr, [pid as usize, pointer(attributes), 0, 0, 0, 0]) }.map(drop)
}

/// `ioprio_set(2)` of the thread `pid`; 0 is this one.
pub fn set_io_priority(pid: i32, priority: u32) -> Result<(), Errno> {
    // SAFETY: no memory is involved; 1 is IOPRIO_WHO_PROCESS.
    unsafe { syscall(nr::ioprio_set, [1, pid as usize, priority as usize, 0, 0, 0]) }.map(drop)
}

/// personality(2) of this process.
pub fn set_personality(persona: u32) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(nr::personality, [persona as usize, 0, 0, 0, 0, 0]) }.map(drop)
}

/// setpgid(2) of this process, to a group of its own.
pub fn own_group() -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(nr::setpgid, [0; 6]) }.map(drop)
}

/// kill(2) of the process group `group` with SIGKILL.
pub fn kill_group(group: i32) {
    // SAFETY: no memory is involved.
    let _ = unsafe { syscall(nr::kill, [-(group as isize) as usize, abi::SIGKILL, 0, 0, 0, 0]) };
}

/// kill(2) of one process with SIGKILL: a child of ours that was not yet waited for.
pub fn kill_one(pid: i32) {
    // SAFETY: no memory is involved.
    let _ = unsafe { syscall(nr::kill, [pid as usize, abi::SIGKILL, 0, 0, 0, 0]) };
}

/// prctl(2) with numbers as its arguments.
pub fn prctl(option: usize, argument: usize) -> Result<usize, Errno> {
    // SAFETY: only options that take numbers are used with this function.
    unsafe { syscall(nr::prctl, [option, argument, 0, 0, 0, 0]) }
}

/// prctl(2) PR_SET_NAME.
pub fn set_name(name: &CStr) {
    // SAFETY: name is NUL-terminated; the kernel reads at most 16 bytes.
    let _ = unsafe { syscall(nr::prctl, [abi::PR_SET_NAME, text(name), 0, 0, 0, 0]) };
}

/// prctl(2) PR_CAP_AMBIENT.
pub fn ambient(operation: usize, capability: usize) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(nr::prctl, [abi::PR_CAP_AMBIENT, operation, capability, 0, 0, 0]) }.map(drop)
}

/// capset(2) of this process.
pub fn capset(effective: u64, permitted: u64, inheritable: u64) -> Result<(), Errno> {
    let header = [abi::LINUX_CAPABILITY_VERSION_3, 0];
    let low = [effective as u32, permitted as u32, inheritable as u32];
    let high = [(effective >> 32) as u32, (permitted >> 32) as u32, (inheritable >> 32) as u32];
    let data = [low, high];
    // SAFETY: version 3 reads two structures of three words.
    unsafe { syscall(nr::capset, [pointer(&header), pointer(&data), 0, 0, 0, 0]) }.map(drop)
}

/// setgroups(2).
pub fn setgroups(groups: &[u32]) -> Result<(), Errno> {
    // SAFETY: groups is readable for its length.
    unsafe { syscall(nr::setgroups, [groups.len(), pointer(groups), 0, 0, 0, 0]) }.map(drop)
}

/// setresgid(2), all three the same.
pub fn setgid(gid: u32) -> Result<(), Errno> {
    let gid = gid as usize;
    // SAFETY: no memory is involved.
    unsafe { syscall(nr::setresgid, [gid, gid, gid, 0, 0, 0]) }.map(drop)
}

/// setresuid(2), all three the same.
pub fn setuid(uid: u32) -> Result<(), Errno> {
    let uid = uid as usize;
    // SAFETY: no memory is involved.
    unsafe { syscall(nr::setresuid, [uid, uid, uid, 0, 0, 0]) }.map(drop)
}

/// prlimit64(2) of this process.
pub fn set_rlimit(resource: u32, soft: u64, hard: u64) -> Result<(), Errno> {
    let limit = [soft, hard];
    // SAFETY: struct rlimit64 is two words.
    unsafe { syscall(nr::prlimit64, [0, resource as usize, pointer(&limit), 0, 0, 0]) }.map(drop)
}

/// sethostname(2).
pub fn set_hostname(name: &CStr) -> Result<(), Errno> {
    // SAFETY: name is readable for its length.
    unsafe { syscall(nr::sethostname, [text(name), name.count_bytes(), 0, 0, 0, 0]) }.map(drop)
}

/// setdomainname(2).
pub fn set_domainname(name: &CStr) -> Result<(), Errno> {
    // SAFETY: name is readable for its length.
    unsafe { syscall(nr::setdomainname, [text(name), name.count_bytes(), 0, 0, 0, 0]) }.map(drop)
}

/// The kernel's `struct sock_fprog`.
#[repr(C)]
struct SockFprog {
    length: u16,
    instructions: usize,
}

/// seccomp(2) SECCOMP_SET_MODE_FILTER: `instructions` are 8 bytes each (`struct sock_filter`); the result is the
/// notify descriptor where `flags` ask for one (and no descriptor elsewhere).
pub fn seccomp(instructions: &[u64], flags: u32) -> Result<Fd, Errno> {
    let program = SockFprog { length: instructions.len() as u16, instructions: pointer(instructions) };
    // SAFETY: program describes readable memory of that many instructions; the kernel checks their contents.
    unsafe { syscall(nr::seccomp, [abi::SECCOMP_SET_MODE_FILTER, flags as usize, pointer(&program), 0, 0, 0]) }
        .map(super::file::fd)
}

/// lsm_set_self_attr(2) (Linux 6.8): sets `attribute` (`LSM_ATTR_*`); `context` is a `struct lsm_ctx` in 8-byte words. ENOSYS on older kernels.
pub fn set_lsm_attribute(attribute: u32, context: &[u64]) -> Result<(), Errno> {
    let size = size_of_val(context);
    // SAFETY: context is readable for its length; the kernel checks the lengths in it.
    unsafe { syscall(nr::lsm_set_self_attr, [attribute as usize, pointer(context), size, 0, 0, 0]) }.map(drop)
}

/// set_mempolicy(2): `mode` is `MPOL_*` with its flags, bit n of `nodes` is node n.
pub fn set_memory_policy(mode: u32, nodes: &[u64]) -> Result<(), Errno> {
    // The kernel takes one off the number of bits before it looks at them.
    let (address, bits) = if nodes.is_empty() { (0, 0) } else { (pointer(nodes), nodes.len() * 64 + 1) };
    // SAFETY: nodes is readable for its length.
    unsafe { syscall(nr::set_mempolicy, [mode as usize, address, bits, 0, 0, 0]) }.map(drop)
}

/// All signals at their defaults and none blocked: what the caller ignores or blocks is not the container's business.
pub fn reset_signals() -> Result<(), Errno> {
    let default = [0usize; 4];
    for signal in 1..=64usize {
        if signal == 9 || signal == 19 {
            continue;
        }
        // SAFETY: a zeroed struct sigaction is SIG_DFL without flags; the kernel's signal set has 8 bytes.
        unsafe { syscall(nr::rt_sigaction, [signal, pointer(&default), 0, 8, 0, 0]) }?;
    }
    let none = 0u64;
    // SAFETY: the kernel's signal set has 8 bytes.
    unsafe { syscall(nr::rt_sigprocmask, [abi::SIG_SETMASK, pointer(&none), 0, 8, 0, 0]) }.map(drop)
}

/// Has a signal end this process with status 128+n, as shells say it. Without a handler the kernel keeps it from a pid
/// namespace's init.
pub fn end_by_signal(number: usize) -> Result<(), Errno> {
    extern "C" fn end(number: i32) -> ! {
        exit(128 + number as u8)
    }
    // x86_64 wants the address of what a handler returns to, which this one does not.
    let action = [end as *const () as usize, abi::SA_RESTORER, end as *const () as usize, 0];
    // SAFETY: a struct sigaction; exit makes one system call, which is fine wherever the signal comes. The kernel's set has 8 bytes.
    unsafe { syscall(nr::rt_sigaction, [number, pointer(&action), 0, 8, 0, 0]) }.map(drop)
}

/// Ignores a signal.
pub fn ignore_signal(number: usize) {
    let action = [1usize, 0, 0, 0];
    // SAFETY: as in `reset_signals`; SIG_IGN is 1.
    let _ = unsafe { syscall(nr::rt_sigaction, [number, pointer(&action), 0, 8, 0, 0]) };
}

/// Waits for the child `pid`: its si_code and status, as of [`waitid`].
pub fn wait(pid: i32) -> Result<(i32, i32), Errno> {
    waitid(abi::P_PID, pid as usize, abi::WEXITED)
}

/// waitid(2): how the child ended, as si_code (`CLD_EXITED` is an ordinary exit, 0 with `WNOHANG` none at all), and its
/// exit status or the number of the signal.
pub fn waitid(kind: usize, id: usize, options: usize) -> Result<(i32, i32), Errno> {
    let mut info = [0i32; 32];
    loop {
        // SAFETY: siginfo_t has 128 bytes.
        let done = unsafe { syscall(nr::waitid, [kind, id, pointer_mut(&mut info), options, 0, 0]) };
        match done {
            Err(Errno(abi::EINTR)) => {}
            // si_signo, si_errno, si_code, padding, si_pid, si_uid, si_status
            other => return other.map(|_| (info[2], info[6])),
        }
    }
}

/// pidfd_open(2).
pub fn pidfd(pid: i32) -> Result<Fd, Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(nr::pidfd_open, [pid as usize, 0, 0, 0, 0, 0]) }.map(super::file::fd)
}

/// ppoll(2) for one descriptor to become readable: whether it did within `seconds`.
pub fn readable(file: Fd, seconds: i64) -> Result<bool, Errno> {
    let mut entry = [file.0, i32::from(abi::POLLIN)];
    let time = [seconds, 0];
    // SAFETY: one struct pollfd of 8 bytes and a struct timespec; no signal mask.
    unsafe { syscall(nr::ppoll, [pointer_mut(&mut entry), 1, pointer(&time), 0, 8, 0]) }.map(|count| count > 0)
}
