/*
 * Lies in wait for processes that come into its container, and takes what it can of each before they are ordinary ones:
 * the file they run, their descriptors, root and working directory, their memory. Prints each thing it got hold of once:
 *
 *   exe TARGET      /proc/PID/exe could be read          write TARGET    … and opened for writing, and is not sealed
 *   fd TARGET       one of their descriptors              root TARGET     their root or working directory
 *   seized TARGET   a debugger is attached to one that runs this file
 *
 * Its own children and itself are left out. Says "watching" when it has begun.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static char said[4096][256];
static int count;

static void say(const char *what, const char *target)
{
	char line[256];

	snprintf(line, sizeof line, "%s %s", what, target);
	for (int i = 0; i < count; i++)
		if (strcmp(said[i], line) == 0)
			return;
	if (count < 4096)
		strcpy(said[count++], line);
	printf("%s\n", line);
	fflush(stdout);
}

static int look(const char *what, const char *path)
{
	char target[128];
	ssize_t length = readlink(path, target, sizeof target - 1);

	if (length < 0)
		return 0;
	target[length] = 0;
	say(what, target);
	return 1;
}

/* A sealed copy can be opened for writing once nobody runs it any more, and not be written. */
static int is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_WRITE);
}

static void try_write(const char *path)
{
	int held = open(path, O_PATH);
	char again[64];

	if (held < 0)
		return;
	snprintf(again, sizeof again, "/proc/self/fd/%d", held);
	for (int flags = O_WRONLY; flags <= O_RDWR; flags++) {
		int fd = open(again, flags);

		if (fd >= 0) {
			if (!is_sealed(fd))
				look("write", again);
			close(fd);
		}
	}
	close(held);
}

static void take_descriptors(const char *pid)
{
	char path[512];
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof path, "/proc/%s/fd", pid);
	directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		snprintf(path, sizeof path, "/proc/%s/fd/%s", pid, entry->d_name);
		if (isdigit(entry->d_name[0]))
			look("fd", path);
	}
	if (directory)
		closedir(directory);
}

static void take(const char *pid, int seize)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%s/exe", pid);
	if (look("exe", path))
		try_write(path);
	snprintf(path, sizeof path, "/proc/%s/root", pid);
	look("root", path);
	snprintf(path, sizeof path, "/proc/%s/cwd", pid);
	look("root", path);
	take_descriptors(pid);
	if (seize && ptrace(PTRACE_SEIZE, atoi(pid), 0, 0) == 0) {
		snprintf(path, sizeof path, "/proc/%s/exe", pid);
		look("seized", path);
		/* Only one that has stopped lets itself be left; one that has ended is its tracer's to wait for. */
		ptrace(PTRACE_INTERRUPT, atoi(pid), 0, 0);
		waitpid(atoi(pid), NULL, __WALL);
		ptrace(PTRACE_DETACH, atoi(pid), 0, 0);
	}
}

int main(int argc, char **argv)
{
	int seize = argc > 1 && strcmp(argv[1], "seize") == 0;
	struct dirent *entry;

	printf("watching\n");
	fflush(stdout);
	for (;;) {
		DIR *proc = opendir("/proc");

		while (proc && (entry = readdir(proc)))
			if (isdigit(entry->d_name[0]) && atoi(entry->d_name) != getpid() && atoi(entry->d_name) != 1)
				take(entry->d_name, seize);
		if (proc)
			closedir(proc);
	}
}
