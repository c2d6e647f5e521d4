/* A disk that goes bad on command, for the programs that are started with this in LD_PRELOAD. Only files below
 * $CHAOS_DISK_FOLDER are concerned; what happens to them says the first byte of the file $CHAOS_DISK_SWITCH:
 *   w  well
 *   f  fsync fails (EIO)
 *   n  nothing more can be written: no space (ENOSPC)
 *   r  nothing more can be written: read-only (EROFS)
 *   s  fsync takes its time
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static volatile const char *state;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CHAOS_DISK_SWITCH");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *mapped = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED) state = mapped;
    close(fd);
}

static int concerns(int fd) {
    char link[64], path[4096];
    const char *folder = getenv("CHAOS_DISK_FOLDER");
    if (!folder) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strncmp(path, folder, strlen(folder)) == 0;
}

static char now(int fd) {
    char is = state ? *state : 'w';
    return is == 'w' || !concerns(fd) ? 'w' : is;
}

static int sync_fails(int fd) {
    switch (now(fd)) {
    case 'f':
        errno = EIO;
        return 1;
    case 's': {
        struct timespec wait = {0, 700 * 1000 * 1000};
        nanosleep(&wait, NULL);
        return 0;
    }
    default:
        return 0;
    }
}

static int write_fails(int fd) {
    switch (now(fd)) {
    case 'n':
        errno = ENOSPC;
        return 1;
    case 'r':
        errno = EROFS;
        return 1;
    default:
        return 0;
    }
}

typedef int (*sync_call)(int);
typedef ssize_t (*write_call)(int, const void *, size_t);
typedef ssize_t (*pwrite_call)(int, const void *, size_t, off_t);

#define REAL(type, name)      \
    static type real = NULL;  \
    if (!real) real = (type)dlsym(RTLD_NEXT, name)

int fsync(int fd) {
    REAL(sync_call, "fsync");
    return sync_fails(fd) ? -1 : real(fd);
}

int fdatasync(int fd) {
    REAL(sync_call, "fdatasync");
    return sync_fails(fd) ? -1 : real(fd);
}

ssize_t write(int fd, const void *from, size_t length) {
    REAL(write_call, "write");
    return write_fails(fd) ? -1 : real(fd, from, length);
}

ssize_t pwrite(int fd, const void *from, size_t length, off_t at) {
    REAL(pwrite_call, "pwrite");
    return write_fails(fd) ? -1 : real(fd, from, length, at);
}

ssize_t pwrite64(int fd, const void *from, size_t length, off_t at) {
    REAL(pwrite_call, "pwrite64");
    return write_fails(fd) ? -1 : real(fd, from, length, at);
}
