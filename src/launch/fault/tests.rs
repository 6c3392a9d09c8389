//! Every sentence, in one table to be read.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::{after, explain};
use crate::bundle::Bundle;
use crate::launch::silent;
use crate::plan::{Host, Plan};
use crate::script::{Message, Step};
use crate::sys::Errno;

/// A bundle in which every step has something to fail at.
const CONFIG: &str = include_str!("everything.json");

/// What the kernel says most often at a step, as (index, errno, extra), besides the errors that any step may have.
fn typical(step: Step) -> &'static [(u32, i32, u32)] {
    const NONE: u32 = u32::MAX;
    match step {
        Step::Join => &[(0, libc::ENOENT, 0), (0, libc::EINVAL, 0), (0, libc::EPERM, 0)],
        Step::Affinity => &[(0, libc::EINVAL, 0), (1, libc::EINVAL, 0)],
        Step::Time => &[(0, libc::EINVAL, 0), (0, libc::ENOSPC, 0), (0, libc::EPERM, 0)],
        Step::TimeOffsets => &[(0, libc::ERANGE, 0), (0, libc::EPERM, 0), (0, libc::EACCES, 0)],
        Step::Scheduler => &[(0, libc::EPERM, 0), (0, libc::EINVAL, 0), (0, libc::EBUSY, 0), (0, libc::EOPNOTSUPP, 0)],
        Step::Clone => &[(0, libc::EPERM, 0), (0, libc::ENOSPC, 0), (0, libc::EAGAIN, 0)],
        Step::Resctrl => &[(0, libc::EPERM, 0), (1, libc::ENOENT, 0)],
        Step::Become => &[(0, libc::ENOSPC, 0), (0, libc::EACCES, 0)],
        Step::Maps | Step::Hooks | Step::Start => &[(0, libc::EPROTO, 0)],
        Step::Sysctl => &[(0, libc::ENOENT, 0), (1, libc::EINVAL, 0), (1, libc::EROFS, 0), (0, libc::EACCES, 0)],
        Step::RootfsSource => &[(0, libc::ENOENT, 0), (0, libc::ENOTDIR, 0), (0, libc::EACCES, 0)],
        Step::Null | Step::Devpts => &[(0, 0, 0)],
        Step::CwdOutside => &[(0, 0, 0), (0, libc::ENOENT, 0)],
        Step::MountSource => &[(3, libc::ENOENT, 0), (3, libc::EINVAL, 0), (3, libc::EACCES, 0)],
        Step::MountIdmap => &[
            (3, libc::EINVAL, 0xef53),
            (3, libc::EINVAL, 0x6969),
            (1, libc::EINVAL, 0x7777),
            (3, libc::EPERM, 0x794c_7630),
        ],
        Step::DeviceSource => &[(6, 0, 0), (6, libc::ENOENT, 0)],
        Step::MountTarget => &[
            (3, libc::ELOOP, 0),
            (3, libc::EROFS, 0),
            (3, libc::EAGAIN, 0),
            (3, libc::EXDEV, 0),
            (3, libc::EACCES, 0),
            (3, libc::ENOTDIR, 0),
            (4, libc::ENOENT, 0),
        ],
        Step::MountPlain => &[(0, libc::ELOOP, 0), (0, libc::ENOTDIR, 0)],
        Step::MountOpen => &[(1, libc::ENODEV, 0), (1, libc::EPERM, 0)],
        Step::MountParameter => &[(1, libc::EINVAL, 0), (1, libc::EINVAL, 1), (1, libc::EINVAL, NONE)],
        Step::MountCreate => &[(0, libc::EPERM, 0), (1, libc::EINVAL, 0), (1, libc::EBUSY, 0)],
        Step::MountAttributes => &[(3, libc::EPERM, 0), (3, libc::EINVAL, 0)],
        Step::MountPropagation => &[(3, libc::EINVAL, 0)],
        Step::MountAttach => &[(3, libc::ENOTDIR, 0), (3, libc::ELOOP, 0), (3, libc::ENOSPC, 0)],
        Step::Pivot => &[(0, libc::EINVAL, 0), (0, libc::EPERM, 0)],
        Step::DeviceParent => &[(6, libc::EROFS, 0)],
        Step::Device => &[(6, libc::EEXIST, 0), (6, libc::EPERM, 0), (0, libc::EROFS, 0)],
        Step::DevLink => &[(0, libc::EROFS, 0)],
        Step::Terminal | Step::TerminalSend => &[(0, libc::ENOSPC, 0), (0, libc::EPIPE, 0)],
        Step::CreateContainerHook | Step::StartContainerHook => &[
            (0, libc::ETIMEDOUT, 9),
            (0, 0, 127 << 8),
            (0, 0, 126 << 8),
            (0, 0, 3 << 8),
            (0, 0, 9),
            (0, libc::ENOMEM, 0),
        ],
        Step::Masked | Step::Readonly => &[(0, libc::EACCES, 0)],
        Step::Cwd => &[(0, libc::ENOENT, 0), (0, libc::EACCES, 0), (0, libc::ENOTDIR, 0)],
        Step::Rlimit => &[(1, libc::EPERM, 0), (0, libc::EINVAL, 0)],
        Step::Groups | Step::Gid | Step::Uid => &[(0, libc::EINVAL, 0), (0, libc::EPERM, 0), (0, libc::EAGAIN, 0)],
        Step::Label => &[
            (0, libc::ENOENT, 0),
            (0, libc::EACCES, 0),
            (0, libc::EXDEV, 0),
            (1, libc::EINVAL, 0),
            (1, libc::EACCES, 0),
        ],
        Step::KeyLabel => &[(0, libc::EINVAL, 0), (0, libc::EXDEV, 0)],
        Step::MemoryPolicy => &[(0, libc::EINVAL, 0), (0, libc::ENOSYS, 0), (0, libc::EPERM, 0)],
        Step::Bounding => &[(13, libc::EPERM, 0)],
        Step::Ambient => &[(0, libc::EPERM, 0)],
        Step::Program => &[
            (1, libc::ENOENT, 0),
            (1, libc::EACCES, 0),
            (0, libc::ENOENT, 0),
            (0, libc::EISDIR, 0),
            (0, 0, 0),
            (2, libc::ENOENT, 0),
        ],
        Step::Listener => &[(0, libc::EAGAIN, 0)],
        Step::Seccomp => &[
            (0, libc::EACCES, 0),
            (0, libc::EINVAL, 0),
            (0, libc::EBUSY, 0),
            (0, libc::EMFILE, 0),
            (0, libc::ENOMEM, 0),
        ],
        Step::Execve => &[
            (0, libc::ENOENT, 0),
            (0, libc::ENOEXEC, 0),
            (0, libc::EACCES, 0),
            (0, libc::E2BIG, 0),
            (0, libc::ENOMEM, 0),
        ],
        _ => &[(0, libc::EPERM, 0), (0, libc::ENOSPC, 0)],
    }
}

