//! Laying out labels: as the kernel takes them, by system call and by file.

use std::ffi::{CStr, CString};

use super::Builder;
use crate::plan;
use crate::script::{Label, List};
use crate::sys::abi;

/// The label of the session keyring. Only SELinux labels keys.
pub fn of_keyrings(builder: &mut Builder<'_>, process: &plan::Process) -> List<Label> {
    let Some(label) = &process.selinux else { return List::EMPTY };
    let label = lay_out(builder, 0, abi::LSM_ATTR_KEYCREATE, abi::LSM_ID_SELINUX, c"attr/keycreate", label);
    builder.layout.list(&[label])
}

/// The labels that the program will have.
pub fn of_program(builder: &mut Builder<'_>, process: &plan::Process) -> List<Label> {
    let mut labels = Vec::new();
    if let Some(profile) = &process.apparmor {
        // What AppArmor is written is a command.
        let command = CString::new([b"exec ", profile.to_bytes()].concat()).unwrap_or_default();
        labels.push(lay_out(builder, 0, abi::LSM_ATTR_EXEC, abi::LSM_ID_APPARMOR, c"attr/apparmor/exec", &command));
    }
    if let Some(label) = &process.selinux {
        labels.push(lay_out(builder, 1, abi::LSM_ATTR_EXEC, abi::LSM_ID_SELINUX, c"attr/exec", label));
    }
    builder.layout.list(&labels)
}

fn lay_out(builder: &mut Builder<'_>, index: u32, attribute: u32, module: u64, file: &CStr, value: &CStr) -> Label {
    let context = context(module, value.to_bytes());
    Label {
        index,
        attribute,
        context: builder.layout.list(&context),
        file: builder.layout.text(file),
        value: builder.layout.text(value),
    }
}

/// A `struct lsm_ctx` (linux/lsm.h) in words: the module, flags, its whole length, the value's length, the value.
fn context(module: u64, value: &[u8]) -> Vec<u64> {
    let words = value.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_ne_bytes(word)
    });
    let length = 8 * (4 + value.len().div_ceil(8));
    [module, 0, length as u64, value.len() as u64].into_iter().chain(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_says_its_lengths() {
        assert_eq!(context(104, b""), [104, 0, 32, 0]);
        let words = context(101, b"exec nine");
        assert_eq!(words[..4], [101, 0, 48, 9]);
        assert_eq!(words[4].to_ne_bytes(), *b"exec nin");
        assert_eq!(words[5].to_ne_bytes(), *b"e\0\0\0\0\0\0\0");
    }
}
