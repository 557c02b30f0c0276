// chaos: ends servers, one after the other, while a command runs, and shows that the command does not notice.
// Without a command it copies a file again and again, compares every copy, and runs a pipeline.
#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libipc/client/clock.h"
#include "libipc/protocols/service.h"
#include "libipc/start/start.h"
#include "programs/common/program.h"

static const char operands[] = "[-q] [-n KILLS] [-r RATE] [-s SECONDS] [SERVER...] [-- COMMAND...]";
static const char details[] = "  -n  stop after so many kills in all; a command finds /tmp/chaos.stop then\n"
                              "  -q  show the totals only\n"
                              "  -r  kills per second (5)\n"
                              "  -s  stop after so many seconds (10); with a command: when it ends\n"
                              "SERVERs are those of `service`; without any: all that a machine runs on.\n"
                              "The exit status is 0 if the command's is, and no server was given up.\n";

enum { SERVERS_MAX = 32, SECOND = 1000000000 };
static const char *const usual[] = {"ext2",   "vfs", "process", "console", "tmpfs",   "devfs",
                                    "procfs", "log", "ata",     "devices", "serial0", "keyboard"};
static const char workload[] =
    "n=0; cd /root; while [ ! -e /tmp/chaos.stop ]; do cp /bin/sh chaos.copy && cmp /bin/sh chaos.copy || "
    "exit 1\n"
    "[ \"$(echo $n | cat | cat)\" = $n ] || exit 1; rm chaos.copy; n=$((n+1)); done; rm /tmp/chaos.stop\n"
    "echo \"chaos: $n files were copied and compared, $n pipelines ran\"";

extern char **environ;
static cap_t session;

struct target {
    const char *name;
    uint64_t kills, before, worst; // `before`: restarts when we began
};
static struct target targets[SERVERS_MAX];
static int target_count;

static void add_target(const char *name) {
    struct service_status status;
    if (target_count == SERVERS_MAX)
        program_fail(name, "too many servers");
    if (service_status(session, name, strlen(name), &status) != ERR_OK)
        program_fail(name, "no such service");
    targets[target_count++] = (struct target){.name = name, .before = status.restarts};
}

static pid_t start(char **command) {
    static char name[] = "sh", option[] = "-c";
    static char *const shell[] = {name, option, (char *)(uintptr_t)workload, NULL};
    pid_t child;
    int error = posix_spawnp(&child, command ? command[0] : "sh", NULL, NULL, command ? command : shell, environ);
    if (error)
        program_fail(command ? command[0] : "sh", "%s", error_text(error));
    return child;
}

// Ends one server; false if it could not be done, which a pause between two restarts explains.
static bool strike(struct target *target) {
    struct service_status status;
    if (service_kill(session, target->name, strlen(target->name)) != ERR_OK ||
        service_status(session, target->name, strlen(target->name), &status) != ERR_OK)
        return false;
    target->kills++;
    if (status.recovery_time > target->worst)
        target->worst = status.recovery_time;
    return true;
}

static void show(uint64_t kills, uint64_t began) {
    uint64_t tenths = (clock_monotonic() - began) / (SECOND / 10);
    printf("\rchaos: %llu.%llu s, %llu kills:", (unsigned long long)tenths / 10, (unsigned long long)tenths % 10,
           (unsigned long long)kills);
    for (int i = 0; i < target_count; i++)
        printf(" %s %llu", targets[i].name, (unsigned long long)targets[i].kills);
    fflush(stdout);
}

// The table at the end; the number of servers that were given up.
static int summary(void) {
    int lost = 0;
    printf("%-12s %8s %9s %15s\n", "SERVER", "KILLS", "STATE", "WORST RECOVERY");
    for (int i = 0; i < target_count; i++) {
        struct service_status status = {0};
        bool known = service_status(session, targets[i].name, strlen(targets[i].name), &status) == ERR_OK;
        bool runs = known && status.state == SERVICE_STATE_RUNNING;
        lost += !runs;
        printf("%-12s %8llu %9s %12llu us\n", targets[i].name, (unsigned long long)targets[i].kills, runs ? "running" : "LOST",
               (unsigned long long)targets[i].worst / 1000);
    }
    return lost;
}

static void wait_until(uint64_t time) {
    uint64_t left = clock_monotonic() < time ? time - clock_monotonic() : 0;
    const struct timespec pause = {.tv_sec = (time_t)(left / SECOND), .tv_nsec = (long)(left % SECOND)};
    nanosleep(&pause, NULL);
}

static void stop_workload(void) {
    FILE *file = fopen("/tmp/chaos.stop", "w");
    if (!file)
        program_errno("/tmp/chaos.stop");
    else
        fclose(file);
}

int main(int argc, char **argv) {
    uint64_t rate = 5, seconds = 10, most = UINT64_MAX, kills = 0;
    char **command = NULL;
    bool quiet = false;
    for (int i = 1; i < argc && !command; i++) {
        if (strcmp(argv[i], "--") != 0)
            continue;
        command = i + 1 < argc ? &argv[i + 1] : NULL;
        argv[i] = NULL;
        argc = i;
    }
    program_start(argc, argv, operands, details);
    for (int option; (option = program_option("n:qr:s:")) != -1;) {
        uint64_t *number = option == 'n' ? &most : option == 'r' ? &rate : &seconds;
        if (option == 'q')
            quiet = true;
        else
            *number = (uint64_t)number_parse(program_argument, "number");
    }
    if (rate == 0 || rate > 1000)
        program_usage_error("a rate from 1 to 1000 is wanted");
    session = startup_capability("service");
    if (session == 0)
        program_fail(NULL, "this program was not given a session of init");
    for (int i = 0; i < program_operand_count; i++)
        add_target(program_operands[i]);
    for (size_t i = 0; program_operand_count == 0 && i < sizeof(usual) / sizeof(usual[0]); i++)
        add_target(usual[i]);
    int status = 0;
    uint64_t began = clock_monotonic();
    pid_t child = start(command);
    bool ended = false;
    for (uint64_t turn = 0; kills < most && (command || clock_monotonic() < began + seconds * SECOND); turn++) {
        wait_until(began + (turn + 1) * (SECOND / rate));
        if (waitpid(child, &status, WNOHANG) == child) {
            ended = true;
            break;
        }
        kills += strike(&targets[turn % (uint64_t)target_count]);
        if (!quiet)
            show(kills, began);
    }
    if (!quiet)
        putchar('\n');
    if (!ended) {
        if (!command || kills == most)
            stop_workload();
        while (waitpid(child, &status, 0) == -1 && errno == EINTR) {
        }
    }
    int lost = summary();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        program_fail(command ? command[0] : "the workload", "it failed: status %d", status);
    return program_end(lost == 0 ? 0 : 1);
}
