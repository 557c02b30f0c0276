// session: a login on one terminal. Takes the terminal as the session's own, greets, and runs the shell until
// it ends. The one on /dev/console also looks after the other screens.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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

enum { SCREENS = 5 }; // beside the first

static void greet(void) {
    char line[256];
    FILE *message = fopen("/etc/motd", "r");
    while (message && fgets(line, sizeof(line), message))
        (void)fputs(line, stdout);
    if (message)
        (void)fclose(message);
    (void)fflush(stdout);
}

static pid_t start(const char *path, const char *name, const char *argument, bool leads) {
    const char *const words[] = {name, argument, NULL};
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

static pid_t start_shell(void) {
    greet();
    return start("/bin/sh", "-sh", NULL, false);
}

// --- The other screens ---

// A screen that nobody has logged in on. The console types a line there when it is shown for the first time.
struct screen {
    int fd;        // -1: there is none
    pid_t session; // 0: none
};

static struct screen screens[SCREENS];
static int child_pipe[2];

static void open_screens(void) {
    for (int i = 0; i < SCREENS; i++) {
        char path[16];
        pid_t group;
        (void)snprintf(path, sizeof(path), "/dev/tty%d", i + 2);
        screens[i] = (struct screen){.fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)};
        // A session of a process like this one before, which ended, may go on there.
        group = screens[i].fd >= 0 ? tcgetpgrp(screens[i].fd) : 0;
        if (group > 0 && kill(-group, 0) == 0)
            screens[i].session = group;
    }
}

static void serve_screen(struct screen *screen, int number) {
    char path[16];
    (void)snprintf(path, sizeof(path), "/dev/tty%d", number);
    (void)tcflush(screen->fd, TCIFLUSH);
    pid_t pid = start("/bin/session", "session", path, true);
    screen->session = pid > 0 ? pid : 0;
}

static void screen_ended(pid_t pid) {
    static const char again[] = "\r\n[the session has ended: Enter begins another]\r\n";
    for (int i = 0; i < SCREENS; i++) {
        if (screens[i].session != pid)
            continue;
        screens[i].session = 0;
        (void)write(screens[i].fd, again, sizeof(again) - 1);
    }
}

// Waits for a child's end (then gives its id) or for somebody at a screen that is free.
static pid_t wait_for_work(int *status) {
    struct pollfd polls[SCREENS + 1];
    char byte;
    for (int i = 0; i < SCREENS; i++)
        polls[i] = (struct pollfd){.fd = screens[i].session == 0 ? screens[i].fd : -1, .events = POLLIN};
    polls[SCREENS] = (struct pollfd){.fd = child_pipe[0], .events = POLLIN};
    pid_t ended = waitpid(-1, status, WNOHANG);
    if (ended != 0 || poll(polls, SCREENS + 1, -1) <= 0)
        return ended;
    for (int i = 0; i < SCREENS; i++)
        if (polls[i].fd >= 0 && (polls[i].revents & POLLIN))
            serve_screen(&screens[i], i + 2);
    if (polls[SCREENS].revents & POLLIN)
        (void)read(child_pipe[0], &byte, 1);
    return 0;
}

// Into a pipe, so that a child that ends just before the wait is not missed.
static void on_child(int signal) {
    int error = errno;
    (void)signal;
    (void)write(child_pipe[1], "c", 1);
    errno = error;
}

// The first screen's session is there for all: it starts one on each of the others when somebody comes there.
static int keep_screens(void) {
    struct sigaction action = {.sa_handler = on_child};
    if (pipe(child_pipe) != 0)
        return 1;
    for (int end = 0; end < 2; end++)
        (void)fcntl(child_pipe[end], F_SETFD, FD_CLOEXEC);
    (void)fcntl(child_pipe[1], F_SETFL, O_NONBLOCK);
    (void)sigaction(SIGCHLD, &action, NULL);
    open_screens();
    pid_t shell = start_shell();
    while (shell > 0) {
        int status;
        pid_t ended = wait_for_work(&status);
        if (ended == shell)
            shell = start_shell();
        else if (ended > 0)
            screen_ended(ended);
    }
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        (void)fprintf(stderr, "usage: session TERMINAL\n");
        return 2;
    }
    int fd = open(argv[1], O_RDWR);
    if (fd < 0)
        return 1;
    for (int copy = 0; copy < 3; copy++)
        if (fd != copy)
            (void)dup2(fd, copy);
    if (fd > 2)
        (void)close(fd);
    (void)ioctl(0, TIOCSCTTY, 0); // a rescue line without job control is better than none
    (void)setenv("TERM", strstr(argv[1], "serial") ? "vt220" : "xterm-256color", 1);
    if (chdir(getenv("HOME") ? getenv("HOME") : "/") != 0)
        (void)chdir("/");
    if (strcmp(argv[1], "/dev/console") == 0)
        return keep_screens();
    pid_t pid = start_shell();
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 ? 0 : 1;
}
