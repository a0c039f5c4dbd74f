/*
 * Preloaded: plays the process that makes a file right after this one found none there. `open(2)` for writing of the path
 * in OPEN_RACE that fails with ENOENT still fails so, and leaves the empty file behind.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*open_function)(const char *, int, ...);

static int open_and_race(const char *name, const char *path, int flags, mode_t mode) {
  open_function real = (open_function)dlsym(RTLD_NEXT, name);
  int fd = real(path, flags, mode);
  const char *raced = getenv("OPEN_RACE");
  if (fd >= 0 || errno != ENOENT || (flags & O_ACCMODE) == O_RDONLY || raced == NULL) return fd;
  if (strcmp(path, raced) != 0) return fd;
  close(real(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  errno = ENOENT;
  return fd;
}

#define WRAP(name)                                              \
  int name(const char *path, int flags, ...) {                  \
    va_list rest;                                               \
    va_start(rest, flags);                                      \
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;   \
    va_end(rest);                                               \
    return open_and_race(#name, path, flags, mode);             \
  }

WRAP(open)
WRAP(open64)
