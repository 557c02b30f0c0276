// See work.h. Each step says what it saw, errors among it, so that a difference shows in the text.
#include "tests/fault/work/work.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { LARGE_BYTES = 40000, PART = 1500, ENTRIES = 16, PIPE_BYTES = 9000, DISK_OFFSET = 4 << 20 };
static const char self[] = "/bin/faultwork";

char work_text[WORK_TEXT_BYTES];
static size_t said;
extern char **environ;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(work_text + said, sizeof(work_text) - said, format, arguments);
    va_end(arguments);
    if (length > 0 && said + (size_t)length < sizeof(work_text))
        said += (size_t)length;
}

static void check(const char *what, long result) {
    say("%s %ld%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerror(errno) : "");
}

static uint32_t sum_of(const uint8_t *bytes, size_t length) {
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ bytes[i]) * 16777619u;
    return sum;
}

static void fill(uint8_t *bytes, size_t length, uint32_t seed) {
    for (size_t i = 0; i < length; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(seed >> 24);
    }
}

// A file from an offset on, up to its end or as much as fits, by reads of a size of its own.
static void read_part(const char *path, off_t from, size_t part) {
    static uint8_t bytes[LARGE_BYTES * 2];
    size_t length = 0;
    int file = open(path, O_RDONLY);
    if (file < 0) {
        check(path, file);
        return;
    }
    if (from != 0 && lseek(file, from, SEEK_SET) != from)
        check("seek", -1);
    for (ssize_t count; length + part <= sizeof(bytes) && (count = read(file, bytes + length, part)) != 0;) {
        if (count < 0) {
            check("read", count);
            break;
        }
        length += (size_t)count;
    }
    say("%s %zu bytes, sum %08x\n", path, length, sum_of(bytes, length));
    close(file);
}

static void read_back(const char *path, size_t part) {
    read_part(path, 0, part);
}

static int entry_compare(const void *a, const void *b) {
    return strcmp(a, b);
}

static void list(const char *path) {
    char names[ENTRIES][32];
    size_t count = 0;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL && count < ENTRIES;)
        if (entry->d_name[0] != '.')
            snprintf(names[count++], sizeof(names[0]), "%s", entry->d_name);
    if (folder)
        closedir(folder);
    qsort(names, count, sizeof(names[0]), entry_compare);
    say("%s:", path);
    for (size_t i = 0; i < count; i++)
        say(" %s", names[i]);
    say("\n");
}

static void large_file(void) {
    static uint8_t bytes[LARGE_BYTES];
    fill(bytes, sizeof(bytes), 1);
    int file = open("large", O_RDWR | O_CREAT | O_EXCL, 0644);
    for (size_t at = 0; at < sizeof(bytes); at += PART) {
        size_t part = sizeof(bytes) - at < PART ? sizeof(bytes) - at : PART;
        ssize_t count = write(file, bytes + at, part);
        if (count != (ssize_t)part)
            check("write", count);
    }
    check("fsync", fsync(file));
    check("pwrite", pwrite(file, "in between", 10, 12345));
    check("ftruncate", ftruncate(file, 30001));
    check("seek", (long)lseek(file, 0, SEEK_CUR)); // the offset is one for each open, and moves once
    close(file);
    read_back("large", 4096);
}

static void names(void) {
    check("mkdir", mkdir("folder", 0755));
    int file = open("folder/a", O_WRONLY | O_CREAT | O_EXCL, 0600);
    check("first", write(file, "one\n", 4));
    close(file);
    check("link", link("folder/a", "folder/b"));
    check("rename", rename("folder/a", "folder/c"));
    check("symlink", symlink("c", "folder/s"));
    file = open("folder/c", O_WRONLY | O_APPEND);
    check("append", write(file, "two\n", 4));
    check("append", write(file, "three\n", 6));
    close(file);
    struct stat status;
    check("stat", stat("folder/b", &status));
    say("links %d size %d\n", (int)status.st_nlink, (int)status.st_size);
    read_back("folder/s", 5);
    check("again", mkdir("folder", 0755));
    check("full", rmdir("folder"));
    check("gone", unlink("folder/nothing"));
    check("mkdir", mkdir("folder/below", 0755));
    check("rename", rename("folder/below", "below"));
    check("rmdir", rmdir("below"));
    check("unlink", unlink("folder/b"));
    list("folder");
}

static void nameless(void) {
    char text[16] = "";
    int file = open("nameless", O_RDWR | O_CREAT, 0644);
    check("unlink", unlink("nameless"));
    check("write", write(file, "still here", 10));
    check("read", pread(file, text, sizeof(text), 0));
    say("%s\n", text);
    close(file);
}

