// The policy of the start: file systems, then shells or one program. See README.md.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/abi/capability.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/net.h"
#include "libipc/start/start.h"

enum { SESSIONS = 3, LEVEL_WARNING = 2, LEVEL_INFO = 3 };

extern char **environ;

// Programs that run as long as the machine does. The last waits for commands of the host (image/channel.md), if it is asked for.
static const struct session {
    const char *program, *argument;
} sessions[SESSIONS] = {{"/bin/session", "/dev/console"}, {"/bin/session", "/dev/serial0"}, {"/bin/remote", "-w"}};

static void say(unsigned level, const char *what, const char *detail) {
    char line[200];
    int length = snprintf(line, sizeof(line), "boot: %s%s%s", what, *detail ? ": " : "", detail);
    if (length >= (int)sizeof(line))
        length = sizeof(line) - 1;
    (void)kernel_log_write(SLOT_KERNEL, level, line, (uint64_t)length);
}

// The value of NAME=VALUE on the kernel's command line; false if it is not there.
static bool option(const char *name, char *value, size_t size) {
    static char line[1025];
    uint64_t count;
    if (!*line && kernel_command_line(SLOT_KERNEL, line, sizeof(line) - 1, &count))
        return false;
    size_t length = strlen(name);
    for (const char *at = line; *at; at += *at != 0) {
        while (*at == ' ')
            at++;
        const char *end = at + strcspn(at, " ");
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            (void)snprintf(value, size, "%.*s", (int)(end - at - (ptrdiff_t)length - 1), at + length + 1);
            return true;
        }
        at = end;
    }
    return false;
}

static bool try_mount(const char *source, const char *target, const char *type) {
    if (mount(source, target, type, 0, NULL) == 0 || errno == EBUSY) // busy: an earlier actor of this role did it
        return true;
    char what[128];
    (void)snprintf(what, sizeof(what), "can't mount %s on %s", source, target);
    say(LEVEL_WARNING, what, strerror(errno));
    return false;
}

// True if / is the disk.
static bool mount_all(void) {
    char name[64] = "disk0", source[80];
    bool mounted = try_mount("devfs", "/dev", "devfs");
    (void)option("root", name, sizeof(name));
    (void)snprintf(source, sizeof(source), "/dev/%s", name);
    bool on_disk = strcmp(name, "none") != 0 && mounted && try_mount(source, "/", "ext2");
    if (on_disk)
        (void)try_mount("devfs", "/dev", "devfs");
    (void)try_mount("procfs", "/proc", "procfs");
    (void)try_mount("tmpfs", "/tmp", "tmpfs");
    return on_disk;
}

// What was started, for the next actor of this role, which is parent of the same programs: lines "PID PATH ARGUMENT". In memory,
// so gone with the boot.
#define STARTED_FILE "/tmp/.boot"

static void note_started(pid_t pid, const char *path, const char *argument) {
    FILE *file = fopen(STARTED_FILE, "a");
    if (!file)
        return; // the next actor starts it again
    (void)fprintf(file, "%ld %s %s\n", (long)pid, path, argument ? argument : "-");
    (void)fclose(file);
}

// The program that an actor before has started, if it is still there; 0: there is none.
static pid_t find_started(const char *path, const char *argument) {
    char name[64], given[64];
    long pid, found = 0;
    FILE *file = fopen(STARTED_FILE, "r");
    while (file && fscanf(file, "%ld %63s %63s", &pid, name, given) == 3)
        if (strcmp(name, path) == 0 && strcmp(given, argument ? argument : "-") == 0)
            found = pid;
    if (file)
        (void)fclose(file);
    return found > 0 && kill((pid_t)found, 0) == 0 ? (pid_t)found : 0;
}

