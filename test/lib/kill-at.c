/*
 * kill-at ROLE N [-p PID] -- COMMAND [ARG...]
 *
 * Runs a command and kills one process of it with SIGKILL as it enters its N-th system call that leaves a trace outside
 * its own memory. Roles: "cli" is the command itself, "monitor" what it starts with "monitor" as first argument (or
 * -p PID, one that runs already), "init" what executes itself from a memfd. N = 0 kills nobody and prints how many
 * such calls each role made. Ends with the command's status; when a monitor
 * is to be killed, or calls are counted, not before the PID that was given has ended.
 *
 * See ptrace(2), "The PTRACE_SEIZE" parts. Tracees that still run at the end are let go by the kernel.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum role { CLI, MONITOR, INIT, OTHER, ROLES };
static const char *const role_names[] = {"cli", "monitor", "init", "other"};

#define MAX_PID 4194305
static uint8_t role_of[MAX_PID]; /* role + 1 of each task; 0: not met yet */
static long made[ROLES];
static enum role target = OTHER;
static long wanted;
static int killed;

#define OPTIONS                                                                                     \
  (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
   PTRACE_O_TRACEEXEC)

static void fail(const char *what) {
  perror(what);
  exit(99);
}

/* What others can see of this process changes by it: files, mounts, processes, messages. */
static int leaves_trace(const struct __ptrace_syscall_info *info) {
  switch (info->entry.nr) {
  case SYS_openat:
    return (info->entry.args[2] & O_CREAT) != 0;
  case SYS_write: case SYS_pwrite64: case SYS_sendto: case SYS_sendmsg: case SYS_ftruncate:
  case SYS_clone3: case SYS_execve: case SYS_execveat: case SYS_exit_group: case SYS_kill:
  case SYS_pidfd_send_signal: case SYS_mkdirat: case SYS_renameat: case SYS_renameat2: case SYS_unlinkat:
  case SYS_symlinkat: case SYS_linkat: case SYS_mknodat: case SYS_fchownat: case SYS_fchmodat:
  case SYS_bind: case SYS_listen: case SYS_connect: case SYS_setns: case SYS_unshare: case SYS_mount:
  case SYS_umount2: case SYS_pivot_root: case SYS_fsmount: case SYS_fsopen: case SYS_move_mount:
  case SYS_open_tree: case SYS_mount_setattr: case SYS_memfd_create: case SYS_flock:
#ifdef SYS_mkdir
  case SYS_mkdir: case SYS_rename: case SYS_rmdir: case SYS_unlink: case SYS_symlink: case SYS_link:
  case SYS_mknod: case SYS_chown: case SYS_chmod: case SYS_vfork: case SYS_fork:
#endif
    return 1;
  default:
    return 0;
  }
}

static pid_t group_of(pid_t task) {
  char path[64], line[128];
  long group = task;
  snprintf(path, sizeof path, "/proc/%d/status", task);
  FILE *file = fopen(path, "r");
  if (file == NULL) return task;
  while (fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "Tgid: %ld", &group) == 1) break;
  fclose(file);
  return (pid_t)group;
}

/* By what it executes now. */
static enum role classify(pid_t pid, enum role before) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  ssize_t length = readlink(path, text, sizeof text - 1);
  if (length > 0) {
    text[length] = '\0';
    if (strstr(text, "memfd:") != NULL) return INIT;
    if (strstr(text, "bocker") == NULL) return OTHER;
  }
  snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  text[length > 0 ? length : 0] = '\0';
  const char *first = text + strlen(text) + 1;
  if (first < text + length && strcmp(first, "monitor") == 0) return MONITOR;
  return before == CLI ? CLI : OTHER;
}

static void go_on(pid_t pid, int signal) {
  enum role role = role_of[pid] - 1;
  int all = wanted == 0 || (role == target && !killed);
  ptrace(all && role != OTHER ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, signal);
}

static void at_syscall(pid_t pid) {
  struct __ptrace_syscall_info info;
  enum role role = role_of[pid] - 1;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) return;
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !leaves_trace(&info)) return;
  made[role]++;
  if (role != target || made[role] != wanted) return;
  killed = 1;
  fprintf(stderr, "kill-at: %s before system call %llu\n", role_names[role], (unsigned long long)info.entry.nr);
  kill(group_of(pid), SIGKILL);
}

static void at_stop(pid_t pid, int status) {
  int signal = WSTOPSIG(status), event = status >> 16;
  unsigned long message = 0;
  if (role_of[pid] == 0) role_of[pid] = OTHER + 1;
  if (signal == (SIGTRAP | 0x80)) {
    at_syscall(pid);
    signal = 0;
  } else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
    if (message > 0 && message < MAX_PID) role_of[message] = role_of[pid];
    signal = 0;
  } else if (event == PTRACE_EVENT_EXEC) {
    role_of[pid] = classify(pid, role_of[pid] - 1) + 1;
    signal = 0;
  } else if (event == PTRACE_EVENT_STOP) {
    if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
      ptrace(PTRACE_LISTEN, pid, 0, 0);
      return;
    }
    signal = 0;
  }
  go_on(pid, signal);
}

/* Every thread of a process that runs; its system calls are seen from the next one on. */
static void seize(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *tasks = opendir(path);
  if (tasks == NULL) fail(path);
  for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
    pid_t task = atoi(entry->d_name);
    if (task <= 0) continue;
    role_of[task] = MONITOR + 1;
    if (ptrace(PTRACE_SEIZE, task, 0, OPTIONS) != 0) fail("PTRACE_SEIZE of a monitor");
    ptrace(PTRACE_INTERRUPT, task, 0, 0);
  }
  closedir(tasks);
}

static pid_t start(char **argv) {
  pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    raise(SIGSTOP);
    execvp(argv[0], argv);
    fail(argv[0]);
  }
  if (waitpid(pid, NULL, WUNTRACED) < 0) fail("waitpid");
  role_of[pid] = CLI + 1;
  if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) != 0) fail("PTRACE_SEIZE");
  kill(pid, SIGCONT);
  return pid;
}

int main(int argc, char **argv) {
  int at = 3, result = 99;
  pid_t monitor = 0;
  if (argc < 5) return 99;
  for (int role = CLI; role < OTHER; role++)
    if (strcmp(argv[1], role_names[role]) == 0) target = role;
  wanted = atol(argv[2]);
  if (strcmp(argv[at], "-p") == 0) {
    monitor = atoi(argv[at + 1]);
    at += 2;
    seize(monitor);
  }
  pid_t cli = start(argv + at + 1);
  for (int status; cli != 0 || monitor != 0;) {
    pid_t pid = waitpid(-1, &status, __WALL);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) break;
    if (WIFSTOPPED(status)) {
      at_stop(pid, status);
      continue;
    }
    role_of[pid] = 0;
    if (pid == monitor) monitor = 0;
    if (pid != cli) continue;
    cli = 0;
    /* Its end is a step of the count, and of what may be killed; a monitor that nobody has asked to stop stays. */
    if (wanted != 0 && (killed || target != MONITOR)) monitor = 0;
    result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  if (wanted == 0) fprintf(stderr, "kill-at: cli %ld monitor %ld init %ld\n", made[CLI], made[MONITOR], made[INIT]);
  return result;
}
