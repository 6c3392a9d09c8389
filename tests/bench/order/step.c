/* step OUT PROGRAM ARGUMENT...: runs PROGRAM one instruction at a time, and writes to OUT the address of each that it made.
 * Of the program alone: not of its children, and not of what lies above its fixed address. */
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char seen[1 << 24];

int main(int count, char **words)
{
	if (count < 3)
		return 2;
	pid_t pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execv(words[2], words + 2);
		_exit(127);
	}
	FILE *out = fopen(words[1], "w");
	int status, signal = 0;
	waitpid(pid, &status, 0);
	while (out && WIFSTOPPED(status)) {
		struct user_regs_struct at;
		ptrace(PTRACE_GETREGS, pid, 0, &at);
		if (at.rip < sizeof seen && !seen[at.rip]) {
			seen[at.rip] = 1;
			fprintf(out, "%llx\n", at.rip);
		}
		ptrace(PTRACE_SINGLESTEP, pid, 0, signal);
		if (waitpid(pid, &status, 0) != pid)
			break;
		signal = WIFSTOPPED(status) && WSTOPSIG(status) != 5 /* SIGTRAP */ ? WSTOPSIG(status) : 0;
	}
	if (!out || fclose(out) || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}
