//! HOME, where the environment lacks it: from the container's own passwd file.

use super::place;
use crate::script::Process;
use crate::sys::{Fd, abi, file};

/// Room for `HOME=` and a path.
pub const LENGTH: usize = 1024;

/// More of a passwd file is not read: it belongs to the image, which may be hostile.
const MOST: usize = 1 << 20;

/// The environment vector to use: with HOME in its spare first entry if it was missing.
pub fn environment(process: &Process, buffer: &mut [u8; LENGTH]) -> usize {
    let spare = process.envp;
    if !process.find_home.is() {
        return spare + size_of::<usize>();
    }
    let mut line = Line::new(buffer);
    if !search(process.uid, &mut line) {
        line.clear();
        line.push(b'/');
    }
    line.push(0);
    // SAFETY: the script has a spare entry there, which is writable and nobody else's to read.
    unsafe { *(spare as *mut usize) = buffer.as_ptr() as usize };
    spare
}

/// Reads /etc/passwd up to the first line for `uid`; `line` then holds the home directory.
fn search(uid: u32, line: &mut Line<'_>) -> bool {
    let Ok(root) = file::openat(Fd::CWD, c"/", abi::O_PATH | abi::O_DIRECTORY) else { return false };
    let opened = place::open(root, c"/etc/passwd", abi::O_RDONLY | abi::O_NONBLOCK | abi::O_NOCTTY);
    file::close(root);
    let Ok(passwd) = opened else { return false };
    let found = file::stat(passwd).is_ok_and(|stat| stat.is(abi::S_IFREG)) && scan(passwd, uid, line);
    file::close(passwd);
    found
}

/// name:password:uid:gid:comment:home:shell, a line each.
fn scan(passwd: Fd, uid: u32, home: &mut Line<'_>) -> bool {
    let mut chunk = [0; 2048];
    let (mut total, mut field, mut number) = (0, 0, Some(0u32));
    home.clear();
    while total < MOST {
        let length = file::read(passwd, &mut chunk).unwrap_or(0);
        if length == 0 {
            break;
        }
        total += length;
        for byte in chunk.iter().take(length) {
            match (*byte, field) {
                (b'\n', _) => {
                    if field >= 5 && number == Some(uid) && !home.is_empty() {
                        return true;
                    }
                    (field, number) = (0, Some(0));
                    home.clear();
                }
                (b':', _) => field += 1,
                (digit, 2) => number = append(number, digit),
                (byte, 5) => home.push(byte),
                _ => {}
            }
        }
    }
    field >= 5 && number == Some(uid) && !home.is_empty()
}

/// One more digit; nothing if it is not a digit, or if the number becomes too large.
fn append(number: Option<u32>, digit: u8) -> Option<u32> {
    let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
    number?.checked_mul(10)?.checked_add(u32::from(digit))
}

/// `HOME=...` being written. What does not fit is cut off; such a path exists nowhere.
struct Line<'a> {
    buffer: &'a mut [u8; LENGTH],
    length: usize,
}

const NAME: &[u8] = b"HOME=";

impl<'a> Line<'a> {
    fn new(buffer: &'a mut [u8; LENGTH]) -> Self {
        if let Some(start) = buffer.get_mut(..NAME.len()) {
            start.copy_from_slice(NAME);
        }
        Self { buffer, length: NAME.len() }
    }

    fn clear(&mut self) {
        self.length = NAME.len();
    }

    fn is_empty(&self) -> bool {
        self.length == NAME.len()
    }

    fn push(&mut self, byte: u8) {
        // The last place is kept for the NUL.
        let limit = if byte == 0 { LENGTH } else { LENGTH - 1 };
        if self.length < limit
            && let Some(place) = self.buffer.get_mut(self.length)
        {
            *place = byte;
            self.length += 1;
        }
    }
}
