/* Stands before Debian's crun 1.8 on machines where it could not run under Docker, for a race only:
 *  - without CAP_SYS_RESOURCE: a library swallows its raising of a limit that it believes to need;
 *  - without the io controller: Docker asks for a block weight of zero, which means nothing, and
 *    which crun takes for a wish. The key in config.json gets a name that nobody knows.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void hide_block_weight(const char *bundle)
{
	static char text[1 << 20];
	static const char zero[] = "\"blockIO\":{\"weight\":0}";
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/config.json", bundle);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t length = read(fd, text, sizeof text);
	char *found = length > 0 ? memmem(text, (size_t)length, zero, sizeof zero - 1) : NULL;
	if (found && pwrite(fd, "x", 1, found - text + 1) != 1)
		perror(path);
	close(fd);
}

int main(int count, char **words)
{
	for (int at = 1; at + 1 < count; at++)
		if (strcmp(words[at], "--bundle") == 0)
			hide_block_weight(words[at + 1]);
	setenv("LD_PRELOAD", "/run/bin/no_memlock.so", 1);
	execv("/usr/bin/crun", words);
	perror("/usr/bin/crun");
	return 127;
}
