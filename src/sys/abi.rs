//! Numbers of the kernel interface (uapi), as far as the child and the new system calls need them.
//!
//! The child has no libc, so they stand here; a test compares each with libc's where libc has it.

#![allow(missing_docs, reason = "each has the kernel's own name; see its man page")]

macro_rules! numbers {
    ($($name:ident $x86_64:literal $aarch64:literal)*) => {
        /// System call numbers of the architecture that this is built for.
        #[allow(non_upper_case_globals, reason = "the calls' own names")]
        pub mod nr {
            $(
                #[cfg(target_arch = "x86_64")]
                pub const $name: usize = $x86_64;
                #[cfg(target_arch = "aarch64")]
                pub const $name: usize = $aarch64;
            )*
        }

        /// Every row of the table below: name, x86_64, aarch64.
        #[cfg(test)]
        pub const NUMBERS: &[(&str, usize, usize)] = &[$((stringify!($name), $x86_64, $aarch64)),*];
    };
}

numbers! {
    read 0 63
    write 1 64
    close 3 57
    mmap 9 222
    rt_sigaction 13 134
    rt_sigprocmask 14 135
    ioctl 16 29
    pwrite64 18 68
    getpid 39 172
    socket 41 198
    sendfile 40 71
    sendmsg 46 211
    clone 56 220
    execve 59 221
    kill 62 129
    fcntl 72 25
    getcwd 79 17
    chdir 80 49
    fchdir 81 50
    fchown 93 55
    umask 95 166
    setpgid 109 154
    setsid 112 157
    setgroups 116 159
    setresuid 117 147
    setresgid 119 149
    capset 126 91
    fstatfs 138 44
    pivot_root 155 41
    prctl 157 167
    chroot 161 51
    mount 165 40
    umount2 166 39
    sethostname 170 161
    setdomainname 171 162
    exit 60 93
    exit_group 231 94
    waitid 247 95
    getdents64 217 61
    openat 257 56
    mkdirat 258 34
    mknodat 259 33
    symlinkat 266 36
    readlinkat 267 78
    fchmodat 268 53
    fchownat 260 54
    ppoll 271 73
    unshare 272 97
    utimensat 280 88
    accept4 288 242
    dup3 292 24
    prlimit64 302 261
    setns 308 268
    seccomp 317 277
    memfd_create 319 279
    execveat 322 281
    keyctl 250 219
    sched_setaffinity 203 122
    sched_setattr 314 274
    ioprio_set 251 30
    personality 135 92
    statx 332 291
    open_tree 428 428
    statmount 457 457
    move_mount 429 429
    fsopen 430 430
    fsconfig 431 431
    fsmount 432 432
    pidfd_open 434 434
    clone3 435 435
    close_range 436 436
    openat2 437 437
    faccessat2 439 439
    mount_setattr 442 442
    set_mempolicy 238 237
    lsm_set_self_attr 460 460
}

// fcntl.h
pub const AT_FDCWD: i32 = -100;
pub const AT_SYMLINK_NOFOLLOW: usize = 0x100;
pub const AT_EACCESS: usize = 0x200;
pub const AT_EMPTY_PATH: usize = 0x1000;
pub const AT_RECURSIVE: usize = 0x8000;
pub const O_RDONLY: u64 = 0;
pub const O_WRONLY: u64 = 1;
pub const O_RDWR: u64 = 2;
pub const O_CREAT: u64 = 0o100;
pub const O_EXCL: u64 = 0o200;
pub const O_NOCTTY: u64 = 0o400;
pub const O_NONBLOCK: u64 = 0o4000;
#[cfg(target_arch = "x86_64")]
pub const O_DIRECTORY: u64 = 0o200_000;
#[cfg(target_arch = "x86_64")]
pub const O_NOFOLLOW: u64 = 0o400_000;
#[cfg(target_arch = "aarch64")]
pub const O_DIRECTORY: u64 = 0o40_000;
#[cfg(target_arch = "aarch64")]
pub const O_NOFOLLOW: u64 = 0o100_000;
pub const O_CLOEXEC: u64 = 0o2_000_000;
pub const O_PATH: u64 = 0o10_000_000;
pub const F_SETFD: usize = 2;
pub const F_GETFD: usize = 1;
pub const F_ADD_SEALS: usize = 1033;
pub const F_SEAL_SEAL: usize = 1;
pub const F_SEAL_SHRINK: usize = 2;
pub const F_SEAL_GROW: usize = 4;
pub const F_SEAL_WRITE: usize = 8;
pub const FD_CLOEXEC: usize = 1;

