//! The architectures a filter can tell apart, and how each shows itself to it.

use oci_spec::runtime::Arch as OciArch;

use super::table::{COLUMNS, NO};

/// Set in every x32 call's number, which is all that tells x32 from `x86_64` (`__X32_SYSCALL_BIT` in asm/unistd.h).
pub(super) const X32_BIT: u32 = 0x4000_0000;

/// Above it are the calls that 32-bit ARM keeps to itself (`__ARM_NR_BASE`): `cacheflush`, `set_tls` ...
pub(super) const PRIVATE_CALLS: u32 = 0x000f_0000;

/// An architecture with a column in the table of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arch {
    X86_64,
    X86,
    X32,
    Aarch64,
    Arm,
    Riscv64,
    Ppc64le,
    S390x,
    Loongarch64,
}

impl Arch {
    /// What this program was built for, and so what the kernel that runs it is; `None` where the table has no column.
    pub(super) const NATIVE: Option<Self> = if cfg!(target_arch = "x86_64") {
        Some(Self::X86_64)
    } else if cfg!(target_arch = "aarch64") {
        Some(Self::Aarch64)
    } else if cfg!(target_arch = "x86") {
        Some(Self::X86)
    } else if cfg!(target_arch = "arm") {
        Some(Self::Arm)
    } else if cfg!(target_arch = "riscv64") {
        Some(Self::Riscv64)
    } else if cfg!(all(target_arch = "powerpc64", target_endian = "little")) {
        Some(Self::Ppc64le)
    } else if cfg!(target_arch = "s390x") {
        Some(Self::S390x)
    } else if cfg!(target_arch = "loongarch64") {
        Some(Self::Loongarch64)
    } else {
        None
    };

    /// The profile's word for it; `None` for one whose calls are not in the table.
    pub(super) fn from_profile(arch: OciArch) -> Option<Self> {
        match arch {
            OciArch::ScmpArchNative => Self::NATIVE,
            OciArch::ScmpArchX86_64 => Some(Self::X86_64),
            OciArch::ScmpArchX86 => Some(Self::X86),
            OciArch::ScmpArchX32 => Some(Self::X32),
            OciArch::ScmpArchAarch64 => Some(Self::Aarch64),
            OciArch::ScmpArchArm => Some(Self::Arm),
            OciArch::ScmpArchRiscv64 => Some(Self::Riscv64),
            OciArch::ScmpArchPpc64le => Some(Self::Ppc64le),
            OciArch::ScmpArchS390x => Some(Self::S390x),
            OciArch::ScmpArchLoongarch64 => Some(Self::Loongarch64),
            _ => None,
        }
    }

    /// What stands in `seccomp_data.arch` (`AUDIT_ARCH_*` in linux/audit.h). x32 has no own.
    pub(super) fn audit(self) -> u32 {
        match self {
            Self::X86_64 | Self::X32 => 0xc000_003e,
            Self::X86 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
            Self::Arm => 0x4000_0028,
            Self::Riscv64 => 0xc000_00f3,
            Self::Ppc64le => 0xc000_0015,
            Self::S390x => 0x8000_0016,
            Self::Loongarch64 => 0xc000_0102,
        }
    }

    /// How its arguments lie in `seccomp_data.args`.
    ///
    /// x32 counts as wide: the kernel shows, and many calls use, whole 64-bit registers.
    pub(super) fn words(self) -> Words {
        match self {
            Self::X86 | Self::Arm => Words::Narrow,
            Self::S390x => Words::WideHighFirst,
            _ => Words::WideLowFirst,
        }
    }

    /// The first and last number that can be its own.
    pub(super) fn span(self) -> (u32, u32) {
        match self {
            Self::X86_64 => (0, X32_BIT - 1),
            Self::X32 => (X32_BIT, u32::MAX),
            _ => (0, u32::MAX),
        }
    }

    /// Its number in a row of the table.
    pub(super) fn number(self, row: &[u32; COLUMNS]) -> Option<u32> {
        match row[self as usize] {
            NO => None,
            number => Some(self.span().0 | number),
        }
    }
}

/// How a filter, which loads 32 bits at a time, sees an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// Only the low half counts, also of the values it is compared with: the high half is always zero.
    Narrow,
    /// Both halves count, the low one comes first.
    WideLowFirst,
    /// Both halves count, the high one comes first: big-endian machines.
    WideHighFirst,
}
