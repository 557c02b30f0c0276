// See lapic.h. Registers are reached one to one, which lapic_open has checked.
#include "boot/loader/lapic.h"

#include <stddef.h>

#include "boot/loader/acpi.h"
#include "kernel/x86_64/mmio.h"
#include "kernel/x86_64/registers.h"

enum { ID = 0x20, COMMAND_LOW = 0x300, COMMAND_HIGH = 0x310, SPURIOUS = 0xf0 };
enum { LVT_TIMER = 0x320, TIMER_INITIAL = 0x380, TIMER_CURRENT = 0x390, TIMER_DIVIDE = 0x3e0 };
enum { BASE_X2APIC = 1 << 10, BASE_ENABLED = 1 << 11, CPUID_APIC = 1 << 9 };
enum { SPURIOUS_ENABLE = 0x1ff, LVT_MASKED = 1 << 16, DIVIDE_BY_1 = 0xb };
enum { COMMAND_PENDING = 1 << 12, COMMAND_ASSERT = 1 << 14, WAITS = 100000 };

static void *registers;

uint64_t lapic_open(void) {
    if (!(cpuid(1, 0).edx & CPUID_APIC))
        return 0;
    uint64_t base = msr_read(MSR_APIC_BASE);
    if (base & BASE_X2APIC) { // back to memory goes by way of "off" only (11.12.5)
        base &= ~(uint64_t)(BASE_X2APIC | BASE_ENABLED);
        msr_write(MSR_APIC_BASE, base);
    }
    msr_write(MSR_APIC_BASE, base | BASE_ENABLED);
    uint64_t address = msr_read(MSR_APIC_BASE) & UINT64_C(0x000ffffffffff000);
    registers = (void *)(uintptr_t)firmware_map(address, 4096);
    if (!registers || !(msr_read(MSR_APIC_BASE) & BASE_ENABLED))
        return 0;
    mmio_write32(registers, SPURIOUS, SPURIOUS_ENABLE);
    mmio_write32(registers, LVT_TIMER, LVT_MASKED);
    mmio_write32(registers, TIMER_DIVIDE, DIVIDE_BY_1);
    return address;
}

uint32_t lapic_id(void) {
    return mmio_read32(registers, ID) >> 24;
}

void lapic_timer_start(uint32_t ticks) {
    mmio_write32(registers, TIMER_INITIAL, ticks);
}

uint32_t lapic_timer_left(void) {
    return mmio_read32(registers, TIMER_CURRENT);
}

void lapic_send(uint32_t apic_id, uint32_t what) {
    for (uint32_t i = 0; i < WAITS && mmio_read32(registers, COMMAND_LOW) & COMMAND_PENDING; i++)
        __builtin_ia32_pause();
    mmio_write32(registers, COMMAND_HIGH, apic_id << 24);
    mmio_write32(registers, COMMAND_LOW, COMMAND_ASSERT | what);
}
