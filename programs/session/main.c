// session: a login on one terminal. Takes the terminal as the session's own, greets, and runs the shell until
// it ends. The one on /dev/console also looks after the other screens.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "programs/common/program.h"

extern char **environ;

enum { SCREENS = 6 };
#define LEAST_FOR_SCREENS (48ull << 20)

static void greet(void) {
    char line[256];
    FILE *message = fopen("/etc/motd", "r");
    while (message && fgets(line, sizeof(line), message))
        (void)fputs(line, stdout);
    if (message)
        (void)fclose(message);
    (void)fflush(stdout);
}

static pid_t start(const char *path, const char *const *words, bool leads) {
    posix_spawnattr_t attributes;
    pid_t pid;
    (void)posix_spawnattr_init(&attributes);
    if (leads)
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    int error = posix_spawn(&pid, path, NULL, &attributes, (char *const *)(uintptr_t)words, environ);
    (void)posix_spawnattr_destroy(&attributes);
    if (error) {
        (void)fprintf(stderr, "session: %s: %s\n", path, strerror(error));
        return -1;
    }
    return pid;
}

// --- All screens ---

// A session of a screen holds the writing end of a pipe and nobody else does: that the reading end hangs up
// tells that it has ended, however it did.
struct screen {
    char path[16];
    int fd;   // -1: there is none
    int ends; // reading end; -1: nobody is logged in
    pid_t session;
};

static struct screen screens[SCREENS];

static void screen_start(struct screen *screen) {
    char end[16];
    int ends[2];
    if (pipe(ends) != 0)
        return;
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)snprintf(end, sizeof(end), "%d", ends[1]);
    (void)tcflush(screen->fd, TCIFLUSH);
    const char *const words[] = {"session", screen->path, end, NULL};
    screen->session = start("/bin/session", words, true);
    (void)close(ends[1]);
    screen->ends = ends[0];
}

static void screen_ended(struct screen *screen) {
    static const char again[] = "\r\n[the session has ended: Enter begins another]\r\n";
    int status;
    (void)close(screen->ends);
    screen->ends = -1;
    if (screen->session > 0)
        (void)waitpid(screen->session, &status, 0);
    if (screen == &screens[0])
        screen_start(screen);
    else
        (void)write(screen->fd, again, sizeof(again) - 1);
}

// The layout that /etc/keymap names, unless the kernel's option has chosen one.
static void choose_layout(void) {
    static const char *const words[] = {"keymap", "-b", NULL};
    int status;
    pid_t pid = start("/bin/keymap", words, false);
    if (pid > 0)
        (void)waitpid(pid, &status, 0);
}

// A shell on the first screen at once, on the others when somebody comes: the console types a line where a
// screen is shown for the first time.
static int keep_screens(void) {
    struct pollfd polls[SCREENS];
    for (int i = 0; i < SCREENS; i++) {
        struct screen *screen = &screens[i];
        (void)snprintf(screen->path, sizeof(screen->path), "/dev/tty%d", i + 1);
        screen->fd = open(screen->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
        screen->ends = -1;
    }
    if (access("/etc/keymap", R_OK) == 0)
        choose_layout();
    screen_start(&screens[0]);
    for (;;) {
        for (int i = 0; i < SCREENS; i++)
            polls[i] = (struct pollfd){.fd = screens[i].ends >= 0 ? screens[i].ends : screens[i].fd, .events = POLLIN};
        if (poll(polls, SCREENS, -1) < 0 && errno != EINTR)
            return 1;
        for (int i = 0; i < SCREENS; i++) {
            if (polls[i].fd < 0 || polls[i].revents == 0)
                continue;
            if (screens[i].ends >= 0)
                screen_ended(&screens[i]);
            else
                screen_start(&screens[i]);
        }
    }
}

// --- One ---

static int serve(const char *path) {
    static const char *const shell[] = {"-sh", NULL};
    int fd = open(path, O_RDWR);
    if (fd < 0)
        return 1;
    for (int copy = 0; copy < 3; copy++)
        if (fd != copy)
            (void)dup2(fd, copy);
    if (fd > 2)
        (void)close(fd);
    (void)ioctl(0, TIOCSCTTY, 0); // a rescue line without job control is better than none
    (void)setenv("TERM", strstr(path, "serial") ? "vt220" : "xterm-256color", 1);
    if (chdir(getenv("HOME") ? getenv("HOME") : "/") != 0)
        (void)chdir("/");
    greet();
    pid_t pid = start("/bin/sh", shell, false);
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 ? 0 : 1;
}

// One process more, whose memory is charged in full, is too much for the smallest machines: they have one screen.
static bool has_room_for_screens(void) {
    char line[128];
    unsigned long long total = 0;
    FILE *memory = fopen("/proc/memory", "r");
    while (memory && total == 0 && fgets(line, sizeof(line), memory))
        (void)sscanf(line, "total_bytes %llu", &total);
    if (memory)
        (void)fclose(memory);
    return total >= LEAST_FOR_SCREENS;
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) {
        (void)fprintf(stderr, "usage: session TERMINAL [DESCRIPTOR]\n");
        return 2;
    }
    if (argc == 2 && strcmp(argv[1], "/dev/console") == 0 && has_room_for_screens())
        return keep_screens();
    if (argc == 3) // kept, and not handed on: see struct screen
        (void)fcntl(atoi(argv[2]), F_SETFD, FD_CLOEXEC);
    return serve(argv[1]);
}
