// See clock.h. Invariant: clock_now never goes backwards. A counter other than the TSC is at most 32 bits
// wide; its wraps are counted by clock_now, which the alarm's limit of one second makes run often enough.
#include <stdbool.h>
#include <stddef.h>

#include "kernel/debug/log.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/clock_counter.h"
#include "kernel/x86_64/cpu_features.h"
#include "kernel/x86_64/lapic.h"
#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/vectors.h"

enum { SHIFT = 32 };      // for ticks to nanoseconds
enum { UNIT_SHIFT = 30 }; // for nanoseconds to ticks: counters up to 17 GHz
enum { ALARM_SPAN_MAX = 1000000000 };
enum { PIT_HZ = 1193182, PIT_CHANNEL_0 = 0x40, PIT_COMMAND = 0x43, PIT_LOAD_0_MODE_0 = 0x30 };

enum alarm_kind { ALARM_PIT, ALARM_LAPIC, ALARM_DEADLINE };

static const uint64_t NANOSECONDS = 1000000000;

static struct clock_page clock;             // the truth that pages are copies of
static const struct clock_counter *counter; // NULL: the TSC is the clock
static uint64_t counter_ticks;              // since boot, all wraps counted
static uint32_t counter_last;

static enum alarm_kind alarm_kind;
static uint64_t alarm_multiplier; // nanoseconds to the alarm's ticks, by UNIT_SHIFT
static uint32_t alarm_ticks_max = 0xffff;

static uint32_t lapic_read(void) {
    return ~lapic_timer_left();
}

static void alarm_choose(uint64_t tsc_frequency) {
    static const char *const names[] = {"PIT", "local APIC timer", "TSC deadline"};
    static const struct clock_counter lapic = {.name = "local APIC", .read = lapic_read, .mask = 0xffffffff};
    struct clock_comparison comparison;
    uint64_t frequency = PIT_HZ;
    if (lapic_present() && cpu_features.tsc_deadline && !counter) {
        alarm_kind = ALARM_DEADLINE;
        frequency = tsc_frequency;
    } else if (lapic_present()) {
        lapic_timer_start(0xffffffff);
        if (clock_counter_compare(&lapic, &comparison) == ERR_OK) {
            alarm_kind = ALARM_LAPIC;
            alarm_ticks_max = 0xffffffff;
            frequency = comparison.counter_ticks * tsc_frequency / comparison.tsc_ticks;
            frequency = clock_frequency_round(frequency, &comparison);
        }
        lapic_timer_start(0);
    }
    alarm_multiplier = (frequency << UNIT_SHIFT) / NANOSECONDS;
    log_write(LOG_INFO, "clock: alarms by %s at %lu Hz", names[alarm_kind], frequency);
}

void clock_initialize(const struct boot_info *info) {
    const struct acpi_information *acpi = &info->acpi;
    bool tsc_fit = cpu_features.invariant_tsc || cpu_features.hypervisor == HYPERVISOR_TCG ||
                   cpu_features.hypervisor == HYPERVISOR_KVM;
    const struct clock_counter *references[] = {clock_counter_hpet(acpi), clock_counter_pm_timer(acpi),
                                                clock_counter_pit()};
    const struct clock_counter *reference = NULL;
    struct clock_comparison comparison;
    uint64_t tsc_frequency = NANOSECONDS;
    for (size_t index = 0; index < 3 && !reference; index++) {
        if (references[index] && clock_counter_compare(references[index], &comparison) == ERR_OK) {
            reference = references[index];
            tsc_frequency = comparison.tsc_ticks * reference->frequency / comparison.counter_ticks;
            tsc_frequency = clock_frequency_round(tsc_frequency, &comparison);
        }
    }
    if (!reference) {
        log_write(LOG_ERROR, "clock: nothing to calibrate the TSC by: it is taken to run at 1 GHz");
    } else if (!tsc_fit && !reference->restart) {
        counter = reference;
        counter_last = counter->read();
    } else if (!tsc_fit) {
        log_write(LOG_WARNING, "clock: the TSC may change its speed, and there is no better clock");
    }
    clock.frequency = counter ? counter->frequency : tsc_frequency;
    clock.tsc_usable = !counter;
    clock.counter_base = tsc_read();
    clock.multiplier = (NANOSECONDS << SHIFT) / clock.frequency;
    clock.shift = SHIFT;
    log_write(LOG_INFO, "clock: %s at %lu Hz, calibrated by %s in %lu ticks of the TSC, error %lu ticks",
              counter ? counter->name : "TSC", clock.frequency, reference ? reference->name : "nothing",
              reference ? comparison.tsc_ticks : 0, reference ? comparison.tsc_error : 0);
    alarm_choose(tsc_frequency);
    if (info->wall_seconds)
        clock.wall_offset = info->wall_seconds * NANOSECONDS - clock_now();
    else
        log_write(LOG_WARNING, "clock: the RTC gives no valid time");
}

void clock_enable(void) {
    if (alarm_kind == ALARM_DEADLINE)
        lapic_timer_use_deadline();
}

uint64_t clock_now(void) {
    if (__builtin_expect(!counter, 1))
        return clock_scale(tsc_read() - clock.counter_base, clock.multiplier, clock.shift);
    uint32_t value = counter->read();
    counter_ticks += (value - counter_last) & counter->mask;
    counter_last = value;
    return clock_scale(counter_ticks, clock.multiplier, clock.shift);
}

uint64_t log_clock(void) {
    return clock_now();
}

static void pit_alarm(uint32_t ticks) {
    port_write8(PIT_COMMAND, PIT_LOAD_0_MODE_0); // its output goes low and stays so until a count runs out
    if (ticks) {
        port_write8(PIT_CHANNEL_0, (uint8_t)ticks);
        port_write8(PIT_CHANNEL_0, (uint8_t)(ticks >> 8));
    }
}

void clock_alarm(uint64_t deadline, uint64_t now) {
    uint64_t ticks = 0;
    if (deadline != CLOCK_NEVER || counter) { // a counter's wraps must be counted even when nobody waits
        uint64_t span = deadline > now ? deadline - now : 0;
        span = span < ALARM_SPAN_MAX ? span : ALARM_SPAN_MAX;
        ticks = clock_scale(span, alarm_multiplier, UNIT_SHIFT) + 1;
    }
    if (alarm_kind == ALARM_DEADLINE) {
        lapic_timer_deadline(ticks ? tsc_read() + ticks : 0);
        return;
    }
    ticks = ticks < alarm_ticks_max ? ticks : alarm_ticks_max;
    if (alarm_kind == ALARM_LAPIC)
        lapic_timer_start((uint32_t)ticks);
    else
        pit_alarm((uint32_t)ticks);
}

uint8_t clock_alarm_vector(void) {
    return alarm_kind == ALARM_PIT ? VECTOR_ISA : VECTOR_TIMER;
}

void clock_wall_set(uint64_t wall_offset) {
    clock.wall_offset = wall_offset;
}

void clock_page_fill(struct clock_page *page) {
    uint32_t sequence = page->sequence | 1;
    __atomic_store_n(&page->sequence, sequence, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    struct clock_page copy = clock;
    copy.sequence = sequence;
    *page = copy;
    __atomic_store_n(&page->sequence, sequence + 1, __ATOMIC_RELEASE);
}
