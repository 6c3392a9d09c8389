/* Starts the programs of the race, one after the other, and says what each took.
 *
 * It is a program of its own, small and static, for two reasons: what a process costs begins with
 * its parent (a fork copies page tables, and ru_maxrss starts from the parent's memory), and who
 * starts containers is their subreaper: what `create` leaves behind is reaped here, with its costs.
 *
 * It reads requests from standard input, a socket, and writes one answer for each:
 *   RUN     arguments and environment: start it, wait for it
 *   TRACE   the same under ptrace: count system calls and processes until it ends
 *   REAP    a pid: wait for it (the init of a container that `create` left)
 * Programs get no input, no output, and this program's standard error. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUN = 1, TRACE = 2, REAP = 3 };
enum { PATIENCE = 30 /* seconds, then it is killed */ };

struct request {
	uint32_t kind, pid, argc, envc, size;
};

/* Nanoseconds, KiB, counts; `status` is an exit status, or 128 + the signal. */
struct answer {
	int64_t status, wall, cpu, peak, faults, calls, processes;
};

static char words[1 << 16];
static char *argv[256], *envp[256];
static volatile pid_t running;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void out_of_patience(int signal)
{
	(void)signal;
	if (running > 0)
		kill(running, SIGKILL);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int64_t micros(struct timeval t)
{
	return t.tv_sec * 1000000LL + t.tv_usec;
}

static int64_t exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void costs(struct answer *a, const struct rusage *use)
{
	a->cpu = (micros(use->ru_utime) + micros(use->ru_stime)) * 1000;
	a->peak = use->ru_maxrss;
	a->faults = use->ru_minflt;
}

static void wait_for(pid_t pid, struct answer *a)
{
	struct rusage use = {0};
	int status = 127 << 8;

	running = pid;
	alarm(PATIENCE);
	while (wait4(pid, &status, 0, &use) < 0 && errno == EINTR)
		;
	a->wall = now();
	alarm(0);
	running = 0;
	a->status = exit_status(status);
	costs(a, &use);
}

static void run(struct answer *a)
{
	int64_t start = now();
	pid_t pid = vfork();

	if (pid == 0) {
		execve(argv[0], argv, envp);
		_exit(127);
	}
	if (pid < 0)
		die("vfork");
	wait_for(pid, a);
	a->wall -= start;
}

/* A clone's child is a process, not a thread, if it leads its own thread group. */
static int is_process(unsigned long pid)
{
	char path[64], line[128];
	unsigned long leader = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%lu/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "Tgid: %lu", &leader) == 1)
			break;
	if (file)
		fclose(file);
	return leader == pid;
}

/* A stop of a traced task: counts, and gives the signal to go on with. */
static int stopped(pid_t pid, int status, struct answer *a)
{
	struct __ptrace_syscall_info info;
	unsigned long child;

	switch (status >> 16) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		if (ptrace(PTRACE_GETEVENTMSG, pid, 0, &child) == 0)
			a->processes += is_process(child);
		return 0;
	case 0:
		break;
	default:
		return 0;
	}
	if (WSTOPSIG(status) != (SIGTRAP | 0x80))
		return WSTOPSIG(status);
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0)
		a->calls += info.op == PTRACE_SYSCALL_INFO_ENTRY;
	return 0;
}

/* Counts until the program itself has ended. What it leaves behind (a container's init, waiting)
 * is let go when this process ends: TRACE runs in a fork of its own. */
static void trace(struct answer *a)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
		       PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
	int gate[2], status;
	pid_t root, pid;
	char byte;

	if (pipe2(gate, O_CLOEXEC) < 0)
		die("pipe");
	root = fork();
	if (root == 0) {
		close(gate[1]);
		if (read(gate[0], &byte, 1) == 1)
			execve(argv[0], argv, envp);
		_exit(127);
	}
	running = root;
	alarm(PATIENCE);
	if (ptrace(PTRACE_SEIZE, root, 0, options) < 0)
		die("ptrace");
	if (write(gate[1], "", 1) != 1)
		die("gate");
	a->processes = 1;
	a->calls = 1; /* its own execve: tracing begins behind it */
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (pid == root)
				break;
			continue;
		}
		/* Group-stops end too: nobody here stops programs by job control. */
		ptrace(PTRACE_SYSCALL, pid, 0, stopped(pid, status, a));
	}
	a->status = exit_status(status);
}

/* The tracer is a child of ours, so that its tracees fall to us when it ends. */
static void trace_apart(struct answer *a)
{
	int result[2];
	pid_t tracer;

	if (pipe2(result, O_CLOEXEC) < 0)
		die("pipe");
	tracer = fork();
	if (tracer == 0) {
		trace(a);
		_exit(write(result[1], a, sizeof *a) != sizeof *a);
	}
	close(result[1]);
	if (read(result[0], a, sizeof *a) != sizeof *a)
		a->status = 126;
	close(result[0]);
	waitpid(tracer, 0, 0);
}

static void whole(int fd, void *to, size_t size)
{
	ssize_t n;

	for (char *at = to; size; at += n, size -= (size_t)n)
		if ((n = read(fd, at, size)) <= 0)
			exit(0);
}

static void spread(struct request *r)
{
	char *word = words;

	for (uint32_t i = 0; i < r->argc + r->envc; i++, word += strlen(word) + 1)
		*(i < r->argc ? argv + i : envp + i - r->argc) = word;
	argv[r->argc] = envp[r->envc] = 0;
}

int main(void)
{
	struct sigaction action = {.sa_handler = out_of_patience};
	int wire = fcntl(0, F_DUPFD_CLOEXEC, 10);
	struct request r;

	if (wire < 0 || dup2(open("/dev/null", O_RDWR | O_CLOEXEC), 0) < 0 || dup2(0, 1) < 0)
		die("wire");
	sigaction(SIGALRM, &action, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (;;) {
		struct answer a = {0};

		whole(wire, &r, sizeof r);
		if (r.size > sizeof words || r.argc > 255 || r.envc > 255)
			return 1;
		whole(wire, words, r.size);
		spread(&r);
		if (r.kind == RUN)
			run(&a);
		else if (r.kind == TRACE)
			trace_apart(&a);
		else
			wait_for((pid_t)r.pid, &a);
		if (write(wire, &a, sizeof a) != sizeof a)
			return 1;
	}
}