// openat2.h
pub const RESOLVE_NO_XDEV: u64 = 0x01;
pub const RESOLVE_NO_MAGICLINKS: u64 = 0x02;
pub const RESOLVE_NO_SYMLINKS: u64 = 0x04;
pub const RESOLVE_BENEATH: u64 = 0x08;
pub const RESOLVE_IN_ROOT: u64 = 0x10;

// stat.h
pub const S_IFMT: u32 = 0o170_000;
pub const S_IFSOCK: u32 = 0o140_000;
pub const S_IFLNK: u32 = 0o120_000;
pub const S_IFREG: u32 = 0o100_000;
/// A symbolic link.
pub const S_IFBLK: u32 = 0o060_000;
pub const S_IFDIR: u32 = 0o040_000;
pub const S_IFCHR: u32 = 0o020_000;
pub const S_IFIFO: u32 = 0o010_000;
pub const STATX_BASIC_STATS: usize = 0x7ff;
/// statx(2): the number of the mount that the file was found on, which may be given to another one later (Linux 5.8).
pub const STATX_MNT_ID: usize = 0x1000;
/// The same, but never given again (Linux 6.8).
pub const STATX_MNT_ID_UNIQUE: usize = 0x4000;
pub const UTIME_OMIT: u64 = 0x3fff_fffe;

// magic.h
pub const PROC_SUPER_MAGIC: u64 = 0x9fa0;
pub const NSFS_MAGIC: u64 = 0x6e73_6673;
pub const DEVPTS_SUPER_MAGIC: u64 = 0x1cd1;

// sched.h
pub const CLONE_VM: u64 = 0x100;
pub const CLONE_FS: u64 = 0x200;
pub const CLONE_FILES: u64 = 0x400;
pub const CLONE_SIGHAND: u64 = 0x800;
pub const CLONE_PIDFD: u64 = 0x1000;
pub const CLONE_PARENT: u64 = 0x8000;
pub const CLONE_THREAD: u64 = 0x1_0000;
pub const CLONE_SYSVSEM: u64 = 0x4_0000;
pub const CLONE_NEWTIME: u64 = 0x80;
pub const CLONE_NEWNS: u64 = 0x0002_0000;
pub const CLONE_NEWCGROUP: u64 = 0x0200_0000;
pub const CLONE_NEWUTS: u64 = 0x0400_0000;
pub const CLONE_NEWIPC: u64 = 0x0800_0000;
pub const CLONE_NEWUSER: u64 = 0x1000_0000;
pub const CLONE_NEWPID: u64 = 0x2000_0000;
pub const CLONE_NEWNET: u64 = 0x4000_0000;
pub const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
pub const SIGCHLD: u64 = 17;
pub const SIGHUP: usize = 1;
pub const SIGINT: usize = 2;
pub const SIGQUIT: usize = 3;
pub const SIGKILL: usize = 9;
pub const SIGPIPE: usize = 13;
pub const SIGTERM: usize = 15;
pub const SIGXFSZ: usize = 25;
pub const SA_RESTORER: usize = 0x0400_0000;

// mount.h
pub const MS_BIND: u64 = 0x1000;
pub const MS_REC: u64 = 0x4000;
pub const MS_UNBINDABLE: u64 = 0x2_0000;
pub const MS_PRIVATE: u64 = 0x4_0000;
pub const MS_SLAVE: u64 = 0x8_0000;
pub const MS_SHARED: u64 = 0x10_0000;
pub const MNT_DETACH: usize = 2;
pub const OPEN_TREE_CLONE: usize = 1;
pub const OPEN_TREE_CLOEXEC: usize = 0o2_000_000;
pub const MOVE_MOUNT_F_EMPTY_PATH: usize = 0x04;
pub const MOVE_MOUNT_T_EMPTY_PATH: usize = 0x40;
pub const FSOPEN_CLOEXEC: usize = 1;
pub const FSMOUNT_CLOEXEC: usize = 1;
pub const FSCONFIG_SET_FLAG: usize = 0;
pub const FSCONFIG_SET_STRING: usize = 1;
pub const FSCONFIG_SET_FD: usize = 5;
pub const FSCONFIG_CMD_CREATE: usize = 6;
pub const MOUNT_ATTR_RDONLY: u64 = 0x01;
pub const MOUNT_ATTR_NOSUID: u64 = 0x02;
pub const MOUNT_ATTR_NODEV: u64 = 0x04;
pub const MOUNT_ATTR_NOEXEC: u64 = 0x08;
pub const MOUNT_ATTR__ATIME: u64 = 0x70;
pub const MOUNT_ATTR_RELATIME: u64 = 0x00;
pub const MOUNT_ATTR_NOATIME: u64 = 0x10;
pub const MOUNT_ATTR_STRICTATIME: u64 = 0x20;
pub const MOUNT_ATTR_NODIRATIME: u64 = 0x80;
pub const MOUNT_ATTR_NOSYMFOLLOW: u64 = 0x20_0000;
pub const MOUNT_ATTR_IDMAP: u64 = 0x10_0000;

