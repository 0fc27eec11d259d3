/* Preloaded into PostgreSQL: each fdatasync (a flush of the WAL) takes 2 ms longer, as on a cloud volume. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int fdatasync(int file)
{
    struct timespec left = {0, 2000000};
    while (nanosleep(&left, &left) == -1 && errno == EINTR)
        ;
    return (int)syscall(SYS_fdatasync, file);
}
