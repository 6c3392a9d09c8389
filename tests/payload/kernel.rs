//! The system calls that nix has no safe form of.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;

use nix::libc;

/// The window size of the terminal at `fd`: (rows, columns).
pub fn window_size(fd: i32) -> io::Result<(u16, u16)> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize.
    check(unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, &raw mut size) }.into())?;
    Ok((size.ws_row, size.ws_col))
}

/// Whether `fd` is a terminal, and its name in this mount namespace.
pub fn terminal_name(fd: i32) -> Option<String> {
    let mut name = [0_u8; 128];
    // SAFETY: at most name.len() bytes are written, terminated by NUL on success.
    let failed = unsafe { libc::ttyname_r(fd, name.as_mut_ptr().cast(), name.len()) };
    let end = name.iter().position(|&byte| byte == 0)?;
    (failed == 0).then(|| String::from_utf8_lossy(&name[..end]).into_owned())
}

/// The scheduling policy with its flags, and the real-time priority, of this process.
pub fn scheduler() -> (i32, i32) {
    let mut parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: no memory is touched by the first, one sched_param is written by the second.
    unsafe {
        libc::sched_getparam(0, &raw mut parameters);
        (libc::sched_getscheduler(0), parameters.sched_priority)
    }
}

/// What a clock says, in whole seconds (`clock_gettime(2)`, so by way of the vDSO).
pub fn clock(which: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: one timespec is written.
    unsafe { libc::clock_gettime(which, &raw mut time) };
    time.tv_sec
}

/// The nice value of this process.
pub fn nice() -> i32 {
    // SAFETY: no memory is touched.
    unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
}

/// The execution domain and its flags (personality(2)).
pub fn personality() -> i32 {
    const ONLY_ASK: libc::c_ulong = 0xffff_ffff;
    // SAFETY: no memory is touched.
    unsafe { libc::personality(ONLY_ASK) }
}

/// The I/O priority of this process, class and level in one number (`ioprio_get(2)`).
pub fn io_priority() -> io::Result<i64> {
    const WHO_PROCESS: i64 = 1;
    system_call(libc::SYS_ioprio_get, [WHO_PROCESS, 0, 0, 0, 0, 0])
}

/// The NUMA memory policy of this process, mode with flags, and the first 64 nodes of it (get_mempolicy(2)).
pub fn memory_policy() -> io::Result<(i32, u64)> {
    let (mut mode, mut nodes) = (0_i32, [0_u64; 64]);
    let bits = u64::BITS as usize * nodes.len();
    // SAFETY: one int and the given number of bits are written.
    check(unsafe { libc::syscall(libc::SYS_get_mempolicy, &raw mut mode, nodes.as_mut_ptr(), bits, 0, 0) })?;
    Ok((mode, nodes[0]))
}

/// The serial number of the session keyring, without making one (keyctl(2)).
pub fn session_keyring() -> io::Result<i64> {
    const GET_KEYRING_ID: i64 = 0;
    const SESSION_KEYRING: i64 = -3;
    system_call(libc::SYS_keyctl, [GET_KEYRING_ID, SESSION_KEYRING, 0, 0, 0, 0])
}

/// Any system call by number. Arguments are numbers only: a call that needs memory gets EFAULT.
pub fn system_call(number: i64, with: [i64; 6]) -> io::Result<i64> {
    // SAFETY: the numbers are the test's; none of them is the address of anything of ours.
    check(unsafe { libc::syscall(number, with[0], with[1], with[2], with[3], with[4], with[5]) })
}

/// Makes a device node, FIFO or file: `mode` holds the kind.
pub fn make_node(path: &str, mode: u32, device: u64) -> io::Result<()> {
    let path = CString::new(path)?;
    // SAFETY: the path is a NUL terminated string.
    check(unsafe { libc::mknod(path.as_ptr(), mode, device) }.into()).map(drop)
}

/// A second process: 0 in the child, its pid in the parent.
pub fn fork() -> io::Result<i32> {
    // SAFETY: the payload has one thread.
    let pid = check(unsafe { libc::fork() }.into())?;
    i32::try_from(pid).map_err(io::Error::other)
}

/// Waits for any signal that has a handler or ends the process.
pub fn pause() {
    // SAFETY: no memory is touched.
    unsafe { libc::pause() };
}

/// Sets what this process does on `signal`: `libc::SIG_IGN`, `libc::SIG_DFL`, or an `extern "C"` function's address.
pub fn on_signal(signal: i32, action: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: the handlers of `deeds` only call async-signal-safe functions.
    let old = unsafe { libc::signal(signal, action) };
    if old == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Ends the process at once: what a signal handler may do.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: _exit(2) returns never and touches nothing.
    unsafe { libc::_exit(status) }
}

/// Changes all three user or group ids (setresuid(2), setresgid(2)).
pub fn become_user(uid: u32, gid: u32) -> io::Result<()> {
    // SAFETY: no memory is touched.
    check(unsafe { libc::setresgid(gid, gid, gid) }.into())?;
    // SAFETY: as above.
    check(unsafe { libc::setresuid(uid, uid, uid) }.into()).map(drop)
}

/// Maps and touches this much memory in huge pages of 2 MiB, for good.
pub fn map_huge(length: usize) -> io::Result<()> {
    const HUGE_PAGE: usize = 2 << 20;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_HUGETLB;
    // SAFETY: a new mapping, wherever the kernel likes.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), length, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    for offset in (0..length).step_by(HUGE_PAGE) {
        // SAFETY: within the mapping that was just made.
        unsafe { start.cast::<u8>().add(offset).write_volatile(1) };
    }
    Ok(())
}

/// Takes a context of an RDMA device, which lasts as long as the file is open: what rdma.max counts as a handle.
///
/// `IB_USER_VERBS_CMD_GET_CONTEXT` of rdma/ib_user_verbs.h: the command, the words that it has and gets, and where to answer.
pub fn rdma_context(mut device: &std::fs::File) -> io::Result<()> {
    let mut answer = [0_u32; 2];
    let mut command = [0_u8; 16];
    command[4..6].copy_from_slice(&4_u16.to_ne_bytes());
    command[6..8].copy_from_slice(&2_u16.to_ne_bytes());
    command[8..].copy_from_slice(&(answer.as_mut_ptr() as u64).to_ne_bytes());
    io::Write::write_all(&mut device, &command)?;
    std::hint::black_box(answer);
    Ok(())
}

fn check(result: i64) -> io::Result<i64> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
