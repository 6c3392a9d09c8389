/* The floor: what an ideal runtime would do for the two configs of this race, and nothing else.
 *
 * It reads no config, decides nothing and checks no option: every value of plain.json or (with
 * -DENGINE) engine.json is written down here, and every system call that the config needs is made,
 * as cheaply as we know. So what it takes is the kernel's own cost, plus the start of one static C
 * program; a real runtime's distance to it is what that runtime adds.
 *
 *     floor --root R run    --bundle B ID        create, start, wait, delete
 *     floor --root R create --bundle B --pid-file P ID    init waits on a fifo
 *     floor --root R start  ID
 *     floor --root R delete ID
 *     floor --root R exec   ID /true
 *     floor --root R state  ID
 *     floor --version
 *
 * -DPROGRAM is what the container runs, -DSTAGE the directory of the bind mounts' sources, -DROOTFS
 * and -DCGROUP_PARENT say themselves. The words stand at fixed places, as the bench writes them. It is honest in what it leaves:
 * namespaces, cgroup, device rules, every mount, mask, device, limit, capability and the whole
 * filter. It leaves out what only a program for others' configs needs: reading and checking them,
 * resolving paths in a hostile rootfs, guarding its own executable, rolling back. */
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <time.h>
#include <sys/wait.h>
#include "sys.h"

static void fail(const char *what, long error)
{
	static char text[256];
	char *end = put_number(put(put(put(text, "floor: "), what), ": errno "), (unsigned long)-error);

	sys(write, 2, text, put(end, "\n") - text);
	sys(exit_group, 125);
}

static long must(const char *what, long result)
{
	if (result < 0)
		fail(what, result);
	return result;
}

/* For paths that this kernel may not have: whether it was there. */
static int may_lack(const char *path, long result)
{
	if (result != -2 /* ENOENT */)
		must(path, result);
	return result >= 0;
}

#include "child.h"
#include "devices.h"

#define NEW_ALL (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

static char stack[16384] __attribute__((aligned(16)));
static char dir[256], record[320], fifo[320], cgroup_path[256];
static char text[512];
static int waits_on_fifo, fifo_fd, container;
/* Parent and child share memory: ready (1: child set up) and go (1: parent done) need no pipe. */
static volatile int ready, go;

static void wait_for(volatile int *flag)
{
	static struct timespec patience = {10, 0};

	while (!*flag)
		if (sys(futex, flag, FUTEX_WAIT, 0, &patience) == -110 /* ETIMEDOUT */)
			fail("the other half died", -110);
}

static void raise_flag(volatile int *flag)
{
	*flag = 1;
	sys(futex, flag, FUTEX_WAKE, 1);
}

static void names(const char *root, const char *id)
{
	put(put(put(dir, root), "/"), id);
	put(put(record, dir), "/state");
	put(put(fifo, dir), "/start");
	put(put(cgroup_path, CGROUP_PARENT), id);
}

static void run_program(char *program)
{
	char *const argv[] = {program, 0};
#ifdef ENGINE
	static char *const env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
				    "HOSTNAME=" HOSTNAME, "HOME=/", 0};
#else
	static char *const env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
				    "TERM=xterm", "HOME=/", 0};
#endif

	must(argv[0], sys(execve, argv[0], argv, env));
}

