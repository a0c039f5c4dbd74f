/*
 * System calls without a C library, and the few numbers init and launch make by themselves; all others are on tape.
 */
#ifndef BOCKER_SYSCALL_H
#define BOCKER_SYSCALL_H

#if defined(__x86_64__)
enum {
	NR_read = 0, NR_write = 1, NR_lseek = 8, NR_mmap = 9, NR_rt_sigaction = 13, NR_rt_sigprocmask = 14,
	NR_ioctl = 16, NR_getpid = 39, NR_clone = 56, NR_execve = 59, NR_wait4 = 61, NR_kill = 62, NR_fcntl = 72,
	NR_getcwd = 79, NR_fstatfs = 138, NR_statx = 332, NR_setpgid = 109, NR_rt_sigtimedwait = 128, NR_prctl = 157, NR_exit_group = 231, NR_openat = 257,
	NR_faccessat = 269, NR_dup3 = 292, NR_execveat = 322, NR_clone3 = 435, NR_close_range = 436, NR_close = 3,
};

static inline long syscall6(long number, long a, long b, long c, long d, long e, long f)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
enum {
	NR_dup3 = 24, NR_fcntl = 25, NR_ioctl = 29, NR_faccessat = 48, NR_openat = 56, NR_close = 57, NR_lseek = 62,
	NR_read = 63, NR_write = 64, NR_exit_group = 94, NR_kill = 129, NR_rt_sigaction = 134,
	NR_rt_sigprocmask = 135, NR_rt_sigtimedwait = 137, NR_setpgid = 154, NR_prctl = 167, NR_getpid = 172, NR_clone = 220,
	NR_execve = 221, NR_mmap = 222, NR_wait4 = 260, NR_execveat = 281, NR_getcwd = 17, NR_clone3 = 435,
	NR_close_range = 436, NR_fstatfs = 44, NR_statx = 291,
};

static inline long syscall6(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;
	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#else
#error "bocker runs on x86-64 and arm64"
#endif

#define SYS0(n) syscall6(n, 0, 0, 0, 0, 0, 0)
#define SYS1(n, a) syscall6(n, (long)(a), 0, 0, 0, 0, 0)
#define SYS2(n, a, b) syscall6(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS3(n, a, b, c) syscall6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS4(n, a, b, c, d) syscall6(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS5(n, a, b, c, d, e) syscall6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

#define EPERM 1
#define ENOENT 2
#define EINTR 4
#define EACCES 13
#define ENOTDIR 20
#define EXDEV 18
#define EISDIR 21
#define EINVAL 22
#define ENOTTY 25

#define SIG_BLOCK 0
#define SIG_SETMASK 2
#define SIGCHLD 17
#define KERNEL_SIGSET_BYTES 8
#define LAST_SIGNAL 64

#define AT_FDCWD -100
#define AT_EMPTY_PATH 0x1000

#endif