static pid_t start(const char *name, int in, int out) {
    char *const arguments[] = {(char *)(uintptr_t)self, (char *)(uintptr_t)name, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child = -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    for (int fd = 3; fd < 16; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            posix_spawn_file_actions_addclose(&actions, fd);
    errno = posix_spawn(&child, self, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return child;
}

static void reap(pid_t child) {
    int status = 0;
    pid_t pid = waitpid(child, &status, 0);
    say("child %s: %s %d\n", pid == child ? "ended" : strerror(errno), WIFSIGNALED(status) ? "signal" : "status",
        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

// Bytes go through a child and come back, more than a pipe holds in a piece; then a child that is ended by a
// signal.
static void children(void) {
    static uint8_t bytes[PIPE_BYTES], back[PIPE_BYTES];
    memset(back, 0, sizeof(back));
    int to[2], from[2];
    size_t out = 0, in = 0;
    check("pipe", pipe(to));
    check("pipe", pipe(from));
    pid_t child = start("child-copy", to[0], from[1]);
    close(to[0]);
    close(from[1]);
    fill(bytes, sizeof(bytes), 2);
    fcntl(to[1], F_SETFL, O_NONBLOCK);
    for (;;) {
        struct pollfd watched[2] = {{.fd = from[0], .events = POLLIN},
                                    {.fd = out < sizeof(bytes) ? to[1] : -1, .events = POLLOUT}};
        if (poll(watched, 2, -1) < 0) {
            check("poll", -1);
            break;
        }
        if (watched[1].revents != 0) {
            size_t part = sizeof(bytes) - out < 700 ? sizeof(bytes) - out : 700;
            ssize_t count = write(to[1], bytes + out, part);
            if (count < 0 && errno != EAGAIN) {
                check("to child", count);
                break;
            }
            out += count > 0 ? (size_t)count : 0;
            if (out == sizeof(bytes))
                close(to[1]);
        }
        if (watched[0].revents == 0)
            continue;
        ssize_t count = read(from[0], back + in, sizeof(back) - in);
        if (count < 0)
            check("from child", count);
        if (count <= 0)
            break;
        in += (size_t)count;
    }
    close(from[0]);
    say("through a child: %zu bytes, %s\n", in, memcmp(bytes, back, sizeof(bytes)) == 0 ? "the same" : "others");
    reap(child);
    child = start("child-wait", 0, 1);
    check("kill", kill(child, SIGTERM));
    reap(child);
    child = start("child-fail", 0, 1);
    reap(child);
    check("nobody", waitpid(-1, NULL, WNOHANG));
}

static void small_systems(void) {
    char text[256];
    int file = open("/tmp/small", O_RDWR | O_CREAT, 0644);
    check("tmpfs", write(file, "in memory", 9));
    check("tmpfs", pread(file, text, 6, 3));
    close(file);
    check("tmpfs", rename("/tmp/small", "/tmp/other"));
    read_back("/tmp/other", 4);
    check("tmpfs", unlink("/tmp/other"));
    file = open("/dev/null", O_RDWR);
    check("null", write(file, "x", 1));
    check("null", read(file, text, 1));
    close(file);
    file = open("/proc/uptime", O_RDONLY);
    check("proc", read(file, text, sizeof(text)) > 0);
    close(file);
    file = open("/proc/log", O_RDONLY);
    check("log", read(file, text, sizeof(text)) > 0);
    close(file);
}

// A line that the host types when it reads the question.
static void terminal(int number) {
    char line[64] = "", expected[64];
    struct termios was, raw;
    int file = open("/dev/serial0", O_RDWR | O_NOCTTY);
    check("terminal", tcgetattr(file, &was));
    raw = was;
    raw.c_lflag &= ~(tcflag_t)ECHO;
    check("mode", tcsetattr(file, TCSANOW, &raw));
    dprintf(file, "\nquestion %d?\n", number);
    ssize_t count = read(file, line, sizeof(line) - 1);
    if (count < 0)
        check("typed", count);
    snprintf(expected, sizeof(expected), "typed line %d\n", number);
    say("typed: %s\n", strcmp(line, expected) == 0 ? "what was asked" : line);
    check("mode", tcsetattr(file, TCSANOW, &was));
    dprintf(file, "answer %d: %s", number, line);
    close(file);
}

// The same on the screen, by keys of the keyboard.
static void keys(int number) {
    char line[64] = "", expected[64];
    int file = open("/dev/console", O_RDWR | O_NOCTTY), asking = open("/dev/serial0", O_WRONLY | O_NOCTTY);
    check("screen", dprintf(file, "run %6d\n\033[1mbold\033[m\n", number));
    dprintf(asking, "keys %d?\n", number);
    close(asking);
    ssize_t count = read(file, line, sizeof(line) - 1);
    if (count < 0)
        check("typed", count);
    snprintf(expected, sizeof(expected), "%d\n", number);
    say("keys: %s\n", strcmp(line, expected) == 0 ? "what was asked" : line);
    close(file);
}

int work_child(const char *name) {
    if (strcmp(name, "child-copy") == 0) {
        char bytes[512];
        for (ssize_t count; (count = read(0, bytes, sizeof(bytes))) != 0;)
            if (count < 0 || write(1, bytes, (size_t)count) != count)
                return 1;
        return 0;
    }
    if (strcmp(name, "child-wait") == 0)
        for (;;)
            sleep(1000);
    return 5;
}

void work_run(int number, unsigned parts) {
    char folder[32];
    said = 0;
    work_text[0] = '\0';
    snprintf(folder, sizeof(folder), "/root/w/%d", number);
    (void)!mkdir("/root/w", 0755);
    if (mkdir(folder, 0755) != 0 || chdir(folder) != 0)
        check("folder", -1);
    if (parts & WORK_LARGE_FILE)
        large_file();
    if (parts & WORK_NAMES)
        names();
    if (parts & WORK_NAMELESS)
        nameless();
    if (parts & WORK_CHILDREN)
        children();
    if (parts & WORK_SMALL_SYSTEMS)
        small_systems();
    if (parts & WORK_TERMINAL)
        terminal(number);
    if (parts & WORK_KEYS)
        keys(number);
    if (parts & WORK_DISK)
        read_part("/dev/disk0", DISK_OFFSET, 4096);
    if (parts & WORK_LIST)
        list(".");
    (void)chdir("/root");
}
