//! From a call's name to its numbers.

use super::arch::Arch;
use super::table::{CALLS, COLUMNS};

// The search below relies on it, so nobody can add a row in the wrong place.
const _: () = assert!(sorted());

const fn sorted() -> bool {
    let mut row = 1;
    while row < CALLS.len() {
        if !less(CALLS[row - 1].0.as_bytes(), CALLS[row].0.as_bytes()) {
            return false;
        }
        row += 1;
    }
    true
}

const fn less(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() {
        if one[at] != other[at] {
            return one[at] < other[at];
        }
        at += 1;
    }
    one.len() < other.len()
}

/// The beginning of each row's name, as a number that sorts as the names do: a search by it costs a third.
static BEGINNINGS: [u64; CALLS.len()] = {
    let mut all = [0; CALLS.len()];
    let mut row = 0;
    while row < CALLS.len() {
        all[row] = beginning(CALLS[row].0.as_bytes());
        row += 1;
    }
    all
};

/// The first eight bytes, filled up with zeros.
const fn beginning(name: &[u8]) -> u64 {
    if let Some(bytes) = name.first_chunk() {
        return u64::from_be_bytes(*bytes);
    }
    let mut bytes = [0; 8];
    let mut at = 0;
    while at < name.len() && at < bytes.len() {
        bytes[at] = name[at];
        at += 1;
    }
    u64::from_be_bytes(bytes)
}

/// The numbers of the call `name`; `None` if no architecture has it.
pub(super) fn row(name: &str) -> Option<&'static [u32; COLUMNS]> {
    let wanted = beginning(name.as_bytes());
    let first = BEGINNINGS.partition_point(|begin| *begin < wanted);
    let alike = BEGINNINGS[first..].iter().take_while(|begin| **begin == wanted).count();
    let row = CALLS[first..first + alike].iter().find(|row| row.0 == name)?;
    Some(&row.1)
}

/// How a call can also be made through another one: `socket(...)` as `socketcall(1, ...)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// What the other call's first argument must be.
    pub code: u8,
    /// `ipc` takes a version in the upper half of that argument, which must not hide the code.
    pub versioned: bool,
}

/// The number of the call through which `name` can also be made on `arch`, if there is one.
///
/// x86, s390x and ppc64le kept `socketcall(2)` and `ipc(2)` beside the direct calls. A rule on the direct call
/// holds for both ways, as with libseccomp; otherwise a denied call could be made by the other way.
pub(super) fn detour(name: &str, arch: Arch) -> Option<(u32, Way)> {
    if !matches!(arch, Arch::X86 | Arch::S390x | Arch::Ppc64le) {
        return None;
    }
    let (through, code) = match name {
        "socket" => ("socketcall", 1),
        "bind" => ("socketcall", 2),
        "connect" => ("socketcall", 3),
        "listen" => ("socketcall", 4),
        "accept" => ("socketcall", 5),
        "getsockname" => ("socketcall", 6),
        "getpeername" => ("socketcall", 7),
        "socketpair" => ("socketcall", 8),
        "send" => ("socketcall", 9),
        "recv" => ("socketcall", 10),
        "sendto" => ("socketcall", 11),
        "recvfrom" => ("socketcall", 12),
        "shutdown" => ("socketcall", 13),
        "setsockopt" => ("socketcall", 14),
        "getsockopt" => ("socketcall", 15),
        "sendmsg" => ("socketcall", 16),
        "recvmsg" => ("socketcall", 17),
        "accept4" => ("socketcall", 18),
        "recvmmsg" => ("socketcall", 19),
        "sendmmsg" => ("socketcall", 20),
        "semop" => ("ipc", 1),
        "semget" => ("ipc", 2),
        "semctl" => ("ipc", 3),
        "semtimedop" => ("ipc", 4),
        "msgsnd" => ("ipc", 11),
        "msgrcv" => ("ipc", 12),
        "msgget" => ("ipc", 13),
        "msgctl" => ("ipc", 14),
        "shmat" => ("ipc", 21),
        "shmdt" => ("ipc", 22),
        "shmget" => ("ipc", 23),
        "shmctl" => ("ipc", 24),
        _ => return None,
    };
    let number = arch.number(row(through)?)?;
    Some((number, Way { code, versioned: through == "ipc" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_c_library() {
        let native = Arch::NATIVE.unwrap();
        let pairs = [
            ("read", libc::SYS_read),
            ("openat2", libc::SYS_openat2),
            ("clone3", libc::SYS_clone3),
            ("execveat", libc::SYS_execveat),
            ("mount_setattr", libc::SYS_mount_setattr),
            ("rt_sigreturn", libc::SYS_rt_sigreturn),
            ("seccomp", libc::SYS_seccomp),
            ("futex_waitv", libc::SYS_futex_waitv),
            ("fchmodat2", 452),
            ("mseal", libc::SYS_mseal),
        ];
        for (name, number) in pairs {
            assert_eq!(native.number(row(name).unwrap()), u32::try_from(number).ok(), "{name}");
        }
    }

    #[test]
    fn newer_calls_have_one_number_everywhere() {
        for (name, numbers) in &CALLS {
            let ours = numbers.iter().find(|number| (424..0x1000).contains(*number));
            if let Some(ours) = ours.filter(|ours| **ours < 512) {
                assert!(
                    numbers.iter().all(|number| number == ours || *number == super::super::table::NO || *number < 424),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn no_number_is_given_twice_but_for_an_alias() {
        for arch in 0..COLUMNS {
            let mut numbers: Vec<_> = CALLS
                .iter()
                .filter(|row| row.1[arch] != super::super::table::NO)
                .map(|row| (row.1[arch], row.0))
                .collect();
            numbers.sort_unstable();
            for pair in numbers.windows(2) {
                let alias = pair[0].1 == "arm_sync_file_range" && pair[1].1 == "sync_file_range2";
                assert!(pair[0].0 != pair[1].0 || alias, "column {arch}: {pair:?}");
            }
        }
    }

    #[test]
    fn every_name_is_found() {
        assert!(CALLS.iter().all(|(name, numbers)| row(name) == Some(numbers)));
    }

    #[test]
    fn a_name_that_no_kernel_has_is_not_found() {
        assert!(row("").is_none() && row("no_such_call").is_none() && row("~").is_none());
    }

    #[test]
    fn the_socket_calls_of_x86_have_two_ways() {
        assert_eq!(detour("socket", Arch::X86), Some((102, Way { code: 1, versioned: false })));
        assert_eq!(detour("semop", Arch::X86), Some((117, Way { code: 1, versioned: true })));
        assert_eq!(detour("socket", Arch::X86_64), None);
        assert_eq!(detour("read", Arch::X86), None);
    }
}
