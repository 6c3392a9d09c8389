/* What the long-lived containers of the race run: it waits until it is killed. */
#include <unistd.h>

int main(void)
{
	for (;;)
		pause();
}