// memfd.h, mman.h
pub const MFD_CLOEXEC: usize = 1;
pub const MFD_ALLOW_SEALING: usize = 2;
pub const MFD_EXEC: usize = 0x10;
pub const PROT_READ: usize = 1;
pub const PROT_WRITE: usize = 2;
pub const MAP_SHARED: usize = 1;
pub const MAP_PRIVATE: usize = 2;
pub const MAP_ANONYMOUS: usize = 0x20;
pub const MAP_POPULATE: usize = 0x8000;
pub const MAP_FIXED_NOREPLACE: usize = 0x10_0000;

// prctl.h, capability.h, seccomp.h
pub const PR_SET_DUMPABLE: usize = 4;
pub const PR_SET_KEEPCAPS: usize = 8;
pub const PR_SET_NAME: usize = 15;
pub const PR_CAPBSET_READ: usize = 23;
pub const PR_CAPBSET_DROP: usize = 24;
pub const PR_SET_NO_NEW_PRIVS: usize = 38;
pub const PR_CAP_AMBIENT: usize = 47;
pub const PR_CAP_AMBIENT_RAISE: usize = 2;
pub const PR_CAP_AMBIENT_CLEAR_ALL: usize = 4;
pub const LINUX_CAPABILITY_VERSION_3: u32 = 0x2008_0522;
pub const SECCOMP_SET_MODE_FILTER: usize = 1;

// lsm.h
pub const LSM_ID_SELINUX: u64 = 101;
pub const LSM_ID_APPARMOR: u64 = 104;
pub const LSM_ATTR_EXEC: u32 = 101;
pub const LSM_ATTR_KEYCREATE: u32 = 103;

// close_range.h
pub const CLOSE_RANGE_CLOEXEC: usize = 4;

// wait.h, signal.h, poll.h
pub const P_PID: usize = 1;
pub const P_PIDFD: usize = 3;
pub const WNOHANG: usize = 1;
pub const WEXITED: usize = 4;
pub const CLD_EXITED: i32 = 1;
pub const CLD_KILLED: i32 = 2;
pub const CLD_DUMPED: i32 = 3;
pub const SIG_SETMASK: usize = 2;
pub const POLLIN: i16 = 1;

// socket.h, if.h, ioctls.h
pub const AF_INET: usize = 2;
pub const SOCK_DGRAM: usize = 2;
pub const SOCK_CLOEXEC: usize = 0o2_000_000;
pub const SOL_SOCKET: i32 = 1;
pub const SCM_RIGHTS: i32 = 1;
pub const MSG_NOSIGNAL: usize = 0x4000;
pub const IFF_UP: u16 = 1;
pub const SIOCSIFFLAGS: usize = 0x8914;
pub const TIOCSCTTY: usize = 0x540e;
pub const TIOCSWINSZ: usize = 0x5414;
pub const TIOCSPTLCK: usize = 0x4004_5431;
pub const TIOCGPTPEER: usize = 0x5441;
pub const TIOCGPTN: usize = 0x8004_5430;

