/*
 * Starts init: clone3 with a shared address space, suspended parent (vfork) and a pidfd, on a stack of its own.
 *
 * The only native code inside Bun's process. JavaScript can never run in a forked Bun (its other threads are gone), so
 * the child does nothing but put the descriptors in place and execute init. Called by ffi/launch.ts, single-threaded.
 */
#include "syscall.h"

#define F_DUPFD_CLOEXEC 1030
#define O_CLOEXEC 02000000
#define CLONE_VM 0x100u
#define CLONE_PIDFD 0x1000u
#define CLONE_VFORK 0x4000u
#define EXIT_LAUNCH_FAILED 127
/* Above every descriptor the child ends up with: copies wait here while the low numbers are filled. */
#define FIRST_FREE 64
#define MAX_FDS 512
#define STACK_BYTES 16384

/* Layout mirrored in ffi/launch.ts; 56 bytes. */
struct launch {
	unsigned long flags;    /* 0: CLONE_NEW*, CLONE_INTO_CGROUP */
	const char *const *argv; /* 8 */
	const int *fds;         /* 16: child's n-th descriptor, or -1 for none */
	int fd_count;           /* 24 */
	int init_fd;            /* 28 */
	int cgroup_fd;          /* 32 */
	int pid;                /* 36: out */
	int pidfd;              /* 40: out */
	int error;              /* 44: out, errno of what the child could not do */
	unsigned long reserved; /* 48 */
};

/* struct clone_args, CLONE_ARGS_SIZE_VER2: 88 bytes. */
struct clone_args {
	unsigned long flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

static char stack[STACK_BYTES] __attribute__((aligned(16)));

/* Returns the pid in the parent; in the child, on the new stack, calls child(argument). */
long clone_onto(struct clone_args *args, unsigned long bytes, void (*child)(struct launch *), struct launch *argument)
	__attribute__((visibility("hidden")));

#if defined(__x86_64__)
__asm__(".text\n.hidden clone_onto\n.globl clone_onto\n.type clone_onto, @function\nclone_onto:\n"
	"\tmov %rcx, %r8\n\tmov $435, %eax\n\tsyscall\n\ttest %rax, %rax\n\tjz 1f\n\tret\n"
	"1:\txor %ebp, %ebp\n\tmov %r8, %rdi\n\tcall *%rdx\n\thlt\n");
#else
__asm__(".text\n.hidden clone_onto\n.globl clone_onto\n.type clone_onto, %function\nclone_onto:\n"
	"\tmov x8, #435\n\tsvc #0\n\tcbz x0, 1f\n\tret\n"
	"1:\tmov x29, #0\n\tmov x30, #0\n\tmov x0, x3\n\tblr x2\n\tbrk #0\n");
#endif

static void give_up(struct launch *launch, long result)
{
	launch->error = (int)-result;
	for (;;)
		SYS1(NR_exit_group, EXIT_LAUNCH_FAILED);
}

/* Own descriptor table by now (no CLONE_FILES), same memory as the suspended parent. */
static void child(struct launch *launch)
{
	static const char *const no_environment[] = { 0 };
	long copies[MAX_FDS + 1];
	int count = launch->fd_count;
	int first_free = count < FIRST_FREE ? FIRST_FREE : count + 1;

	for (int i = 0; i <= count; i++) {
		int fd = i == count ? launch->init_fd : launch->fds[i];

		copies[i] = fd < 0 ? -1 : SYS3(NR_fcntl, fd, F_DUPFD_CLOEXEC, first_free);
		if (fd >= 0 && copies[i] < 0)
			give_up(launch, copies[i]);
	}
	for (int i = 0; i <= count; i++) {
		long result = copies[i] < 0 ? SYS1(NR_close, i) : SYS3(NR_dup3, copies[i], i, i == count ? O_CLOEXEC : 0);

		if (copies[i] >= 0 && result < 0)
			give_up(launch, result);
	}
	long closed = SYS3(NR_close_range, count + 1, ~0u, 0);
	if (closed < 0)
		give_up(launch, closed);
	give_up(launch, SYS5(NR_execveat, count, "", launch->argv, no_environment, AT_EMPTY_PATH));
}

/* 0, or a negative errno: of clone3, or of the child before init ran (then pid and pidfd are set, to be reaped). */
__attribute__((visibility("default"))) int bocker_launch(struct launch *launch)
{
	int pidfd = -1;
	unsigned long all = ~0ul, before = 0;
	struct clone_args args = {
		.flags = launch->flags | CLONE_VM | CLONE_VFORK | CLONE_PIDFD,
		.pidfd = (unsigned long)&pidfd,
		.exit_signal = SIGCHLD,
		.stack = (unsigned long)stack,
		.stack_size = sizeof stack,
		.cgroup = (unsigned long)launch->cgroup_fd,
	};
	long pid;

	if (launch->fd_count < 0 || launch->fd_count > MAX_FDS)
		return -EINVAL;
	launch->error = 0;
	SYS4(NR_rt_sigprocmask, SIG_SETMASK, &all, &before, KERNEL_SIGSET_BYTES);
	pid = clone_onto(&args, sizeof args, child, launch);
	SYS4(NR_rt_sigprocmask, SIG_SETMASK, &before, 0, KERNEL_SIGSET_BYTES);
	if (pid < 0)
		return (int)pid;
	launch->pid = (int)pid;
	launch->pidfd = pidfd;
	return -launch->error;
}
