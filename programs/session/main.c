// session: a login on one terminal. Takes the terminal as the session's own, greets, and runs the shell until it ends.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "programs/common/program.h"

extern char **environ;

static void greet(void) {
    char line[256];
    FILE *message = fopen("/etc/motd", "r");
    while (message && fgets(line, sizeof(line), message))
        (void)fputs(line, stdout);
    if (message)
        (void)fclose(message);
    (void)fflush(stdout);
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
    greet();
    const char *const shell[] = {"-sh", NULL};
    pid_t pid;
    int status = 0, error = posix_spawn(&pid, "/bin/sh", NULL, NULL, (char *const *)(uintptr_t)shell, environ);
    if (error) {
        (void)fprintf(stderr, "session: /bin/sh: %s\n", strerror(error));
        return 1;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return 0;
}
