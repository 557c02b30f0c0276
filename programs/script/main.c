// script: runs a shell on a terminal of its own and records what it shows. The program runs twice: outside it copies bytes
// between the real terminal, the new one and the file; inside it takes the new terminal as its session's and starts the shell
// there.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/common/terminal.h"

extern char **environ;

enum { BLOCK = 4096, END_OF_FILE = 4, STATUS_FAILED = 125 };

#define INSIDE "--inside" // between the two; not for people

static int status_of(pid_t pid) {
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return STATUS_FAILED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const int kept_out[] = {SIGINT, SIGQUIT, SIGTSTP};

static int inside(const char *command) {
    const char *const shell[] = {"sh", command ? "-c" : NULL, command, NULL};
    pid_t pid;
    // What is typed ahead must not end the shell before it minds the keys itself.
    for (size_t i = 0; command == NULL && i < sizeof(kept_out) / sizeof(kept_out[0]); i++)
        (void)signal(kept_out[i], SIG_IGN);
    (void)ioctl(STDIN_FILENO, TIOCSCTTY, 0);
    int error = posix_spawn(&pid, "/bin/sh", NULL, NULL, (char *const *)(uintptr_t)shell, environ);
    if (error)
        program_fail("/bin/sh", "%s", error_text(error));
    return status_of(pid);
}

static pid_t start_inside(const char *command, int master, int terminal) {
    const char *const words[] = {"script", INSIDE, command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid;
    (void)posix_spawn_file_actions_init(&actions);
    for (int fd = 0; fd < 3; fd++)
        (void)posix_spawn_file_actions_adddup2(&actions, terminal, fd);
    (void)posix_spawn_file_actions_addclose(&actions, terminal);
    (void)posix_spawn_file_actions_addclose(&actions, master);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    int error = posix_spawn(&pid, "/bin/script", &actions, &attributes, (char *const *)(uintptr_t)words, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (error)
        program_fail("/bin/script", "%s", error_text(error));
    return pid;
}

// Until the last program on the new terminal has ended.
static void copy(int master, int file, bool is_terminal) {
    struct pollfd polls[] = {{.fd = master, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    struct winsize size, last = {0};
    char block[BLOCK];
    for (;;) {
        if (is_terminal && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 && memcmp(&size, &last, sizeof(size)) != 0) {
            last = size;
            (void)ioctl(master, TIOCSWINSZ, &size);
        }
        if (poll(polls, 2, -1) < 0)
            continue;
        if (polls[0].revents != 0) {
            ssize_t count = read(master, block, sizeof(block));
            if (count <= 0)
                return;
            if (!descriptor_write(STDOUT_FILENO, block, (size_t)count) || !descriptor_write(file, block, (size_t)count))
                return;
        }
        if (polls[1].revents != 0) {
            ssize_t count = read(STDIN_FILENO, block, sizeof(block));
            if (count <= 0) {
                block[0] = END_OF_FILE;
                polls[1].fd = -1;
                count = 1;
            }
            (void)descriptor_write(master, block, (size_t)count);
        }
    }
}

int main(int argc, char **argv) {
    const char *command = NULL;
    struct termios saved;
    int master, terminal;
    program_start(argc, argv, "[-c COMMAND] [FILE]", "Records what a shell, or COMMAND, shows, in FILE (typescript).\n");
    if (argc > 1 && strcmp(argv[1], INSIDE) == 0)
        return inside(argv[2]);
    for (int option; (option = program_option("c:")) != -1;)
        command = program_argument;
    if (program_operand_count > 1)
        program_usage_error("only one file");
    const char *name = program_operand_count ? program_operands[0] : "typescript";
    int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        program_fail(name, "%s", error_text(errno));
    bool is_terminal = isatty(STDIN_FILENO) && terminal_raw_begin(STDIN_FILENO, &saved, 0);
    if (openpty(&master, &terminal, NULL, is_terminal ? &saved : NULL, NULL) != 0)
        program_fail("a terminal", "%s", error_text(errno));
    pid_t pid = start_inside(command, master, terminal);
    (void)close(terminal);
    copy(master, file, is_terminal);
    if (is_terminal)
        terminal_raw_end(STDIN_FILENO, &saved);
    return program_end(status_of(pid));
}
