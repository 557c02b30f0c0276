// The workload of the sweep (tests/fault/sweep.py): files, pipes, processes, the small file systems and a
// terminal, once for each crash point in a list. What a run says and leaves on the disk is the same each
// time; a run that says something else than the undisturbed first one failed. Runs in the guest; the disk is
// compared by the host.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libipc/client/clock.h"
#include "libipc/protocols/service.h"
#include "libipc/start/start.h"
#include "tests/fault/work/work.h"

static const char *const events[] = {"none", "receive", "reply", "commit", "output", "store"};
enum { EVENTS = sizeof(events) / sizeof(events[0]) };
cap_t work_session;
static char wanted[WORK_TEXT_BYTES];

static uint64_t restarts_of(const char *server, uint64_t *recovery) {
    struct service_status status = {0};
    if (service_status(work_session, server, strlen(server), &status) != ERR_OK)
        return 0;
    *recovery = status.recovery_time;
    return status.restarts;
}

static void tell_difference(void) {
    char *line = work_text, *expected = wanted;
    for (size_t i = 0; work_text[i] != '\0' && work_text[i] == wanted[i]; i++) {
        if (work_text[i] == '\n') {
            line = &work_text[i + 1];
            expected = &wanted[i + 1];
        }
    }
    printf("| %.*s\n| in the place of: %.*s\n", (int)strcspn(line, "\n"), line, (int)strcspn(expected, "\n"), expected);
}

// One point; its line is the ledger's.
static void run_point(int number, const char *server, const char *event, uint64_t count) {
    uint64_t kind = 1, recovery = 0;
    while (kind < EVENTS && strcmp(events[kind], event) != 0)
        kind++;
    uint64_t before = restarts_of(server, &recovery);
    error_t error = service_point(work_session, kind, count, server, strlen(server));
    if (error != ERR_OK) {
        printf("%s:%s:%llu refused %d\n", server, event, (unsigned long long)count, error);
        return;
    }
    work_run(number);
    uint64_t met = restarts_of(server, &recovery) - before;
    if (met == 0)
        (void)!service_point(work_session, kind, 0, server, strlen(server));
    bool same = strcmp(work_text, wanted) == 0;
    printf("%s:%s:%llu %s %llu\n", server, event, (unsigned long long)count,
           !same      ? "failed"
           : met == 0 ? "missed"
                      : "passed",
           (unsigned long long)recovery);
    if (!same)
        tell_difference();
    fflush(stdout);
}

// The restarts of all roles, and whether one was given up.
static uint64_t restarts_in_all(bool *lost) {
    struct service_status status;
    uint64_t sum = 0;
    *lost = false;
    for (uint64_t cursor = 0; service_next(work_session, cursor, &cursor, &status) == ERR_OK;) {
        sum += status.restarts;
        *lost = *lost || status.state == SERVICE_STATE_FAILED;
    }
    return sum;
}

// One mutation: bits that are flipped in a server while the workload runs once. `end`: if not 0, the offset
// counts from where memory is mapped behind the program, as libipc/kept does it.
static void run_mutation(int number, const char *server, uint64_t end, uint64_t offset, uint64_t bits, uint64_t count) {
    enum { STEP = 2 << 20 };
    bool lost;
    uint64_t base = 0, before = restarts_in_all(&lost);
    error_t error = service_mutate(work_session, 0, 0, 1, server, strlen(server), &base);
    if (error == ERR_OK && end != 0)
        offset += ((base + end + STEP - 1) & ~(uint64_t)(STEP - 1)) - base;
    if (error == ERR_OK)
        error = service_mutate(work_session, offset, bits, count, server, strlen(server), &base);
    printf("begin %d %s\n", number, error == ERR_OK ? "made" : "absent");
    fflush(stdout);
    if (error != ERR_OK)
        return;
    work_run(2 * number);
    uint64_t restarts = restarts_in_all(&lost) - before;
    bool same = strcmp(work_text, wanted) == 0, told = strstr(work_text, " -1 ") != NULL;
    printf("during %s %llu %s %s\n", same ? "same" : "differs", (unsigned long long)restarts, lost ? "lost" : "whole",
           told ? "told" : "silent");
    if (!same)
        tell_difference();
    fflush(stdout);
    if (end == 0)
        (void)!service_mutate(work_session, offset, bits, count, server, strlen(server), &base);
    work_run(2 * number + 1);
    printf("after %s\n", strcmp(work_text, wanted) == 0 ? "same" : "differs");
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc == 2 && strncmp(argv[1], "child-", 6) == 0)
        return work_child(argv[1]);
    work_session = startup_capability("service");
    if (argc == 3 && strcmp(argv[1], "measure") == 0)
        return work_measure(atoi(argv[2]));
    if (argc == 7 && strcmp(argv[1], "power") == 0)
        return work_power(argv[2], argv[3], atol(argv[4]), (unsigned)atol(argv[5]), (unsigned)atol(argv[6]));
    FILE *list = argc == 2 || argc == 3 ? fopen(argv[argc - 1], "r") : NULL;
    if (list == NULL || work_session == 0) {
        fprintf(stderr, "a list of points is wanted, and a session of init\n");
        return 2;
    }
    work_run(0);
    memcpy(wanted, work_text, sizeof(wanted));
    uint64_t began = clock_monotonic();
    work_run(1);
    if (strcmp(work_text, wanted) != 0) {
        printf("the workload differs by itself:\n");
        tell_difference();
        return 1;
    }
    printf("undisturbed %llu ns, %zu bytes\n", (unsigned long long)(clock_monotonic() - began), strlen(wanted));
    fflush(stdout);
    char server[32], event[16];
    unsigned long long end, offset, bits, length;
    for (int number = 1; argc == 3 && fscanf(list, "%31s %llu %llu %llu %llu", server, &end, &offset, &bits, &length) == 5;
         number++)
        run_mutation(number, server, end, offset, bits, length);
    unsigned long long count;
    for (int number = 2; argc == 2 && fscanf(list, "%31s %15s %llu", server, event, &count) == 3; number++)
        run_point(number, server, event, count);
    sync();
    printf("end\n");
    return 0;
}
