/* The container's side: from the clone to execve, for the config chosen by -DENGINE. Each line is
 * something that the config asks for; the order is the one that costs least. */
#ifndef CHILD_H
#define CHILD_H

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/keyctl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "filter.h"
#include "sys.h"

#define SAFE (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define CAP(name) (1ull << CAP_##name)

#ifdef ENGINE
#define HOSTNAME "9b1c5b1b7c1e"
#define NOFILE 20000
#define PROC_FLAGS SAFE
#define CGROUP_FLAGS (SAFE | MS_RDONLY)
#define CAPS                                                                                      \
	(CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FSETID) | CAP(FOWNER) | CAP(MKNOD) | CAP(NET_RAW) | \
	 CAP(SETGID) | CAP(SETUID) | CAP(SETFCAP) | CAP(SETPCAP) | CAP(NET_BIND_SERVICE) |        \
	 CAP(SYS_CHROOT) | CAP(KILL) | CAP(AUDIT_WRITE))
#else
#define HOSTNAME "bench"
#define NOFILE 1024
#define PROC_FLAGS 0
#define CGROUP_FLAGS (SAFE | MS_RDONLY | MS_RELATIME)
#define CAPS (CAP(AUDIT_WRITE) | CAP(KILL) | CAP(NET_BIND_SERVICE))
#endif

static void loopback_up(void)
{
	static struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	long fd = must("socket", sys(socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	must("lo", sys(ioctl, fd, SIOCSIFFLAGS, &lo));
	sys(close, fd);
}

#ifdef ENGINE
static void bind_mount(const char *source, const char *target)
{
	must(target, sys(mount, source, target, 0, MS_BIND | MS_REC));
	must(target, sys(mount, 0, target, 0, MS_REC | MS_PRIVATE));
}
#endif

/* In the rootfs, before the pivot: host sources are still in reach, targets are relative. */
static void mount_all(void)
{
	must("proc", sys(mount, "proc", "proc", "proc", PROC_FLAGS));
	must("dev", sys(mount, "tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"));
	sys(mkdir, "dev/pts", 0755);
	sys(mkdir, "dev/shm", 0755);
	sys(mkdir, "dev/mqueue", 0755);
	must("devpts", sys(mount, "devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
			   "newinstance,ptmxmode=0666,mode=0620,gid=5"));
	must("shm", sys(mount, "shm", "dev/shm", "tmpfs", SAFE, "mode=1777,size=65536k"));
	must("mqueue", sys(mount, "mqueue", "dev/mqueue", "mqueue", SAFE));
	must("sys", sys(mount, "sysfs", "sys", "sysfs", SAFE | MS_RDONLY));
	must("cgroup", sys(mount, "cgroup", "sys/fs/cgroup", "cgroup2", CGROUP_FLAGS));
#ifdef ENGINE
	bind_mount(STAGE "/resolv.conf", "etc/resolv.conf");
	bind_mount(STAGE "/hostname", "etc/hostname");
	bind_mount(STAGE "/hosts", "etc/hosts");
#endif
}

static void make_devices(void)
{
	must("null", sys(mknod, "dev/null", S_IFCHR | 0666, makedev(1, 3)));
	must("zero", sys(mknod, "dev/zero", S_IFCHR | 0666, makedev(1, 5)));
	must("full", sys(mknod, "dev/full", S_IFCHR | 0666, makedev(1, 7)));
	must("random", sys(mknod, "dev/random", S_IFCHR | 0666, makedev(1, 8)));
	must("urandom", sys(mknod, "dev/urandom", S_IFCHR | 0666, makedev(1, 9)));
	must("tty", sys(mknod, "dev/tty", S_IFCHR | 0666, makedev(5, 0)));
	must("fd", sys(symlink, "/proc/self/fd", "dev/fd"));
	must("stdin", sys(symlink, "/proc/self/fd/0", "dev/stdin"));
	must("stdout", sys(symlink, "/proc/self/fd/1", "dev/stdout"));
	must("stderr", sys(symlink, "/proc/self/fd/2", "dev/stderr"));
	must("ptmx", sys(symlink, "pts/ptmx", "dev/ptmx"));
}

/* Still before the pivot, so that masked files get the host's null device, not the container's.
 * What this kernel does not have answers ENOENT at the target, before anything is cloned: no
 * look first is needed where it is known which of them are files. */
static void mask_dir(const char *path)
{
	may_lack(path, sys(mount, "tmpfs", path, "tmpfs", MS_RDONLY));
}

static void mask_file(const char *path)
{
	may_lack(path, sys(mount, "/dev/null", path, 0, MS_BIND));
}

static void read_only(const char *path)
{
	if (may_lack(path, sys(mount, path, path, 0, MS_BIND | MS_REC)))
		must(path, sys(mount, 0, path, 0, MS_REMOUNT | MS_BIND | MS_RDONLY | PROC_FLAGS));
}

static void cover(void)
{
	mask_dir("proc/acpi");
	mask_dir("proc/asound");
	mask_dir("proc/scsi");
	mask_dir("sys/firmware");
	mask_file("proc/kcore");
	mask_file("proc/keys");
	mask_file("proc/latency_stats");
	mask_file("proc/timer_list");
	mask_file("proc/timer_stats");
	mask_file("proc/sched_debug");
#ifdef ENGINE
	mask_dir("sys/devices/virtual/powercap");
	mask_file("proc/interrupts");
#endif
	read_only("proc/bus");
	read_only("proc/fs");
	read_only("proc/irq");
	read_only("proc/sys");
	read_only("proc/sysrq-trigger");
}

static void build_root(void)
{
	must("propagation", sys(mount, 0, "/", 0, MS_REC | MS_PRIVATE));
	must("rootfs", sys(mount, ROOTFS, ROOTFS, 0, MS_BIND | MS_REC));
	must("rootfs", sys(chdir, ROOTFS));
	sys(umask, 0);
	mount_all();
	make_devices();
	cover();
	must("pivot_root", sys(pivot_root, ".", "."));
	must("old root", sys(umount2, ".", MNT_DETACH));
#ifndef ENGINE
	must("read-only root", sys(mount, 0, "/", 0, MS_REMOUNT | MS_BIND | MS_RDONLY));
#endif
	sys(umask, 022);
}

/* The process as the config describes it; for the first one and for those of exec alike. */
static void become(void)
{
	static struct rlimit files = {NOFILE, NOFILE};
	static struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	static struct __user_cap_data_struct caps[2] = {
		{(uint32_t)CAPS, (uint32_t)CAPS, 0},
		{(uint32_t)(CAPS >> 32), (uint32_t)(CAPS >> 32), 0},
	};

	must("rlimit", sys(prlimit64, 0, RLIMIT_NOFILE, &files));
	must("cwd", sys(chdir, "/"));
#ifdef ENGINE
	static struct sock_fprog program = {sizeof filter / sizeof *filter, (struct sock_filter *)filter};
	long fd = must("oom", sys(open, "/proc/self/oom_score_adj", 1 /* O_WRONLY */));

	must("oom", sys(write, fd, "0", 1));
	sys(close, fd);
	must("seccomp", sys(seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
#else
	must("no_new_privs", sys(prctl, PR_SET_NO_NEW_PRIVS, 1));
#endif
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!(CAPS >> cap & 1))
			must("bounding set", sys(prctl, PR_CAPBSET_DROP, cap));
	must("groups", sys(setgroups, 0, 0));
	must("gid", sys(setresgid, 0, 0, 0));
	must("uid", sys(setresuid, 0, 0, 0));
	must("caps", sys(capset, &header, caps));
	must("ambient set", sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL));
}

#endif
