// How long a server is away: from the call that kills it to the answer of the next request that it serves, in
// nanoseconds of the machine's clock (under QEMU's -icount shift=0: instructions). Beside it the same request
// undisturbed.
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "libipc/client/clock.h"
#include "libipc/protocols/service.h"
#include "tests/fault/work/work.h"

enum { KILLS_MAX = 2000, PAUSE_NANOSECONDS = 2000000 };

static int file = -1;
static char bytes[4096];

static int read_file(void) {
    return pread(file, bytes, sizeof(bytes), 0) > 0 ? 0 : -1;
}
static int make_pipe(void) {
    int ends[2];
    if (pipe(ends) != 0)
        return -1;
    close(ends[0]);
    close(ends[1]);
    return 0;
}
static int ask_process(void) {
    return getpgid(0) >= 0 ? 0 : -1;
}
static int ask_terminal(void) {
    struct termios settings;
    return tcgetattr(file, &settings);
}

static const struct {
    const char *server, *path;
    int (*request)(void);
    const char *what;
} cases[] = {
    {"ext2", "/etc/motd", read_file, "read a file"},
    {"vfs", NULL, make_pipe, "make a pipe, and close it"},
    {"process", NULL, ask_process, "ask for a process group"},
    {"console", "/dev/console", ask_terminal, "ask for a terminal's mode"},
    {"tmpfs", "/tmp/measured", read_file, "read a file"},
    {"devfs", "/dev/zero", read_file, "read a device"},
    {"procfs", "/proc/uptime", read_file, "read a file"},
    {"log", "/proc/log", read_file, "read the log, through procfs"},
    {"serial0", "/dev/serial0", ask_terminal, "ask for a port's mode"},
    {"ata", "/dev/disk0", read_file, "read a disk, through devfs"},
    {"ram", "/dev/ram0", read_file, "read a disk, through devfs"},
    {"devices", "/proc/pci", read_file, "list devices, through procfs"},
};

static int compare(const void *a, const void *b) {
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return one < other ? -1 : one > other;
}

static uint64_t share(const uint64_t *samples, int count, int percent) {
    int at = (count * percent + 99) / 100 - 1;
    return samples[at < 0 ? 0 : at];
}

// One line: the server, the kills, and of both series the median, the 99th percentile and the worst.
static void measure(unsigned which, int count) {
    static uint64_t away[KILLS_MAX], usual[KILLS_MAX];
    const char *server = cases[which].server;
    int failures = 0;
    for (int i = 0; i < count; i++) {
        struct timespec pause = {.tv_nsec = PAUSE_NANOSECONDS};
        nanosleep(&pause, NULL); // what the last one left to be done is done
        uint64_t began = clock_monotonic();
        failures += cases[which].request() != 0;
        usual[i] = clock_monotonic() - began;
        began = clock_monotonic();
        failures += service_kill(work_session, server, strlen(server)) != ERR_OK;
        failures += cases[which].request() != 0;
        away[i] = clock_monotonic() - began;
    }
    qsort(away, (size_t)count, sizeof(away[0]), compare);
    qsort(usual, (size_t)count, sizeof(usual[0]), compare);
    printf("%s %d %d %llu %llu %llu %llu %s\n", server, count, failures, (unsigned long long)share(away, count, 50),
           (unsigned long long)share(away, count, 99), (unsigned long long)away[count - 1],
           (unsigned long long)share(usual, count, 50), cases[which].what);
    fflush(stdout);
}

int work_measure(int count) {
    int made = open("/tmp/measured", O_CREAT | O_RDWR, 0600);
    if (made < 0 || write(made, "measured", 8) != 8 || count < 1 || count > KILLS_MAX)
        return 1;
    close(made);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *path = cases[i].path;
        struct service_status status;
        bool there = service_status(work_session, cases[i].server, strlen(cases[i].server), &status) == ERR_OK;
        file = path != NULL ? open(path, O_RDONLY | O_NOCTTY) : -1;
        if (there && (path == NULL || (file >= 0 && cases[i].request() == 0)))
            measure(i, count);
        if (file >= 0)
            close(file);
    }
    return 0;
}
