/*
 * The child between clone3 and execve: makes the system calls of a tape, one by one.
 *
 * Freestanding: no libc, no heap, no threads. It decides nothing: what to call, in which order, and which errors count
 * as done is on the tape (src/launch/plan.ts argues why it is safe). The first call that fails is reported on the
 * status pipe and ends the process. Runs from a sealed memfd, so nothing reachable as /proc/self/exe can be written.
 */
#include "syscall.h"
#include "tape.h"

#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_PRIVATE 2
#define SEEK_END 2
#define X_OK 1
#define O_DIRECTORY_OR_PATH_CLOEXEC (010000000 | 02000000)
#if defined(__aarch64__)
#define O_DIRECTORY 040000
#else
#define O_DIRECTORY 0200000
#endif
#define CLONE_PARENT 0x8000
#define PR_CAPBSET_DROP 24
#define TIOCSPGRP 0x5410
#define WNOHANG 1
#define EXIT_INIT_FAILED 127
#define PROC_SUPER_MAGIC 0x9fa0
#define STATX_TYPE 1
#define S_IFMT 0170000
#define S_IFCHR 0020000
#define PATH_MAX 4096

static int slots[SLOTS];
static int status_fd = FD_STATUS;
static int go_fd = FD_GO;
static char cwd[PATH_MAX];

static void die(int code)
{
	for (;;)
		SYS1(NR_exit_group, code);
}

static long tell(u32 kind, u32 index, int error, int detail)
{
	struct status_record record = { kind, index, error, detail };

	return SYS3(NR_write, status_fd, &record, sizeof record);
}

static void fail(u32 index, long result, int detail)
{
	tell(STATUS_FAILED, index, (int)-result, detail);
	die(EXIT_INIT_FAILED);
}

/* The engine's ignored signals and its mask would otherwise be the container's. */
static void reset_signals(void)
{
	u64 action[4] = { 0, 0, 0, 0 };
	u64 none = 0;

	for (int signal = 1; signal <= LAST_SIGNAL; signal++)
		SYS4(NR_rt_sigaction, signal, action, 0, KERNEL_SIGSET_BYTES);
	SYS4(NR_rt_sigprocmask, SIG_SETMASK, &none, 0, KERNEL_SIGSET_BYTES);
}

static char *map_tape(void)
{
	long bytes = SYS3(NR_lseek, FD_TAPE, 0, SEEK_END);
	long address = syscall6(NR_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, FD_TAPE, 0);

	if (bytes < (long)sizeof(struct tape_header) || (address < 0 && address > -4096))
		die(EXIT_INIT_FAILED);
	return (char *)address;
}

static void relocate(char *blob, const u32 *offsets, u32 count)
{
	for (u32 i = 0; i < count; i++)
		*(u64 *)(blob + offsets[i]) += (u64)blob;
}

static int is_ignored(const struct tape_op *op, long error)
{
	for (unsigned i = 0; i < sizeof op->ignore && op->ignore[i] != 0; i++)
		if (op->ignore[i] == error)
			return 1;
	return 0;
}

/* A skipped operation leaves -1, and whoever uses that is skipped in turn. */
static void make_call(char *blob, const struct tape_op *op, u32 index)
{
	long args[6];
	long result;

	if (op->keep != NO_SLOT)
		slots[op->keep] = -1;
	if (op->unless != NO_SLOT && slots[op->unless] >= 0)
		return;
	for (int i = 0; i < 6; i++) {
		args[i] = (long)op->args[i];
		if (op->pointer_mask & (1 << i))
			args[i] += (long)blob;
		if (op->slot_mask & (1 << i)) {
			args[i] = slots[args[i]];
			if (args[i] < 0)
				return;
		}
	}
	do
		result = syscall6(op->number, args[0], args[1], args[2], args[3], args[4], args[5]);
	while (result == -EINTR);
	if (result < 0 && result > -4096) {
		if (!is_ignored(op, -result))
			fail(index, result, -1);
		return;
	}
	if (op->keep != NO_SLOT)
		slots[op->keep] = (int)result;
}

/* The child goes on with the tape; this process has done its part. */
static void go_on_in_child(u32 index)
{
	long pid = SYS5(NR_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);

	if (pid < 0)
		fail(index, pid, -1);
	if (pid == 0)
		return;
	tell(STATUS_FORKED, index, 0, (int)pid);
	die(0);
}

