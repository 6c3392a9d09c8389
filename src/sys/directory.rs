//! Reading directories, name by name.

use core::ffi::CStr;

use super::Fd;
use super::abi::nr;
use super::raw::{Errno, pointer_mut, syscall};

/// Enough for seven of the longest names; the kernel hands out whole entries only.
const ROOM: usize = 2048;

/// Where in the kernel's `struct linux_dirent64` its length and its name stand.
const LENGTH: usize = 16;
const NAME: usize = 19;

/// The names in a directory, `.` and `..` among them, in the file system's order.
pub struct Reader {
    directory: Fd,
    buffer: [u8; ROOM],
    /// Of the buffer, what is filled and what was handed out.
    filled: usize,
    taken: usize,
}

impl Reader {
    /// For the open directory `directory`, which must not be `O_PATH`; it is closed by the caller.
    pub fn new(directory: Fd) -> Self {
        Self { directory, buffer: [0; ROOM], filled: 0, taken: 0 }
    }

    /// The next name, from getdents64(2); none at the end.
    #[allow(clippy::should_implement_trait, reason = "each name borrows the buffer that the next one is read into")]
    pub fn next(&mut self) -> Result<Option<&CStr>, Errno> {
        if self.taken >= self.filled {
            let address = pointer_mut(&mut self.buffer);
            // SAFETY: the buffer is writable for its length.
            self.filled = unsafe { syscall(nr::getdents64, [self.directory.arg(), address, ROOM, 0, 0, 0]) }?;
            self.taken = 0;
        }
        let Some(entry) = self.buffer.get(self.taken..self.filled).filter(|entry| !entry.is_empty()) else {
            return Ok(None);
        };
        let length = match entry.get(LENGTH..NAME - 1) {
            Some(&[low, high]) => usize::from(u16::from_ne_bytes([low, high])),
            _ => 0,
        };
        // Never by the kernel; but then it must end all the same.
        self.taken = if length == 0 { self.filled } else { self.taken + length };
        Ok(entry.get(NAME..length).and_then(|name| CStr::from_bytes_until_nul(name).ok()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::fd::AsRawFd;

    use super::*;

    /// More than one buffer full, with names of every length.
    #[test]
    fn all_names_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut names: BTreeSet<String> = (1..=255).map(|length| "n".repeat(length)).collect();
        for name in &names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        names.extend([".".to_owned(), "..".to_owned()]);
        let directory = std::fs::File::open(folder.path()).unwrap();
        let mut reader = Reader::new(Fd(directory.as_raw_fd()));
        let mut seen = BTreeSet::new();
        while let Some(name) = reader.next().unwrap() {
            assert!(seen.insert(name.to_str().unwrap().to_owned()));
        }
        assert_eq!(seen, names);
    }
}
