// filebench: what files, pipes and processes cost a program; built from this one source for Keelson and for Linux.
//
// usage: filebench DEVICE FOLDER [TURNS]
//
// Mounts the ext2 file system on DEVICE at FOLDER and measures, TURNS times, each of the tests below. Before every read it
// mounts anew (and drops Linux's caches), so that what is read comes from the disk. One line per figure: name, operations,
// nanoseconds. FOLDER/tree must hold TREE_FOLDERS folders dNN of TREE_FILES files fNN each.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FILE_BYTES = 64 << 20, STEP = 65536, PAGE = 4096, RANDOM_READS = 2000, FILES = 5000 };
enum { TREE_FOLDERS = 20, TREE_FILES = 50, STAT_TURNS = 10, PING_PONGS = 5000, SPAWNS = 100 };

extern char **environ;

static const char *program, *device, *folder;
static char buffer[STEP];

static void fail(const char *what) {
    (void)fprintf(stderr, "filebench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void check(int result, const char *what) {
    if (result < 0)
        fail(what);
}

static uint64_t now(void) {
    struct timespec time;
    check(clock_gettime(CLOCK_MONOTONIC, &time), "clock");
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void report(const char *name, unsigned operations, uint64_t start) {
    uint64_t nanoseconds = now() - start;
    (void)printf("filebench,%s,%u,%llu\n", name, operations, (unsigned long long)nanoseconds);
    (void)fflush(stdout);
}

static const char *path_in(const char *name) {
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void attach(void) {
    check(mount(device, folder, "ext2", 0, NULL), "mount");
}

// From here on nothing of the disk is in memory.
static void forget(void) {
    sync();
    check(umount(folder), "umount");
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY); // only Linux has it
    if (fd >= 0) {
        check((int)write(fd, "3", 1), "drop_caches");
        check(close(fd), "drop_caches");
    }
    attach();
}

static void write_file(void) {
    (void)unlink(path_in("large"));
    sync();
    uint64_t start = now();
    int fd = open(path_in("large"), O_WRONLY | O_CREAT | O_EXCL, 0644);
    check(fd, "large");
    for (unsigned at = 0; at < FILE_BYTES; at += STEP)
        if (write(fd, buffer, STEP) != STEP)
            fail("write");
    check(fsync(fd), "fsync");
    check(close(fd), "close");
    report("sequential_write_64m", 1, start);
}

static void read_file(void) {
    forget();
    uint64_t start = now();
    int fd = open(path_in("large"), O_RDONLY);
    check(fd, "large");
    for (unsigned at = 0; at < FILE_BYTES; at += STEP)
        if (read(fd, buffer, STEP) != STEP)
            fail("read");
    check(close(fd), "close");
    report("sequential_read_64m", 1, start);
    start = now();
    fd = open(path_in("large"), O_RDONLY);
    for (unsigned at = 0; at < FILE_BYTES; at += STEP)
        if (read(fd, buffer, STEP) != STEP)
            fail("read");
    check(close(fd), "close");
    report("sequential_read_64m_cached", 1, start);
}

static void read_randomly(void) {
    forget();
    uint32_t state = 12345; // the same places in every run
    uint64_t start = now();
    int fd = open(path_in("large"), O_RDONLY);
    check(fd, "large");
    for (unsigned i = 0; i < RANDOM_READS; i++) {
        state = state * 1664525 + 1013904223;
        if (pread(fd, buffer, PAGE, (off_t)(state >> 18) * PAGE) != PAGE) // 14 bits: 64 MiB of pages
            fail("pread");
    }
    check(close(fd), "close");
    report("random_read_4k", RANDOM_READS, start);
}

static const char *numbered(const char *format, unsigned a, unsigned b) {
    static char path[256];
    int length = snprintf(path, sizeof(path), "%s/", folder);
    (void)snprintf(path + length, sizeof(path) - (size_t)length, format, a, b);
    return path;
}

static void make_files(void) {
    check(mkdir(path_in("many"), 0755), "many");
    sync();
    uint64_t start = now();
    for (unsigned i = 0; i < FILES; i++) {
        int fd = open(numbered("many/f%04u", i, 0), O_WRONLY | O_CREAT | O_EXCL, 0644);
        check(fd, "create");
        check(close(fd), "close");
    }
    sync();
    report("create_5000", FILES, start);
    start = now();
    for (unsigned i = 0; i < FILES; i++)
        check(unlink(numbered("many/f%04u", i, 0)), "unlink");
    sync();
    report("delete_5000", FILES, start);
    check(rmdir(path_in("many")), "rmdir");
}

static void stat_tree(void) {
    struct stat status;
    uint64_t start = 0;
    for (unsigned turn = 0; turn <= STAT_TURNS; turn++) { // the first one warms up
        if (turn == 1)
            start = now();
        for (unsigned i = 0; i < TREE_FOLDERS * TREE_FILES; i++)
            check(stat(numbered("tree/d%02u/f%02u", i / TREE_FILES, i % TREE_FILES), &status), "stat");
    }
    report("stat_warm", STAT_TURNS * TREE_FOLDERS * TREE_FILES, start);
}

static pid_t run_self(const char *argument, const posix_spawn_file_actions_t *actions) {
    char *const arguments[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)argument, NULL};
    pid_t pid;
    errno = posix_spawn(&pid, program, actions, NULL, arguments, environ);
    if (errno)
        fail("spawn");
    return pid;
}

static void wait_for(pid_t pid) {
    int status;
    if (waitpid(pid, &status, 0) != pid || status != 0)
        fail("wait");
}

static void ping_pong(void) {
    int there[2], back[2];
    char byte = 1;
    posix_spawn_file_actions_t actions;
    check(pipe2(there, O_CLOEXEC), "pipe");
    check(pipe2(back, O_CLOEXEC), "pipe");
    errno = posix_spawn_file_actions_init(&actions);
    errno += posix_spawn_file_actions_adddup2(&actions, there[0], 0);
    errno += posix_spawn_file_actions_adddup2(&actions, back[1], 1);
    if (errno)
        fail("spawn actions");
    pid_t pid = run_self("--echo", &actions);
    check(close(there[0]), "close");
    check(close(back[1]), "close");
    uint64_t start = 0;
    for (unsigned i = 0; i <= PING_PONGS; i++) { // the first one waits for the program to start
        if (i == 1)
            start = now();
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            fail("ping-pong");
    }
    report("pipe_ping_pong", PING_PONGS, start);
    check(close(there[1]), "close");
    wait_for(pid);
    check(close(back[0]), "close");
    (void)posix_spawn_file_actions_destroy(&actions);
}

static int echo(void) {
    char byte;
    while (read(0, &byte, 1) == 1)
        if (write(1, &byte, 1) != 1)
            return 1;
    return 0;
}

static void spawn_and_wait(void) {
    wait_for(run_self("--exit", NULL));
    uint64_t start = now();
    for (unsigned i = 0; i < SPAWNS; i++)
        wait_for(run_self("--exit", NULL));
    report("spawn_wait", SPAWNS, start);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--echo") == 0)
        return echo();
    if (argc == 2 && strcmp(argv[1], "--exit") == 0)
        return 0;
    if (argc < 3 || argc > 4) {
        (void)fprintf(stderr, "usage: filebench DEVICE FOLDER [TURNS]\n");
        return 2;
    }
    program = argv[0];
    device = argv[1];
    folder = argv[2];
    memset(buffer, 'k', sizeof(buffer));
    attach();
    for (int turns = argc == 4 ? atoi(argv[3]) : 1; turns > 0; turns--) {
        write_file();
        read_file();
        read_randomly();
        make_files();
        stat_tree();
        ping_pong();
        spawn_and_wait();
    }
    check(umount(folder), "umount");
    return 0;
}
