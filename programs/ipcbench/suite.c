// The thread that measures; see suite.h. It shares libipc's state with the thread that started it, which
// sleeps until it is done: only one of the two ever uses it, with its own message page.
#include "programs/ipcbench/suite.h"

#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/call.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/process.h"
#include "libipc/protocols/thread.h"
#include "programs/ipcbench/partner.h"

enum { STACK_BYTES = 32768, PAGE = 4096 };

struct job {
    const struct bench *bench;
    const struct bench_case *which;
    struct series *series;
    struct message_page *caller_page;
    cap_t thread;
    error_t error;
};

static _Alignas(16) char stack[STACK_BYTES];
static struct job job;

unsigned bench_case_count(void) {
    return bench_call_case_count + bench_memory_case_count + bench_object_case_count;
}

const struct bench_case *bench_case_at(unsigned index) {
    if (index < bench_call_case_count)
        return &bench_call_cases[index];
    index -= bench_call_case_count;
    if (index < bench_memory_case_count)
        return &bench_memory_cases[index];
    return &bench_object_cases[index - bench_memory_case_count];
}

error_t bench_start(struct bench *bench, uint64_t highest) {
    *bench = (struct bench){.priority = highest - 1};
    measure_calibrate(&bench->measure, ipc_clock_page);
    error_t error = account_create_notification(SLOT_ACCOUNT, &bench->done);
    if (!error)
        error = partner_code_make(&bench->code);
    return error;
}

static _Noreturn void measuring_thread(void) {
    job.error = job.which->run(job.bench, job.series);
    ipc_page = job.caller_page;
    (void)notification_signal(job.bench->done, 1);
    for (;;) // until it is destroyed
        if (thread_stop(job.thread))
            __builtin_trap();
}

error_t bench_run(struct bench *bench, const struct bench_case *which, struct series *series) {
    uint64_t page;
    job = (struct job){.bench = bench, .which = which, .series = series, .caller_page = ipc_page};
    error_t error = process_create_thread(SLOT_SELF, (uint64_t)measuring_thread, (uint64_t)(stack + STACK_BYTES - 8), 0,
                                          bench->priority, 0, 0, &page, &job.thread);
    if (error)
        return error;
    ipc_page = (struct message_page *)page; // NOLINT(performance-no-int-to-ptr)
    error = thread_start(job.thread);
    struct ipc_registers registers = {.target = bench->done};
    if (!error)
        (void)system_call(SYS_WAIT, &registers);
    ipc_page = job.caller_page;
    if (!error)
        error = job.error;
    if (!error)
        series_finish(series, &bench->measure);
    if (thread_destroy(job.thread) || process_unmap(SLOT_SELF, page, PAGE))
        error = error ? error : ERR_CORRUPT;
    slot_release(job.thread);
    return error;
}
