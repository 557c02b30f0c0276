// Making, counting and ending pairs; see pairs.h. The thread that counts has a higher priority than every
// pair, so it comes to run at once wherever its deadline finds it, and it sleeps all the time between.
#include "programs/ipcbench/pairs.h"

#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/call.h"
#include "libipc/client/clock.h"
#include "programs/ipcbench/partner.h"

#define WARM_UP_NANOSECONDS UINT64_C(50000000)
#define WINDOW_NANOSECONDS  UINT64_C(50000000)
#define SECOND              UINT64_C(1000000000)
enum { WINDOWS = 10 };

struct pair {
    struct partner server, client;
};

static struct pair made[PAIRS_MOST];
static struct pairs *result;
static uint64_t rates[WINDOWS];

static error_t pair_start(struct pair *pair, const struct bench *bench, unsigned processor) {
    uint64_t priority = bench->priority - 1;
    error_t error = partner_make(&pair->server, bench->code, false);
    if (!error)
        error = partner_make(&pair->client, bench->code, false);
    if (!error)
        error = partner_install(&pair->client, PARTNER_TARGET, pair->server.session);
    pair->server.processors = pair->client.processors = UINT64_C(1) << processor;
    if (!error)
        error = partner_start(&pair->server, peer_answer, priority);
    if (!error)
        error = partner_start(&pair->client, peer_call, priority);
    return error;
}

static error_t sleep_until(const struct bench *bench, uint64_t time) {
    struct ipc_registers registers = {.target = bench->done, .tag = TAG_DEADLINE};
    ipc_page->deadline = time;
    error_t error = system_call(SYS_WAIT, &registers);
    return error == ERR_DEADLINE ? ERR_OK : ERR_PROTOCOL; // nobody signals it before this thread does
}

// Round trips of all pairs together so far; those of each go to `calls`.
static uint64_t calls_so_far(uint64_t calls[PAIRS_MOST]) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < result->count; i++)
        sum += calls[i] = made[i].client.shared->count;
    return sum;
}

static error_t count_calls(const struct bench *bench) {
    static uint64_t before[PAIRS_MOST], calls[PAIRS_MOST];
    error_t error = sleep_until(bench, clock_monotonic() + WARM_UP_NANOSECONDS);
    uint64_t start = clock_monotonic(), from = start, sum = calls_so_far(before);
    for (unsigned window = 0; window < WINDOWS && !error; window++) {
        error = sleep_until(bench, from + WINDOW_NANOSECONDS);
        uint64_t now = clock_monotonic(), new_sum = calls_so_far(calls);
        rates[window] = (new_sum - sum) * SECOND / (now - from);
        from = now;
        sum = new_sum;
    }
    result->slowest = UINT64_MAX;
    for (unsigned i = 0; i < result->count && !error; i++) {
        uint64_t rate = (calls[i] - before[i]) * SECOND / (from - start);
        result->slowest = rate < result->slowest ? rate : result->slowest;
        if (made[i].client.shared->failed)
            error = ERR_IO;
    }
    return error;
}

static error_t run(const struct bench *bench, struct series *series) {
    error_t error = ERR_OK;
    (void)series;
    for (unsigned i = 0; i < result->count && !error; i++)
        error = pair_start(&made[i], bench, i);
    if (!error)
        error = count_calls(bench);
    for (unsigned i = 0; i < result->count; i++) {
        partner_end(&made[i].client); // before its server, whose end would be its error
        partner_end(&made[i].server);
    }
    return error;
}

error_t pairs_run(struct bench *bench, unsigned count, struct pairs *pairs) {
    static const struct bench_case which = {"pairs", SPAN_ROUND_TRIP, 1, "", run};
    struct series none = {0};
    if (count > PAIRS_MOST)
        return ERR_INVALID;
    *pairs = (struct pairs){.count = count};
    result = pairs;
    struct summary summary;
    error_t error = bench_run(bench, &which, &none);
    summary_make(&summary, rates, WINDOWS);
    pairs->best = summary.max;
    pairs->median = summary.median;
    return error;
}
