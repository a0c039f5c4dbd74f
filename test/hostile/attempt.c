/*
 * Asks the kernel for what a container is not to get, and prints each answer: `NAME ok` or `NAME EPERM`.
 * Usage: attempt NAME…
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int open_node(const char *path, mode_t type, dev_t device)
{
	unlink(path);
	if (mknod(path, type | 0600, device) != 0)
		return -1;
	return open(path, O_RDWR | O_NONBLOCK);
}

/* The disk that the root file system of the machine is on, or any: number 254:0, 8:0 and 259:0. */
static int open_disk(void)
{
	int fd = open_node("/tmp/disk", S_IFBLK, makedev(254, 0));

	if (fd < 0 && (errno == ENXIO || errno == ENODEV))
		fd = open_node("/tmp/disk", S_IFBLK, makedev(8, 0));
	return fd;
}

static int push_input(const char *tty)
{
	int fd = tty == NULL ? 0 : open(tty, O_RDWR);

	if (fd < 0)
		return -1;
	for (const char *c = "echo pushed\n"; *c; c++)
		if (ioctl(fd, TIOCSTI, c) != 0)
			return -1;
	return 0;
}

/* Line of /proc/self/status that says what this process may do. */
static int effective_set(void)
{
	char line[256];
	FILE *status = fopen("/proc/self/status", "r");

	while (status && fgets(line, sizeof line, status))
		if (strncmp(line, "CapEff:", 7) == 0)
			printf("CapEff %s", line + 8);
	return 0;
}

/* The session keyring of who started the engine has other keys than ours: its name is what we can see. */
static int session_keyring(void)
{
	char text[256];
	long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);

	if (id < 0 || syscall(SYS_keyctl, KEYCTL_DESCRIBE, id, text, sizeof text) < 0)
		return -1;
	printf("keyring %s\n", text);
	return 0;
}

static int handle_of_host_root(void)
{
	struct {
		struct file_handle head;
		unsigned inode, generation;
	} handle = { { .handle_bytes = 8, .handle_type = 1 }, 2, 0 };
	int mount = open("/etc/hostname", O_RDONLY);

	return (int)syscall(SYS_open_by_handle_at, mount, &handle, O_RDONLY);
}

static int attempt(const char *name)
{
	char byte = 0;

	if (strcmp(name, "disk") == 0)
		return open_disk();
	if (strcmp(name, "mem") == 0)
		return open_node("/tmp/mem", S_IFCHR, makedev(1, 1));
	if (strcmp(name, "kmsg") == 0)
		return open_node("/tmp/kmsg", S_IFCHR, makedev(1, 11));
	if (strcmp(name, "mount-proc") == 0)
		return mount("proc", "/proc", "proc", 0, NULL);
	if (strcmp(name, "bind-over-proc") == 0)
		return mount("/tmp", "/proc/sys", NULL, MS_BIND, NULL);
	if (strcmp(name, "remount-sysctl") == 0)
		return mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL);
	if (strcmp(name, "uncover-mask") == 0)
		return umount2("/proc/timer_list", MNT_DETACH);
	if (strcmp(name, "fsopen") == 0)
		return (int)syscall(SYS_fsopen, "proc", 0);
	if (strcmp(name, "open_tree") == 0)
		return (int)syscall(SYS_open_tree, AT_FDCWD, "/", 1);
	if (strcmp(name, "user-namespace") == 0)
		return unshare(CLONE_NEWUSER);
	if (strcmp(name, "mount-namespace") == 0)
		return unshare(CLONE_NEWNS);
	if (strcmp(name, "cgroup-namespace") == 0)
		return unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP);
	if (strcmp(name, "setns") == 0)
		return setns(open("/proc/1/ns/mnt", O_RDONLY), 0);
	if (strcmp(name, "bpf") == 0)
		return (int)syscall(SYS_bpf, 0, NULL, 0);
	if (strcmp(name, "module") == 0)
		return (int)syscall(SYS_init_module, &byte, 1, "");
	if (strcmp(name, "kexec") == 0)
		return (int)syscall(SYS_kexec_load, 0, 0, NULL, 0);
	if (strcmp(name, "handle") == 0)
		return handle_of_host_root();
	if (strcmp(name, "add-key") == 0)
		return (int)syscall(SYS_add_key, "user", "bocker-test", "x", 1, KEY_SPEC_USER_KEYRING);
	if (strcmp(name, "request-key") == 0)
		return (int)syscall(SYS_request_key, "user", "bocker-test", NULL, 0);
	if (strcmp(name, "keyring") == 0)
		return session_keyring();
	if (strcmp(name, "tiocsti") == 0)
		return push_input(NULL);
	if (strcmp(name, "tiocsti-tty") == 0)
		return push_input("/dev/tty");
	if (strcmp(name, "kernel-log") == 0)
		return klogctl(10, NULL, 0);
	if (strcmp(name, "settime") == 0)
		return (int)syscall(SYS_settimeofday, NULL, NULL);
	if (strcmp(name, "swapoff") == 0)
		return swapoff("/dev/none");
	if (strcmp(name, "io_uring") == 0)
		return (int)syscall(SYS_io_uring_setup, 0, NULL);
	if (strcmp(name, "userfaultfd") == 0)
		return (int)syscall(SYS_userfaultfd, 0);
	if (strcmp(name, "root") == 0)
		return geteuid() == 0 ? 0 : (errno = EPERM, -1);
	if (strcmp(name, "effective") == 0)
		return effective_set();
	if (strcmp(name, "ambient") == 0)
		return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 10, 0, 0);
	errno = EINVAL;
	return -1;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		errno = 0;
		if (attempt(argv[i]) >= 0)
			printf("%s ok\n", argv[i]);
		else
			printf("%s %s\n", argv[i], strerrorname_np(errno));
	}
	return 0;
}