static void wait_for_go(void)
{
	char byte;
	long got;

	do
		got = SYS3(NR_read, go_fd, &byte, 1);
	while (got == -EINTR);
	if (got != 1)
		die(EXIT_INIT_FAILED);
}

/* CAP_SETPCAP is asked for once; a capability the kernel does not know (EINVAL) is not there to be dropped. */
static void drop_from_bounding_set(u64 mask, u32 index)
{
	for (int bit = 0; bit < 64; bit++) {
		long result = mask >> bit & 1 ? SYS2(NR_prctl, PR_CAPBSET_DROP, bit) : 0;

		if (result < 0 && result != -EINVAL)
			fail(index, result, bit);
	}
}

/* A directory outside the root has a path that starts with "(unreachable)" (getcwd(2)). */
static void verify_cwd(u32 index)
{
	long got = SYS2(NR_getcwd, cwd, sizeof cwd);

	if (got < 0)
		fail(index, got, -1);
	if (cwd[0] != '/')
		fail(index, -EPERM, -1);
}

/*
 * What execve's error means for the search: 0 goes on with the next candidate. ENOENT of a file that is there is a
 * missing interpreter, EACCES of a directory is EISDIR; a search by PATH passes over what cannot be executed.
 */
static long judge(const char *path, long result, int only_candidate)
{
	if (result == -ENOENT || result == -ENOTDIR)
		return SYS3(NR_faccessat, AT_FDCWD, path, X_OK) == 0 ? result : 0;
	if (result == -EACCES) {
		long fd = SYS4(NR_openat, AT_FDCWD, path, O_DIRECTORY_OR_PATH_CLOEXEC | O_DIRECTORY, 0);

		if (!only_candidate)
			return 0;
		return fd >= 0 ? -EISDIR : -EACCES;
	}
	return result;
}

static void execute(u32 index, char *const *candidates, long argv, long envp)
{
	long result = -ENOENT;

	for (int i = 0; candidates[i] != 0; i++) {
		result = SYS3(NR_execve, candidates[i], argv, envp);
		if (judge(candidates[i], result, candidates[1] == 0) != 0)
			fail(index, judge(candidates[i], result, candidates[1] == 0), i);
	}
	fail(index, candidates[0] != 0 && candidates[1] == 0 ? result : -ENOENT, -1);
}

/* What execve would fail for later, as far as that can be known without it: a search by PATH takes the first that can be. */
static void find(u32 index, char *const *candidates)
{
	for (int i = 0; candidates[i] != 0; i++) {
		long result = SYS3(NR_faccessat, AT_FDCWD, candidates[i], X_OK);

		if (result == 0) {
			long fd = SYS4(NR_openat, AT_FDCWD, candidates[i], O_DIRECTORY_OR_PATH_CLOEXEC | O_DIRECTORY, 0);

			if (fd < 0)
				return;
			SYS1(NR_close, fd);
			result = -EISDIR;
		}
		if (candidates[0] != 0 && candidates[1] == 0)
			fail(index, result, result == -ENOENT || result == -ENOTDIR ? -1 : i);
	}
	fail(index, -ENOENT, -1);
}

static int exit_code_of(int status)
{
	int signal = status & 0x7f;

	return signal == 0 ? (status >> 8) & 0xff : 128 + signal;
}

/* Reaps whatever has ended; ends this process, and with it the pid namespace, when the command has. */
static void reap(long command)
{
	for (;;) {
		int status = 0;
		long pid = SYS4(NR_wait4, -1, &status, WNOHANG, 0);

		if (pid == command)
			die(exit_code_of(status));
		if (pid <= 0)
			return;
	}
}

/* PID 1 of `--init`: the command gets a process group of its own and the terminal, and every signal sent here. */
static void stay_as_init(u32 index, char *const *candidates, long argv, long envp)
{
	u64 all = ~0ul;
	u64 none = 0;
	long command;

	SYS4(NR_rt_sigprocmask, SIG_BLOCK, &all, 0, KERNEL_SIGSET_BYTES);
	command = SYS5(NR_clone, SIGCHLD, 0, 0, 0, 0);
	if (command < 0)
		fail(index, command, -1);
	if (command == 0) {
		int group = (int)SYS0(NR_getpid);

		SYS2(NR_setpgid, 0, 0);
		SYS3(NR_ioctl, 0, TIOCSPGRP, &group);
		SYS4(NR_rt_sigprocmask, SIG_SETMASK, &none, 0, KERNEL_SIGSET_BYTES);
		execute(index, candidates, argv, envp);
	}
	SYS3(NR_close_range, FD_TAPE, ~0u, 0);
	for (;;) {
		long signal = SYS4(NR_rt_sigtimedwait, &all, 0, 0, KERNEL_SIGSET_BYTES);

		if (signal == SIGCHLD)
			reap(command);
		else if (signal > 0)
			SYS2(NR_kill, command, signal);
	}
}

