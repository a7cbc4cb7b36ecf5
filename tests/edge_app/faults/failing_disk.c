/* A disk whose steps fail on demand: loaded before libc by `record_worker.py steps`.
 *
 * fail_at(n, for_ever): the n-th step from now on fails with EIO, and with for_ever all after it, too.
 * steps_taken(): how many there were. A step is an open of the record, a write, a flush or a cut.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long taken, failing, for_ever;

void fail_at(long step, long how) { taken = 0; failing = step; for_ever = how; }
long steps_taken(void) { return taken; }

static int fails(void) {
    if (!failing) return 0;
    taken++;
    if (taken == failing || (for_ever && taken > failing)) { errno = EIO; return 1; }
    return 0;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
ssize_t pwrite(int f, const void *b, size_t n, off_t o) { return fails() ? -1 : NEXT(pwrite)(f, b, n, o); }
ssize_t pwrite64(int f, const void *b, size_t n, off64_t o) { return fails() ? -1 : NEXT(pwrite64)(f, b, n, o); }
int fsync(int f) { return fails() ? -1 : NEXT(fsync)(f); }
int fdatasync(int f) { return fails() ? -1 : NEXT(fdatasync)(f); }
int ftruncate(int f, off_t n) { return fails() ? -1 : NEXT(ftruncate)(f, n); }
int ftruncate64(int f, off64_t n) { return fails() ? -1 : NEXT(ftruncate64)(f, n); }

#define OPEN(name)                                                                  \
    int name(const char *path, int flags, ...) {                                    \
        va_list rest;                                                               \
        va_start(rest, flags);                                                      \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;     \
        va_end(rest);                                                               \
        if (strstr(path, "records.sqlite3") && fails()) return -1;                  \
        return NEXT(name)(path, flags, mode);                                       \
    }
OPEN(open)
OPEN(open64)
