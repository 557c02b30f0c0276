// See clock.h. The TSC is compared with the best counter that the machine has, the local APIC's timer with the TSC.
#include "boot/loader/clock.h"

#include <stddef.h>

#include "boot/loader/clock_counter.h"
#include "boot/loader/lapic.h"
#include "kernel/x86_64/registers.h"

enum { GUESSED_HZ = 1000000000 }; // where nothing counts

static uint32_t lapic_count(void) {
    return ~lapic_timer_left();
}

static uint64_t tsc_measure(const struct acpi_information *acpi) {
    const struct clock_counter *references[] = {clock_counter_hpet(acpi), clock_counter_pm_timer(acpi), clock_counter_pit()};
    struct clock_comparison found;
    for (int i = 0; i < 3; i++)
        if (references[i] && clock_counter_compare(references[i], &found) == ERR_OK)
            return clock_frequency_round(found.tsc_ticks * references[i]->frequency / found.counter_ticks, &found);
    return GUESSED_HZ;
}

// 0 if the timer does not count.
static uint64_t lapic_measure(uint64_t tsc_frequency) {
    static const struct clock_counter timer = {.name = "local APIC", .read = lapic_count, .mask = 0xffffffff};
    struct clock_comparison found;
    lapic_timer_start(0xffffffff);
    error_t error = clock_counter_compare(&timer, &found);
    lapic_timer_start(0);
    return error ? 0 : clock_frequency_round(found.counter_ticks * tsc_frequency / found.tsc_ticks, &found);
}

void clock_calibrate(struct boot_info *info) {
    info->tsc_frequency = tsc_measure(&info->acpi);
    info->lapic_address = lapic_open();
    if (info->lapic_address)
        info->lapic_frequency = lapic_measure(info->tsc_frequency);
    if (!info->lapic_frequency)
        info->lapic_address = 0;
}

void clock_wait(const struct boot_info *info, uint64_t nanoseconds) {
    uint64_t end = tsc_read() + nanoseconds * (info->tsc_frequency / 1000000) / 1000;
    while (tsc_read() < end)
        __builtin_ia32_pause();
}