static void init(void)
{
	char byte;

	sys(close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
	sys(setsid);
	must("keyring", sys(keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0));
	must("hostname", sys(sethostname, HOSTNAME, sizeof HOSTNAME - 1));
	loopback_up();
	build_root();
	become();
	if (waits_on_fifo) {
		raise_flag(&ready);
		must("start", sys(read, fifo_fd, &byte, 1));
	} else {
		wait_for(&go);
	}
	run_program(PROGRAM);
}

/* One process of a container from here: straight into its cgroup, in this memory. */
static long spawn(uint64_t flags, int cgroup, void (*entry)(void))
{
	struct clone_args args = {
		.flags = flags | CLONE_VM | CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof stack,
		.cgroup = (uint64_t)cgroup,
	};

	return must("clone3", clone_vm(&args, entry));
}

/* The start time of a process (proc_pid_stat(5), field 22), as text; empty if it is gone. With the
 * pid it names a process for good. `state` gets the process's letter. */
static void start_time(const char *pid, char *out, char *state)
{
	char path[64], stat[512], *at = stat;
	long fd, size;

	put(put(put(path, "/proc/"), pid), "/stat");
	*out = *state = 0;
	fd = sys(open, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	size = sys(read, fd, stat, sizeof stat - 1);
	sys(close, fd);
	if (size <= 0)
		return;
	stat[size] = 0;
	while (*at != ')')
		at++;
	*state = at[2];
	for (int field = 2; field < 22; at++)
		field += *at == ' ';
	while (*at != ' ')
		*out++ = *at++;
	*out = 0;
}

static void write_file(const char *path, const char *content)
{
	long fd = must(path, sys(open, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));

	must(path, sys(write, fd, content, length(content)));
	sys(close, fd);
}

/* Everything up to a child under way and recorded; its pid as text is in `pid`. */
static void begin(const char *bundle, char *pid)
{
	char born[32], state, *at;
	int cgroup;

	must("state", sys(mkdir, dir, 0700));
	must("cgroup", sys(mkdir, cgroup_path, 0755));
	cgroup = (int)must("cgroup", sys(open, cgroup_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (waits_on_fifo) {
		must("fifo", sys(mknod, fifo, S_IFIFO | 0600));
		fifo_fd = (int)must("fifo", sys(open, fifo, O_RDWR | O_CLOEXEC));
	}
	container = (int)spawn(NEW_ALL, cgroup, init);
	guard_devices(cgroup);
	put_number(pid, (unsigned long)container);
	start_time(pid, born, &state);
	at = put(put(put(put(text, pid), " "), born), " ");
	put(put(at, bundle), "\n");
	write_file(record, text);
}

static void remove_all(void)
{
	must("cgroup", sys(rmdir, cgroup_path));
	must("state", sys(unlink, record));
	must("state", sys(rmdir, dir));
}

static int wait_for_child(long pid)
{
	int status = 0;

	must("wait", sys(wait4, pid, &status, 0, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The record's three words, and what /proc says of its process now. */
static const char *look_up(char **pid, char **bundle)
{
	static char now[32];
	char state, *at = text, *born;
	long fd = must("no such container", sys(open, record, O_RDONLY | O_CLOEXEC));
	long size = must("state", sys(read, fd, text, sizeof text - 1));

	sys(close, fd);
	text[size - 1] = 0;
	*pid = at;
	while (*at != ' ')
		at++;
	*at++ = 0;
	born = at;
	while (*at != ' ')
		at++;
	*at++ = 0;
	*bundle = at;
	start_time(*pid, now, &state);
	for (size_t i = 0; i <= length(born); i++)
		if (now[i] != born[i])
			return "stopped";
	return state == 'Z' || state == 'X' ? "stopped" : "running";
}

static void print_state(const char *id)
{
	static char json[1024];
	char *pid, *bundle, *at = json;
	const char *status = look_up(&pid, &bundle);

	if (*status == 'r' && sys(access, fifo, 0) == 0)
		status = "created";
	at = put(put(at, "{\"ociVersion\":\"1.0.2\",\"id\":\""), id);
	at = put(put(at, "\",\"status\":\""), status);
	at = put(put(at, "\",\"pid\":"), *status == 's' ? "0" : pid);
	at = put(put(put(at, ",\"bundle\":\""), bundle), "\"}\n");
	sys(write, 1, json, at - json);
}

static long joined;

static void join(void)
{
	must("setns", sys(setns, joined, NEW_ALL & ~CLONE_NEWPID));
	sys(close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
	sys(setsid);
	must("keyring", sys(keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0));
	become();
	run_program("/true");
}

static int exec(void)
{
	char *pid, *bundle;
	unsigned long number = 0;
	long cgroup;

	if (*look_up(&pid, &bundle) != 'r')
		fail("not running", 0);
	for (char *digit = pid; *digit; digit++)
		number = number * 10 + (unsigned long)(*digit - '0');
	joined = must("pidfd", sys(pidfd_open, number, 0));
	cgroup = must("cgroup", sys(open, cgroup_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	/* What is inside must not be able to open the one that comes in. */
	must("dumpable", sys(prctl, PR_SET_DUMPABLE, 0));
	must("setns", sys(setns, joined, CLONE_NEWPID));
	return wait_for_child(spawn(0, (int)cgroup, join));
}

int main(int argc, char **argv)
{
	char pid[32];
	int status = 0;
	char *old_pid, *bundle;

	if (argc < 5)
		return sys(write, 1, "floor version 1\n", 16) != 16;
	names(argv[2], argv[argv[3][0] == 'r' ? 6 : argv[3][0] == 'c' ? 8 : 4]);
	switch (argv[3][2]) {
	case 'n': /* run */
		begin(argv[5], pid);
		raise_flag(&go);
		status = wait_for_child(container);
		remove_all();
		break;
	case 'e': /* create, exec */
		if (argv[3][0] == 'e') {
			status = exec();
			break;
		}
		waits_on_fifo = 1;
		begin(argv[5], pid);
		wait_for(&ready);
		write_file(argv[7], pid);
		break;
	case 'a': /* start, state */
		if (argv[3][3] == 't') {
			print_state(argv[4]);
			break;
		}
		must("not created", sys(open, fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC));
		must("start", sys(write, 3, "", 1));
		must("start", sys(unlink, fifo));
		break;
	case 'l': /* delete */
		if (*look_up(&old_pid, &bundle) != 's')
			fail("still running", 0);
		remove_all();
		break;
	}
	return status;
}
