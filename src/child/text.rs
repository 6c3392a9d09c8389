//! Text without an allocator: numbers, and parts put together, in buffers of the caller.

use core::ffi::CStr;

/// The number in `text`, in decimal digits; nothing if that is not a number.
pub fn number(text: &[u8]) -> Option<i32> {
    let digits = (!text.is_empty()).then_some(text)?;
    digits.iter().try_fold(0_i32, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(i32::from(digit))
    })
}

/// `number`, which is a process id, in decimal digits.
pub fn decimal(number: i32, buffer: &mut [u8; 10]) -> &[u8] {
    let mut rest = number.unsigned_abs();
    let mut start = buffer.len();
    for place in buffer.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
        start -= 1;
        if rest == 0 {
            break;
        }
    }
    buffer.get(start..).unwrap_or_default()
}

/// `parts`, one after the other; nothing if `buffer` has no room for them and a NUL.
pub fn join<'a>(buffer: &'a mut [u8], parts: &[&[u8]]) -> Option<&'a CStr> {
    let mut length = 0;
    for part in parts.iter().chain([&b"\0".as_slice()]) {
        buffer.get_mut(length..length + part.len())?.copy_from_slice(part);
        length += part.len();
    }
    CStr::from_bytes_until_nul(buffer).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_there_and_back() {
        for (text, value) in [("0", 0), ("7", 7), ("10", 10), ("4194304", 4_194_304), ("2147483647", i32::MAX)] {
            assert_eq!(number(text.as_bytes()), Some(value));
            assert_eq!(decimal(value, &mut [0; 10]), text.as_bytes());
        }
        for wrong in ["", "-1", "+1", "1a", "2147483648", "99999999999"] {
            assert_eq!(number(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn what_does_not_fit_is_none() {
        assert_eq!(join(&mut [0; 4], &[b"a", b"", b"bc"]), Some(c"abc"));
        assert_eq!(join(&mut [0; 4], &[b"ab", b"cd"]), None);
        assert_eq!(join(&mut [0; 1], &[]), Some(c""));
    }
}
