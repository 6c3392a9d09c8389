//! Capabilities: from names to bits.

use caps::Capability as Kernel;
use oci_spec::runtime::{Capabilities as Names, Capability as Name, LinuxCapabilities};

use super::Capabilities;
use crate::bundle::Findings;
use crate::error::Problem;

/// The five sets. `grantable` are those that the container can have at all; others are left out with a warning
/// (spec: config, Linux Process: "the runtime MUST log a warning and not fail"). So are ambient ones that the kernel would refuse,
/// of which the check has warned.
pub fn new(sets: Option<&LinuxCapabilities>, grantable: u64, found: &mut Findings) -> Capabilities {
    let Some(sets) = sets else {
        return Capabilities::default();
    };
    let asked = Capabilities {
        bounding: bits(sets.bounding().as_ref()),
        effective: bits(sets.effective().as_ref()),
        permitted: bits(sets.permitted().as_ref()),
        inheritable: bits(sets.inheritable().as_ref()),
        ambient: bits(sets.ambient().as_ref()),
    };
    let all = asked.bounding | asked.effective | asked.permitted | asked.inheritable | asked.ambient;
    if all & !grantable != 0 {
        let what = format!("can't grant {}: left out", names(all & !grantable).join(", "));
        found.warn(Problem::new("process.capabilities", what).hint("the runtime itself does not have them"));
    }
    let permitted = asked.permitted & grantable;
    let inheritable = asked.inheritable & grantable;
    Capabilities {
        bounding: asked.bounding & grantable,
        effective: asked.effective & grantable,
        permitted,
        inheritable,
        ambient: asked.ambient & permitted & inheritable,
    }
}

/// All capabilities that this build has names for.
pub const ALL: u64 = (1 << (Kernel::CAP_CHECKPOINT_RESTORE as u8 + 1)) - 1;

/// The names of a set's members, `CAP_CHOWN` first.
pub fn names(set: u64) -> Vec<String> {
    (0..64_u8).filter(|number| set & (1 << number) != 0).map(name).collect()
}

fn name(number: u8) -> String {
    match caps::all().into_iter().find(|capability| capability.index() == number) {
        Some(capability) => capability.to_string(),
        None => format!("CAP_{number}"),
    }
}

fn bits(names: Option<&Names>) -> u64 {
    names.into_iter().flatten().fold(0, |bits, name| bits | kernel(*name).bitmask())
}

/// A capability by the name that both enumerations share: oci-spec's has no numbers.
fn kernel(name: Name) -> Kernel {
    match name {
        Name::AuditControl => Kernel::CAP_AUDIT_CONTROL,
        Name::AuditRead => Kernel::CAP_AUDIT_READ,
        Name::AuditWrite => Kernel::CAP_AUDIT_WRITE,
        Name::BlockSuspend => Kernel::CAP_BLOCK_SUSPEND,
        Name::Bpf => Kernel::CAP_BPF,
        Name::CheckpointRestore => Kernel::CAP_CHECKPOINT_RESTORE,
        Name::Chown => Kernel::CAP_CHOWN,
        Name::DacOverride => Kernel::CAP_DAC_OVERRIDE,
        Name::DacReadSearch => Kernel::CAP_DAC_READ_SEARCH,
        Name::Fowner => Kernel::CAP_FOWNER,
        Name::Fsetid => Kernel::CAP_FSETID,
        Name::IpcLock => Kernel::CAP_IPC_LOCK,
        Name::IpcOwner => Kernel::CAP_IPC_OWNER,
        Name::Kill => Kernel::CAP_KILL,
        Name::Lease => Kernel::CAP_LEASE,
        Name::LinuxImmutable => Kernel::CAP_LINUX_IMMUTABLE,
        Name::MacAdmin => Kernel::CAP_MAC_ADMIN,
        Name::MacOverride => Kernel::CAP_MAC_OVERRIDE,
        Name::Mknod => Kernel::CAP_MKNOD,
        Name::NetAdmin => Kernel::CAP_NET_ADMIN,
        Name::NetBindService => Kernel::CAP_NET_BIND_SERVICE,
        Name::NetBroadcast => Kernel::CAP_NET_BROADCAST,
        Name::NetRaw => Kernel::CAP_NET_RAW,
        Name::Perfmon => Kernel::CAP_PERFMON,
        Name::Setgid => Kernel::CAP_SETGID,
        Name::Setfcap => Kernel::CAP_SETFCAP,
        Name::Setpcap => Kernel::CAP_SETPCAP,
        Name::Setuid => Kernel::CAP_SETUID,
        Name::SysAdmin => Kernel::CAP_SYS_ADMIN,
        Name::SysBoot => Kernel::CAP_SYS_BOOT,
        Name::SysChroot => Kernel::CAP_SYS_CHROOT,
        Name::SysModule => Kernel::CAP_SYS_MODULE,
        Name::SysNice => Kernel::CAP_SYS_NICE,
        Name::SysPacct => Kernel::CAP_SYS_PACCT,
        Name::SysPtrace => Kernel::CAP_SYS_PTRACE,
        Name::SysRawio => Kernel::CAP_SYS_RAWIO,
        Name::SysResource => Kernel::CAP_SYS_RESOURCE,
        Name::SysTime => Kernel::CAP_SYS_TIME,
        Name::SysTtyConfig => Kernel::CAP_SYS_TTY_CONFIG,
        Name::Syslog => Kernel::CAP_SYSLOG,
        Name::WakeAlarm => Kernel::CAP_WAKE_ALARM,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_own_bit() {
        let mut all = 0;
        for capability in caps::all() {
            let name: Name = serde_json::from_value(serde_json::json!(capability.to_string())).unwrap();
            assert_eq!(kernel(name), capability);
            all |= kernel(name).bitmask();
        }
        assert_eq!(all, ALL);
        assert_eq!(names(1 | 1 << 40 | 1 << 63), ["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE", "CAP_63"]);
    }

    #[test]
    fn what_cant_be_granted_is_left_out_with_a_warning() {
        let sets = serde_json::json!({"bounding": ["CAP_KILL", "CAP_BPF"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"],
            "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL", "CAP_BPF"]});
        let sets = serde_json::from_value(sets).unwrap();
        let (kill, mut found) = (Kernel::CAP_KILL.bitmask(), Findings::default());
        let plan = new(Some(&sets), ALL & !Kernel::CAP_BPF.bitmask(), &mut found);
        assert_eq!(
            plan,
            Capabilities { bounding: kill, effective: kill, permitted: kill, inheritable: kill, ambient: kill }
        );
        let said: Vec<String> = found.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            ["process.capabilities: can't grant CAP_BPF: left out (the runtime itself does not have them)"]
        );
    }
}
