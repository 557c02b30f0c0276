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
    bool lost;
    uint64_t before = restarts_of(server, &recovery), before_in_all = work_restarts(&lost);
    error_t error = service_point(work_session, kind, count, server, strlen(server));
    if (error != ERR_OK) {
        printf("%s:%s:%llu refused %d\n", server, event, (unsigned long long)count, error);
        return;
    }
    work_run(number, WORK_ALL);
    uint64_t met = restarts_of(server, &recovery) - before;
    if (met == 0)
        (void)!service_point(work_session, kind, 0, server, strlen(server));
    bool same = strcmp(work_text, wanted) == 0;
    bool alone = work_restarts(&lost) - before_in_all == met && !lost;
    printf("%s:%s:%llu %s %llu\n", server, event, (unsigned long long)count,
           !same || !alone ? "failed"
           : met == 0      ? "missed"
                           : "passed",
           (unsigned long long)recovery);
    if (!same)
        tell_difference();
    if (!alone)
        printf("| another server was started anew: what it waited for was lost\n");
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
    if (argc == 2 && strcmp(argv[1], "mutate") == 0)
        return work_mutate();
    FILE *list = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (list == NULL || work_session == 0) {
        fprintf(stderr, "a list of points is wanted, and a session of init\n");
        return 2;
    }
    work_run(0, WORK_ALL);
    memcpy(wanted, work_text, sizeof(wanted));
    uint64_t began = clock_monotonic();
    work_run(1, WORK_ALL);
    if (strcmp(work_text, wanted) != 0) {
        printf("the workload differs by itself:\n");
        tell_difference();
        return 1;
    }
    printf("undisturbed %llu ns, %zu bytes\n", (unsigned long long)(clock_monotonic() - began), strlen(wanted));
    fflush(stdout);
    char server[32], event[16];
    unsigned long long count;
    for (int number = 2; fscanf(list, "%31s %15s %llu", server, event, &count) == 3; number++)
        run_point(number, server, event, count);
    sync();
    printf("end\n");
    return 0;
}
