// The guest's side of tests/fault/mutations.py: bits of a running server are flipped while some parts of the workload run, then
// flipped back, and the same parts run again. What was seen is told line by line; the host decides what it means. A line of the
// standard input is `SERVER END OFFSET BITS COUNT PARTS`; `none` as the server changes nothing.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libipc/client/clock.h"
#include "libipc/protocols/service.h"
#include "tests/fault/work/work.h"

enum { UNDISTURBED = 100000, MASKS = 16, LINE_BYTES = 200 };

// What the parts say when nobody disturbs them.
static struct undisturbed {
    unsigned parts;
    char text[WORK_TEXT_BYTES];
} known[MASKS];
static const char *wanted;

// Runs in folders UNDISTURBED + PARTS and, to see that it says the same each time, twice that.
static bool learn(unsigned parts) {
    struct undisturbed *entry = known;
    while (entry->parts != parts && entry->parts != 0 && entry < &known[MASKS - 1])
        entry++;
    wanted = entry->text;
    if (entry->parts == parts)
        return true;
    entry->parts = parts;
    work_run((int)(UNDISTURBED + parts), parts);
    memcpy(entry->text, work_text, sizeof(work_text));
    uint64_t began = clock_monotonic();
    work_run((int)(2 * UNDISTURBED + parts), parts);
    bool same = strcmp(work_text, entry->text) == 0;
    printf("undisturbed %u %s %llu us\n", parts, same ? "same" : "differs",
           (unsigned long long)(clock_monotonic() - began) / 1000);
    return same;
}

uint64_t work_restarts(bool *lost) {
    struct service_status status;
    uint64_t sum = 0;
    *lost = false;
    for (uint64_t cursor = 0; service_next(work_session, cursor, &cursor, &status) == ERR_OK;) {
        sum += status.restarts;
        *lost = *lost || status.state == SERVICE_STATE_FAILED;
    }
    return sum;
}

// Tells each line that the undisturbed run has not; true if an error is among them.
static bool tell_new_lines(void) {
    bool error = false;
    for (const char *line = work_text; *line != '\0';) {
        char copy[LINE_BYTES];
        size_t length = strcspn(line, "\n");
        snprintf(copy, sizeof(copy), "\n%.*s\n", (int)length, line);
        bool first = strncmp(wanted, copy + 1, strlen(copy + 1)) == 0;
        if (!first && strstr(wanted, copy) == NULL) {
            printf("| %s", copy + 1);
            error = error || strstr(copy, " -1 ") != NULL;
        }
        line += length + (line[length] != '\0');
    }
    return error;
}

// `end`: if not 0, the offset counts from where memory is mapped behind the program, as libipc/kept does it. Tells what was
// there.
static error_t flip(const char *server, uint64_t end, uint64_t offset, uint64_t bits, uint64_t count, uint64_t *was) {
    enum { STEP = 2 << 20 };
    uint64_t base = 0;
    error_t error = service_mutate(work_session, 0, 0, 1, server, strlen(server), &base, was);
    if (error == ERR_OK && end != 0)
        offset += ((base + end + STEP - 1) & ~(uint64_t)(STEP - 1)) - base;
    return error == ERR_OK ? service_mutate(work_session, offset, bits, count, server, strlen(server), &base, was) : error;
}

static void run_mutation(int number, const char *server, uint64_t end, uint64_t offset, uint64_t bits, uint64_t count,
                         unsigned parts) {
    bool lost, none = strcmp(server, "none") == 0;
    if (!learn(parts))
        return;
    uint64_t was = 0, now = 0, before = work_restarts(&lost);
    error_t error = none ? ERR_OK : flip(server, end, offset, bits, count, &was);
    printf("begin %d %s\n", number, error == ERR_OK ? "made" : "absent");
    fflush(stdout);
    if (error == ERR_OK) {
        work_run(2 * number, parts);
        bool same = strcmp(work_text, wanted) == 0, told = !same && tell_new_lines();
        sync(); // the host compares what is on the disk
        uint64_t restarts = work_restarts(&lost) - before;
        printf("during %s %llu %s %s\n", same ? "same" : "differs", (unsigned long long)restarts, lost ? "lost" : "whole",
               told ? "told" : "silent");
        fflush(stdout);
        // A role that went on without its memory has the program's own text again, and what was
        // written anew stays.
        if (!none && flip(server, end, offset, 0, count, &now) == ERR_OK && now == (was ^ bits))
            (void)flip(server, end, offset, bits, count, &now);
        work_run(2 * number + 1, parts);
        printf("after %s\n", strcmp(work_text, wanted) == 0 ? "same" : "differs");
    }
    printf("over %d\n", number);
    fflush(stdout);
}

// The places of the servers' programs, and the undisturbed runs of all parts that are named; `ready`, then one line after the
// other.
int work_mutate(void) {
    char line[LINE_BYTES], server[32];
    unsigned long long end, offset, bits, count;
    unsigned parts;
    struct service_status status;
    for (uint64_t cursor = 0; service_next(work_session, cursor, &cursor, &status) == ERR_OK;) {
        uint64_t base, was;
        if (service_mutate(work_session, 0, 0, 1, (const char *)status.name, strlen((const char *)status.name), &base, &was) ==
            ERR_OK)
            printf("base %s %llu\n", (const char *)status.name, (unsigned long long)base);
    }
    for (int number = 1; fgets(line, sizeof(line), stdin) != NULL;) {
        if (sscanf(line, "learn %u", &parts) == 1) {
            if (!learn(parts))
                return 1;
        } else if (strcmp(line, "ready\n") == 0) {
            sync();
            printf("ready\n");
        } else if (sscanf(line, "%31s %llu %llu %llu %llu %u", server, &end, &offset, &bits, &count, &parts) == 6) {
            run_mutation(number++, server, end, offset, bits, count, parts);
        }
        fflush(stdout);
    }
    sync();
    printf("end\n");
    return 0;
}