static pid_t start(const char *path, const char *argument) {
    const char *const argv[] = {path, argument, NULL};
    pid_t pid;
    posix_spawnattr_t attributes;
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    int error = posix_spawn(&pid, path, NULL, &attributes, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    if (error) {
        char what[128];
        (void)snprintf(what, sizeof(what), "can't start %s", path);
        say(LEVEL_WARNING, what, strerror(error));
        return -1;
    }
    note_started(pid, path, argument);
    return pid;
}

static pid_t find_or_start(const char *path, const char *argument) {
    pid_t pid = find_started(path, argument);
    return pid ? pid : start(path, argument);
}

// The writer of /var/log/messages; none without a disk.
static pid_t start_log_writer(bool on_disk) {
    return on_disk ? find_or_start("/bin/logfile", NULL) : -1;
}

// What ends by itself can't go on: no /var/log, or another follows the log already.
static pid_t keep_log_writer(pid_t writer, pid_t ended, int status) {
    if (ended != writer)
        return writer;
    return WIFSIGNALED(status) ? start_log_writer(true) : -1;
}

#define NETWORK_FILE   "/etc/network.conf"
#define NETWORK_ERRORS "/tmp/.network"

// Cards wait for it: what the file says, or that there is none. -1: nobody reads it.
static pid_t configure_network(void) {
    static const char *const words[] = {"/bin/ip", "configure", NETWORK_FILE, NULL};
    cap_t net = startup_capability("net.admin");
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    int error;
    if (net == 0)
        return -1;
    if (access(NETWORK_FILE, F_OK) == 0) {
        (void)posix_spawn_file_actions_init(&actions);
        (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, NETWORK_ERRORS, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        error = posix_spawn(&pid, words[0], &actions, NULL, (char *const *)(uintptr_t)words, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
        if (error == 0)
            return pid;
        say(LEVEL_WARNING, "can't read " NETWORK_FILE, strerror(error));
    }
    if (net_configure(net, NULL, 0) != ERR_OK)
        say(LEVEL_WARNING, "the network can't be configured", "DHCP begins by itself");
    return -1;
}

// It has ended: what it had to say goes to the log, and cards get their addresses by DHCP.
static void network_configured(int status) {
    char line[160] = "";
    FILE *errors = status != 0 ? fopen(NETWORK_ERRORS, "r") : NULL;
    if (status == 0)
        return;
    if (errors && fgets(line, sizeof(line), errors))
        line[strcspn(line, "\n")] = '\0';
    if (errors)
        (void)fclose(errors);
    say(LEVEL_WARNING, "the network is not configured, DHCP takes its place", line);
    error_t ignored = net_configure(startup_capability("net.admin"), NULL, 0);
    (void)ignored;
}

static int run_instead(const char *program, pid_t writer, pid_t configurer) {
    int status = 0;
    pid_t pid = find_or_start(program, NULL);
    for (pid_t ended = 0; pid > 0 && ended >= 0 && ended != pid;) {
        ended = waitpid(-1, &status, 0);
        writer = keep_log_writer(writer, ended, status);
        if (ended > 0 && ended == configurer)
            network_configured(status);
    }
    if (writer > 0 && kill(writer, SIGTERM) == 0)
        (void)waitpid(writer, &status, 0);
    sync();
    (void)umount("/");
    (void)reboot(RB_POWER_OFF);
    say(LEVEL_WARNING, "this machine can't be turned off", strerror(errno));
    return 1;
}

// A session that ends by itself (its shell did) begins again; one that failed does so after a pause.
static int keep_sessions(pid_t writer, pid_t configurer) {
    pid_t running[SESSIONS];
    char value[8];
    int count = option("channel", value, sizeof(value)) ? SESSIONS : SESSIONS - 1;
    for (int i = 0; i < count; i++)
        running[i] = find_or_start(sessions[i].program, sessions[i].argument);
    for (;;) {
        int status;
        pid_t ended = waitpid(-1, &status, 0);
        if (ended < 0)
            return 1;
        writer = keep_log_writer(writer, ended, status);
        if (ended == configurer)
            network_configured(status);
        for (int i = 0; i < count; i++) {
            if (ended != running[i])
                continue;
            if (status != 0) {
                char what[128];
                (void)snprintf(what, sizeof(what), "%s %s failed, status 0x%x", sessions[i].program, sessions[i].argument,
                               (unsigned)status);
                say(LEVEL_WARNING, what, "it starts again in a second");
                (void)sleep(1);
            }
            running[i] = start(sessions[i].program, sessions[i].argument);
        }
    }
}

int main(void) {
    char program[128];
    (void)setenv("PATH", "/bin:/sbin", 1);
    (void)setenv("HOME", "/root", 1);
    bool on_disk = mount_all();
    if (!on_disk)
        say(LEVEL_WARNING, "/ is the initrd: a rescue shell", "changes are not kept");
    pid_t configurer = configure_network(), writer = start_log_writer(on_disk);
    if (option("program", program, sizeof(program)))
        return run_instead(program, writer, configurer);
    return keep_sessions(writer, configurer);
}
