/*
 * Stands between a process and its disk (LD_PRELOAD). Looks at files under $SHIM_EVIDENCE and at connections to port
 * $SHIM_PLC, tells of both in $SHIM_TRACE, a line each in the order they happened, and does to the disk what the
 * one word in the file $SHIM_FAULT says, for as long as it says so:
 *   write   every write fails with ENOSPC        sync   every fdatasync fails with EIO
 *   hold    fdatasync does not come back         lie    fdatasync does nothing and says that it did
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHOWN_BYTES_MOST 16384

static void tell(const char *what, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    char line[32 + 2 * SHOWN_BYTES_MOST];
    const char *path = getenv("SHIM_TRACE");
    if (path == NULL)
        return;
    size_t at = (size_t)snprintf(line, 32, "%s ", what);
    for (size_t n = 0; n < length && n < SHOWN_BYTES_MOST; n++) {
        line[at++] = digits[bytes[n] >> 4];
        line[at++] = digits[bytes[n] & 15];
    }
    line[at++] = '\n';
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (file < 0)
        return;
    syscall(SYS_write, file, line, at);
    syscall(SYS_close, file);
}

static int fault_is(const char *word)
{
    char found[16] = {0};
    const char *path = getenv("SHIM_FAULT");
    int file = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
    if (file < 0)
        return 0;
    syscall(SYS_read, file, found, sizeof found - 1);
    syscall(SYS_close, file);
    return strcmp(found, word) == 0;
}

static int is_evidence(int fd)
{
    char link[64];
    char path[512] = {0};
    const char *folder = getenv("SHIM_EVIDENCE");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (folder == NULL || readlink(link, path, sizeof path - 1) < 0)
        return 0;
    return strncmp(path, folder, strlen(folder)) == 0 && path[strlen(folder)] == '/';
}

static int is_plc(int fd)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    const char *port = getenv("SHIM_PLC");
    if (port == NULL || getpeername(fd, (struct sockaddr *)&peer, &length) != 0)
        return 0;
    return peer.ss_family == AF_INET &&
           ntohs(((struct sockaddr_in *)&peer)->sin_port) == atoi(port);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    int saved = errno;
    if (is_plc(fd)) {
        tell("send", bytes, length);
    } else if (is_evidence(fd)) {
        if (fault_is("write")) {
            tell("full", NULL, 0);
            errno = ENOSPC;
            return -1;
        }
        errno = saved;
        ssize_t written = syscall(SYS_write, fd, bytes, length);
        saved = errno;
        if (written > 0)
            tell("write", bytes, (size_t)written);
        errno = saved;
        return written;
    }
    errno = saved;
    return syscall(SYS_write, fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    int saved = errno;
    if (is_plc(fd) || is_evidence(fd))
        tell("scattered", NULL, 0);
    errno = saved;
    return syscall(SYS_writev, fd, parts, count);
}

int fdatasync(int fd)
{
    if (!is_evidence(fd))
        return (int)syscall(SYS_fdatasync, fd);
    if (fault_is("lie"))
        return 0;
    tell("sync-begins", NULL, 0);
    while (fault_is("hold"))
        usleep(10000);
    if (fault_is("sync")) {
        tell("sync-fails", NULL, 0);
        errno = EIO;
        return -1;
    }
    int result = (int)syscall(SYS_fdatasync, fd);
    tell("sync-ends", NULL, 0);
    return result;
}
