//! The container's oom_score_adj, by inheritance.
//!
//! It is set on ourselves before the clone and put back once the child is a program of its own: the child could not
//! write it (it is closed to procfs by then, or root of a user namespace only).

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};

use super::proc::Proc;
use crate::error::{Error, Result};
use crate::sys::{Errno, Fd, abi, file};

/// Our own value, to be put back.
pub struct Borrowed {
    file: OwnedFd,
    own: Vec<u8>,
}

/// Takes on `wanted`, unless we have it. With `lenient` (rootless), a value that may not be lowered stays as it is.
pub fn take_on(proc: &Proc, wanted: i32, lenient: bool) -> Result<Option<Borrowed>> {
    let place = "process.oomScoreAdj";
    let failed = |errno: Errno| {
        Error::io(place, format!("can't be set to {wanted}"), std::io::Error::from_raw_os_error(errno.0))
    };
    let path = CString::new(format!("{}/oom_score_adj", std::process::id())).unwrap_or_default();
    let opened = proc.file(&path, abi::O_RDWR).map_err(failed)?;
    let number = Fd(opened.as_raw_fd());
    let mut buffer = [0; 16];
    let length = file::read(number, &mut buffer).map_err(failed)?;
    let own = buffer[..length].to_vec();
    if own.trim_ascii() == wanted.to_string().as_bytes() {
        return Ok(None);
    }
    match file::write(number, wanted.to_string().as_bytes()) {
        Ok(()) => Ok(Some(Borrowed { file: opened, own })),
        Err(Errno(abi::EACCES | abi::EPERM)) if lenient => Ok(None),
        Err(errno @ Errno(abi::EACCES | abi::EPERM)) => {
            Err(failed(errno)
                .hint("lowering it needs CAP_SYS_RESOURCE on the host; raise the value or run onggi with it"))
        }
        Err(errno) => Err(failed(errno)),
    }
}

impl Borrowed {
    /// Puts our own value back. It was ours before, so it may be; and if not, we do not live long.
    pub fn give_back(self) {
        let _ = file::write(Fd(self.file.as_raw_fd()), self.own.trim_ascii());
    }
}
