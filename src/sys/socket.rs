//! Sockets and terminals.

use core::ffi::CStr;

use super::Fd;
use super::abi::{self, nr};
use super::file::fd;
use super::raw::{Errno, pointer, pointer_mut, syscall, text};

/// The kernel's `struct msghdr`.
#[repr(C)]
struct MsgHdr {
    name: usize,
    name_length: usize,
    iov: usize,
    iov_length: usize,
    control: usize,
    control_length: usize,
    flags: usize,
}

/// A control message that carries one descriptor (`struct cmsghdr` and its data, padded to 24 bytes).
#[repr(C)]
struct Rights {
    length: usize,
    level: i32,
    kind: i32,
    file: i32,
    padding: i32,
}

/// sendmsg(2): `bytes` with one descriptor attached (SCM_RIGHTS).
pub fn send_file(socket: Fd, bytes: &[u8], file: Fd) -> Result<(), Errno> {
    let rights = Rights { length: 20, level: abi::SOL_SOCKET, kind: abi::SCM_RIGHTS, file: file.0, padding: 0 };
    let iov = [pointer(bytes), bytes.len()];
    let message = MsgHdr {
        name: 0,
        name_length: 0,
        iov: pointer(&iov),
        iov_length: 1,
        control: pointer(&rights),
        control_length: size_of::<Rights>(),
        flags: 0,
    };
    // SAFETY: message describes readable memory that outlives the call.
    unsafe { syscall(nr::sendmsg, [socket.arg(), pointer(&message), abi::MSG_NOSIGNAL, 0, 0, 0]) }.map(drop)
}

/// accept4(2), the caller's address not asked for.
pub fn accept(socket: Fd) -> Result<Fd, Errno> {
    loop {
        // SAFETY: no memory is involved.
        match unsafe { syscall(nr::accept4, [socket.arg(), 0, 0, abi::SOCK_CLOEXEC, 0, 0]) } {
            Err(Errno(abi::EINTR)) => {}
            other => return other.map(fd),
        }
    }
}

/// Brings the interface `lo` of this network namespace up; it has its addresses from the kernel.
pub fn loopback_up() -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    let socket =
        unsafe { syscall(nr::socket, [abi::AF_INET, abi::SOCK_DGRAM | abi::SOCK_CLOEXEC, 0, 0, 0, 0]) }.map(fd)?;
    let mut request = [0u16; 20];
    request[0] = u16::from_ne_bytes(*b"lo");
    request[8] = abi::IFF_UP;
    // SAFETY: struct ifreq has 40 bytes: the name in the first 16, the flags after it.
    let done = unsafe { syscall(nr::ioctl, [socket.arg(), abi::SIOCSIFFLAGS, pointer(&request), 0, 0, 0]) };
    super::file::close(socket);
    done.map(drop)
}

/// Unlocks the pty of `controller` and opens its other side without a path (TIOCGPTPEER), and tells its number.
pub fn pty_peer(controller: Fd) -> Result<(Fd, u32), Errno> {
    let unlock = 0i32;
    let mut number = 0u32;
    // SAFETY: TIOCSPTLCK reads an int, TIOCGPTN writes one, TIOCGPTPEER takes open flags.
    unsafe {
        syscall(nr::ioctl, [controller.arg(), abi::TIOCSPTLCK, pointer(&unlock), 0, 0, 0])?;
        syscall(nr::ioctl, [controller.arg(), abi::TIOCGPTN, pointer_mut(&mut number), 0, 0, 0])?;
        let flags = (abi::O_RDWR | abi::O_NOCTTY | abi::O_CLOEXEC) as usize;
        let peer = syscall(nr::ioctl, [controller.arg(), abi::TIOCGPTPEER, flags, 0, 0, 0])?;
        Ok((fd(peer), number))
    }
}

/// Sets the window size of a terminal.
pub fn set_window(terminal: Fd, rows: u16, columns: u16) -> Result<(), Errno> {
    let size = [rows, columns, 0, 0];
    // SAFETY: struct winsize is four shorts.
    unsafe { syscall(nr::ioctl, [terminal.arg(), abi::TIOCSWINSZ, pointer(&size), 0, 0, 0]) }.map(drop)
}

/// Makes `terminal` the controlling terminal of this session.
pub fn control_terminal(terminal: Fd) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(nr::ioctl, [terminal.arg(), abi::TIOCSCTTY, 0, 0, 0, 0]) }.map(drop)
}

/// memfd_create(2).
pub fn memfd(name: &CStr, flags: usize) -> Result<Fd, Errno> {
    // SAFETY: name is NUL-terminated.
    unsafe { syscall(nr::memfd_create, [text(name), flags, 0, 0, 0, 0]) }.map(fd)
}
