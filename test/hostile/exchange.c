/*
 * Swaps two names of a directory for each other for as long as it is let: a directory and a link that leads out, while the
 * engine works there. Says "swapping" when it has begun. Usage: exchange A B
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 3 || renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) != 0) {
		perror("exchange");
		return 1;
	}
	if (write(1, "swapping\n", 9) != 9)
		return 1;
	for (;;)
		renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE);
}