fn plan() -> Plan {
    let host = Host { apparmor: true, selinux: true, ..Host::example() };
    Plan::new(&Bundle::parse(PathBuf::from("/bundle"), CONFIG.into()).unwrap(), &host).unwrap()
}

fn sentence(plan: &Plan, step: Step, (index, errno, extra): (u32, i32, u32)) -> String {
    let error = explain(plan, &Message::fault(step, index, Errno(errno), extra));
    let status = if error.status == 1 { String::new() } else { format!("  -> {}", error.status) };
    format!("{error}{status}")
}

#[test]
fn every_sentence() {
    let plan = plan();
    let mut table = String::new();
    for step in Step::ALL {
        let _ = writeln!(table, "{}", step.name());
        for fault in typical(*step) {
            let _ = writeln!(table, "    {}", sentence(&plan, *step, *fault));
        }
    }
    let _ = writeln!(table, "no word, killed\n    {}", silent::end(137, None, "before its first step"));
    let _ = writeln!(table, "no word, ended\n    {}", silent::end(121, None, &after(&plan, Step::MountAttach, 0)));
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "." }, {
        insta::assert_snapshot!("sentences", table);
    });
}

/// What the scheduler says differs with the policy.
#[test]
fn every_policy() {
    let said = |policy, errno| {
        let mut plan = plan();
        plan.process.scheduler = Some(crate::plan::Scheduler { policy, ..Default::default() });
        sentence(&plan, Step::Scheduler, (0, errno, 0))
    };
    for (policy, errno, words) in [
        (0, libc::EPERM, "RLIMIT_NICE"),
        (1, libc::EPERM, "RLIMIT_RTPRIO"),
        (2, libc::EPERM, "CONFIG_RT_GROUP_SCHED"),
        (4, libc::EINVAL, "SCHED_ISO"),
        (6, libc::EPERM, "all processors"),
        (6, libc::EINVAL, "kernel.sched_deadline_period_min_us"),
        (6, libc::EBUSY, "time left for deadlines"),
    ] {
        assert!(said(policy, errno).contains(words), "{}", said(policy, errno));
    }
}

/// Whatever comes over the wire: a sentence, with the system's cause if it has one and no better is known, never a panic.
#[test]
fn any_numbers() {
    let plan = plan();
    for step in Step::ALL {
        for index in [0, 1, 6, 1000, u32::MAX] {
            for errno in [0, 5, 28, 4095] {
                for extra in [0, 1, u32::MAX] {
                    let text = sentence(&plan, *step, (index, errno, extra));
                    assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
                }
            }
        }
    }
    assert!(explain(&plan, &Message { what: 7, index: 0, errno: 0, extra: 0 }).to_string().contains('7'));
}