// errno.h: those that the child tells apart
pub const EPERM: i32 = 1;
pub const ENOENT: i32 = 2;
pub const EINTR: i32 = 4;
pub const E2BIG: i32 = 7;
pub const EAGAIN: i32 = 11;
pub const EACCES: i32 = 13;
pub const EEXIST: i32 = 17;
pub const EBUSY: i32 = 16;
pub const EXDEV: i32 = 18;
pub const ENODEV: i32 = 19;
pub const ENOTDIR: i32 = 20;
pub const EISDIR: i32 = 21;
pub const EINVAL: i32 = 22;
pub const ENOSPC: i32 = 28;
pub const EROFS: i32 = 30;
pub const ENAMETOOLONG: i32 = 36;
pub const ENOSYS: i32 = 38;
pub const ELOOP: i32 = 40;
pub const EPROTO: i32 = 71;
pub const EOPNOTSUPP: i32 = 95;
pub const ETIMEDOUT: i32 = 110;

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! same {
        ($($name:ident)*) => { $(assert_eq!(i128::from($name), i128::from(libc::$name), stringify!($name));)* };
    }

    #[test]
    #[allow(clippy::useless_conversion)]
    fn numbers_are_those_of_libc() {
        macro_rules! widen { ($($name:ident)*) => { $(assert_eq!($name as i128, libc::$name as i128, stringify!($name));)* } }
        same!(AT_FDCWD S_IFMT S_IFSOCK S_IFLNK S_IFREG S_IFBLK S_IFDIR S_IFCHR S_IFIFO EPERM ENOENT EINTR E2BIG EAGAIN EACCES EEXIST EXDEV ENODEV
            ENOTDIR EISDIR EINVAL EROFS ENAMETOOLONG ENOSYS ELOOP EPROTO EOPNOTSUPP ETIMEDOUT SOL_SOCKET SCM_RIGHTS POLLIN);
        widen!(AT_SYMLINK_NOFOLLOW AT_EACCESS AT_EMPTY_PATH AT_RECURSIVE O_RDONLY O_WRONLY O_RDWR O_CREAT O_EXCL O_NOCTTY O_NONBLOCK
            O_DIRECTORY O_NOFOLLOW O_CLOEXEC O_PATH F_SETFD F_GETFD F_ADD_SEALS F_SEAL_SEAL F_SEAL_SHRINK F_SEAL_GROW
            F_SEAL_WRITE FD_CLOEXEC RESOLVE_NO_XDEV RESOLVE_NO_MAGICLINKS RESOLVE_NO_SYMLINKS RESOLVE_BENEATH RESOLVE_IN_ROOT
            STATX_BASIC_STATS STATX_MNT_ID PROC_SUPER_MAGIC CLONE_VM CLONE_FS CLONE_FILES CLONE_SIGHAND CLONE_PIDFD CLONE_PARENT CLONE_THREAD CLONE_SYSVSEM CLONE_NEWTIME CLONE_NEWNS CLONE_NEWCGROUP
            CLONE_NEWUTS CLONE_NEWIPC CLONE_NEWUSER CLONE_NEWPID CLONE_NEWNET SIGCHLD SIGHUP SIGINT SIGQUIT SIGKILL SIGPIPE SIGTERM SIGXFSZ MS_BIND
            MS_REC MS_UNBINDABLE MS_PRIVATE MS_SLAVE MS_SHARED MNT_DETACH OPEN_TREE_CLONE OPEN_TREE_CLOEXEC MOUNT_ATTR_RDONLY
            MOUNT_ATTR_NOSUID MOUNT_ATTR_NODEV MOUNT_ATTR_NOEXEC MOUNT_ATTR__ATIME MOUNT_ATTR_RELATIME MOUNT_ATTR_NOATIME
            MOUNT_ATTR_STRICTATIME MOUNT_ATTR_NODIRATIME MOUNT_ATTR_NOSYMFOLLOW MOUNT_ATTR_IDMAP NSFS_MAGIC MFD_CLOEXEC MFD_ALLOW_SEALING MFD_EXEC PROT_READ PROT_WRITE
            MAP_SHARED MAP_PRIVATE MAP_ANONYMOUS MAP_POPULATE MAP_FIXED_NOREPLACE PR_SET_DUMPABLE PR_SET_KEEPCAPS PR_SET_NAME PR_CAPBSET_READ PR_CAPBSET_DROP
            PR_SET_NO_NEW_PRIVS PR_CAP_AMBIENT PR_CAP_AMBIENT_RAISE PR_CAP_AMBIENT_CLEAR_ALL SECCOMP_SET_MODE_FILTER P_PID P_PIDFD WNOHANG WEXITED CLD_EXITED CLD_KILLED CLD_DUMPED
            SIG_SETMASK AF_INET SOCK_DGRAM SOCK_CLOEXEC MSG_NOSIGNAL IFF_UP SIOCSIFFLAGS TIOCSCTTY TIOCSWINSZ TIOCSPTLCK TIOCGPTPEER TIOCGPTN
            CLOSE_RANGE_CLOEXEC UTIME_OMIT);
        macro_rules! calls { ($($name:ident $libc:ident)*) => { $(assert_eq!(nr::$name as i64, libc::$libc, stringify!($name));)* } }
        calls!(read SYS_read exit SYS_exit mmap SYS_mmap clone3 SYS_clone3 openat2 SYS_openat2 statx SYS_statx getdents64 SYS_getdents64 sendfile SYS_sendfile utimensat SYS_utimensat seccomp SYS_seccomp waitid SYS_waitid
            prlimit64 SYS_prlimit64 sched_setattr SYS_sched_setattr ioprio_set SYS_ioprio_set personality SYS_personality unshare SYS_unshare mount_setattr SYS_mount_setattr setresgid SYS_setresgid ppoll SYS_ppoll fchmodat SYS_fchmodat);
    }
}
