/* Debian's crun 1.8 raises RLIMIT_MEMLOCK before it loads its device program, which needs
 * CAP_SYS_RESOURCE and which kernels since 5.11 no longer ask for. Preloaded where that capability
 * is missing, this swallows that one call. */
#define _GNU_SOURCE
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	if (resource == RLIMIT_MEMLOCK)
		return 0;
	return (int)syscall(SYS_prlimit64, 0, resource, limit, 0);
}