/* An argument of init's own operations: a number, or what a slot holds. */
static int value(const struct tape_op *op, int argument)
{
	return op->slot_mask & (1 << argument) ? slots[op->args[argument]] : (int)op->args[argument];
}

/* struct statfs starts with f_type, a word; 120 bytes. */
static void verify_outside_proc(int fd, u32 index)
{
	u64 statfs[15];
	long result = SYS2(NR_fstatfs, fd, statfs);

	if (result == 0 && statfs[0] == PROC_SUPER_MAGIC)
		result = -EXDEV;
	if (result != 0)
		fail(index, result, -1);
}

/* struct statx: stx_mode @28, stx_rdev_major @128, stx_rdev_minor @132; 256 bytes. /dev/null is 1:3. */
static void verify_null_device(int fd, u32 index)
{
	u32 statx[64];
	long result = SYS5(NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, statx);

	if (result == 0 && ((statx[7] & S_IFMT) != S_IFCHR || statx[32] != 1 || statx[33] != 3))
		result = -ENOTTY;
	if (result != 0)
		fail(index, result, -1);
}

/* A descriptor that was skipped has nothing to verify. */
static void verify_fd(int fd, u32 fact, u32 index)
{
	if (fd < 0)
		return;
	if (fact == FACT_OUTSIDE_PROC)
		verify_outside_proc(fd, index);
	else
		verify_null_device(fd, index);
}

static void run(char *blob, const struct tape_op *op, u32 index)
{
	switch (op->kind) {
	case KIND_FORK:
		go_on_in_child(index);
		break;
	case KIND_WAIT:
		wait_for_go();
		break;
	case KIND_VERIFY_CWD:
		verify_cwd(index);
		break;
	case KIND_REPORT:
		/* Nobody listens: the engine died, and PID 1 is not killed by SIGPIPE. */
		if (tell(op->args[0], index, 0, value(op, 1)) < 0)
			die(EXIT_INIT_FAILED);
		break;
	case KIND_REWIRE:
		status_fd = value(op, 0);
		go_fd = value(op, 1);
		break;
	case KIND_FIND:
		find(index, (char *const *)(blob + op->args[0]));
		break;
	case KIND_VERIFY_FD:
		verify_fd(value(op, 0), (u32)op->args[1], index);
		break;
	case KIND_COPY:
		for (u64 i = 0; i < op->args[2]; i++)
			blob[op->args[1] + op->args[4] + i] = blob[op->args[0] + op->args[3] + i];
		break;
	case KIND_DROP:
		drop_from_bounding_set(*(u64 *)(blob + op->args[0]), index);
		break;
	case KIND_EXECVE: {
		char *const *candidates = (char *const *)(blob + op->args[0]);
		long argv = (long)(blob + op->args[1]);
		long envp = (long)(blob + op->args[2]);

		if (op->args[3] != 0)
			stay_as_init(index, candidates, argv, envp);
		execute(index, candidates, argv, envp);
		break;
	}
	default:
		make_call(blob, op, index);
	}
}

__attribute__((noreturn, used)) void init_main(void)
{
	char *tape, *blob;
	const struct tape_header *header;
	const struct tape_op *operations;

	reset_signals();
	tape = map_tape();
	header = (const struct tape_header *)tape;
	if (header->magic != TAPE_MAGIC)
		die(EXIT_INIT_FAILED);
	operations = (const struct tape_op *)(header + 1);
	blob = tape + header->blob_offset;
	relocate(blob, (const u32 *)(operations + header->operation_count), header->relocation_count);
	for (u32 index = 0; index < header->operation_count; index++)
		run(blob, &operations[index], index);
	die(EXIT_INIT_FAILED);
	__builtin_unreachable();
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tand $-16, %rsp\n\tcall init_main\n");
#else
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tb init_main\n");
#endif
