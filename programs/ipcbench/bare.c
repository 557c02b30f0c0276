// The benchmark as the first process: nothing else runs, no device is used, so that under QEMU's -icount
// every figure is an exact count of instructions. Writes the table as CSV to the kernel's log, then turns the
// machine off. Its entry is init's (servers/init/start.asm).
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "kernel/abi/message.h"
#include "kernel/abi/methods.h"
#include "libipc/client/call.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/process.h"
#include "programs/ipcbench/interrupt_case.h"
#include "programs/ipcbench/report.h"

enum { SAMPLES = 200, WARM_UP = 50, SAMPLES_LEAST = 20, LEVEL_INFO = 3, HIGHEST_PRIORITY = 31 };

void init_main(struct message_page *page); // start.asm

static uint64_t samples[SAMPLES];

static void log_line(const char *line) {
    char text[240];
    int length = snprintf(text, sizeof(text), "bench: %s", line);
    if (kernel_log_write(SLOT_KERNEL, LEVEL_INFO, text, (uint64_t)length))
        __builtin_trap(); // without a log there is nothing to do here
}

static void run_case(struct bench *bench, const struct bench_case *which) {
    struct series series = {.samples = samples, .capacity = SAMPLES / which->divisor, .warm_up = WARM_UP};
    if (series.capacity < SAMPLES_LEAST)
        series.capacity = SAMPLES_LEAST;
    struct summary summary;
    error_t error = bench_run(bench, which, &series);
    if (error) {
        char text[100];
        snprintf(text, sizeof(text), "%s failed: error %d", which->name, error);
        log_line(text);
        return;
    }
    summary_make(&summary, samples, series.capacity);
    report_csv(log_line, which, &bench->measure, &summary);
}

void init_main(struct message_page *page) {
    struct bench bench;
    uint64_t clock;
    ipc_page = page;
    for (cap_t slot = 1; slot < BOOT_SLOT_FIRST_FREE; slot++)
        slot_reserve(slot);
    if (process_map(SLOT_SELF, 0, 4096, 0, MAP_FLAG_READ, SLOT_CLOCK, &clock) == ERR_OK)
        ipc_clock_page = (const volatile struct clock_page *)clock; // NOLINT(performance-no-int-to-ptr)
    if (bench_start(&bench, HIGHEST_PRIORITY) == ERR_OK) {
        log_line(report_csv_header);
        for (unsigned index = 0; index < bench_case_count(); index++)
            run_case(&bench, bench_case_at(index));
        run_case(&bench, &bench_interrupt_case);
        log_line("end");
    }
    for (;;)
        (void)kernel_power(SLOT_KERNEL, POWER_ACTION_OFF);
}
