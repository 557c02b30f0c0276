// See clock.h. Invariant: clock_now never goes backwards. The alarm is the local APIC's timer, or the PIT where there is none.
#include "kernel/x86_64/clock.h"

#include "kernel/debug/log.h"
#include "kernel/x86_64/cpu_features.h"
#include "kernel/x86_64/lapic.h"
#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/vectors.h"

enum { SHIFT = 32, UNIT_SHIFT = 30 }; // ticks to nanoseconds, nanoseconds to ticks: counters up to 17 GHz
enum { ALARM_SPAN_MAX = 1000000000, PIT_TICKS_MAX = 0xffff, PIT_LOAD_0_MODE_0 = 0x30 };

static const uint64_t NANOSECONDS = 1000000000;

static struct clock_page clock; // the truth that the page is a copy of; zeros until it is known how fast the TSC is
static struct clock_page *page;
static uint64_t alarm_multiplier;

void clock_initialize(const struct boot_info *info) {
    uint64_t alarm_frequency = lapic_present() ? info->lapic_frequency : PIT_HZ;
    clock.frequency = info->tsc_frequency;
    clock.tsc_usable = 1;
    clock.counter_base = tsc_read();
    clock.multiplier = (NANOSECONDS << SHIFT) / clock.frequency;
    clock.shift = SHIFT;
    alarm_multiplier = (alarm_frequency << UNIT_SHIFT) / NANOSECONDS;
    log_write(LOG_INFO, "clock: TSC at %lu Hz, alarms by %s at %lu Hz", clock.frequency, lapic_present() ? "local APIC" : "PIT",
              alarm_frequency);
    if (!cpu_features.tsc_is_steady)
        log_write(LOG_WARNING, "clock: the TSC may change its speed");
    if (info->wall_seconds)
        clock.wall_offset = info->wall_seconds * NANOSECONDS - clock_now();
    else
        log_write(LOG_WARNING, "clock: the RTC gives no valid time");
}

uint64_t clock_now(void) {
    return clock_scale(tsc_read() - clock.counter_base, clock.multiplier, clock.shift);
}

static void pit_alarm(uint32_t ticks) {
    port_write8(PIT_COMMAND, PIT_LOAD_0_MODE_0); // its output goes low and stays so until a count runs out
    if (ticks) {
        port_write8(PIT_CHANNEL_0, (uint8_t)ticks);
        port_write8(PIT_CHANNEL_0, (uint8_t)(ticks >> 8));
    }
}

void clock_alarm(uint64_t deadline, uint64_t now) {
    uint64_t ticks = 0, most = lapic_present() ? UINT32_MAX : PIT_TICKS_MAX;
    if (deadline != CLOCK_NEVER) {
        uint64_t span = deadline > now ? deadline - now : 0;
        ticks = clock_scale(span < ALARM_SPAN_MAX ? span : ALARM_SPAN_MAX, alarm_multiplier, UNIT_SHIFT) + 1;
    }
    ticks = ticks < most ? ticks : most;
    if (lapic_present())
        lapic_timer_start((uint32_t)ticks);
    else
        pit_alarm((uint32_t)ticks);
}

uint8_t clock_alarm_vector(void) {
    return lapic_present() ? VECTOR_TIMER : VECTOR_ISA;
}

// Readers may be reading it.
static void page_fill(void) {
    uint32_t sequence = page->sequence | 1;
    __atomic_store_n(&page->sequence, sequence, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    struct clock_page copy = clock;
    copy.sequence = sequence;
    *page = copy;
    __atomic_store_n(&page->sequence, sequence + 1, __ATOMIC_RELEASE);
}

void clock_page_start(struct clock_page *shown) {
    page = shown;
    page_fill();
}

void clock_wall_set(uint64_t wall_offset) {
    clock.wall_offset = wall_offset;
    page_fill();
}
