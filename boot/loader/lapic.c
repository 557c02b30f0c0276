// See lapic.h. Registers are reached one to one, which lapic_open has checked.
#include "boot/loader/lapic.h"

#include <stddef.h>

#include "boot/loader/acpi.h"
#include "kernel/x86_64/lapic_registers.h"
#include "kernel/x86_64/mmio.h"
#include "kernel/x86_64/registers.h"

enum { CPUID_APIC = 1 << 9, SPURIOUS_VECTOR = 0xff, COMMAND_WAITS = 100000 };

static void *registers;

uint64_t lapic_open(void) {
    if (!(cpuid(1, 0).edx & CPUID_APIC))
        return 0;
    uint64_t base = msr_read(MSR_APIC_BASE);
    if (base & APIC_BASE_X2APIC) { // back to memory goes by way of "off" only (11.12.5)
        base &= ~(uint64_t)(APIC_BASE_X2APIC | APIC_BASE_ENABLED);
        msr_write(MSR_APIC_BASE, base);
    }
    msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLED);
    uint64_t address = msr_read(MSR_APIC_BASE) & UINT64_C(0x000ffffffffff000);
    registers = (void *)(uintptr_t)firmware_map(address, 4096);
    if (!registers || !(msr_read(MSR_APIC_BASE) & APIC_BASE_ENABLED))
        return 0;
    mmio_write32(registers, LAPIC_SPURIOUS, SPURIOUS_ENABLE | SPURIOUS_VECTOR);
    mmio_write32(registers, LAPIC_LVT_TIMER, LVT_MASKED);
    mmio_write32(registers, LAPIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
    return address;
}

uint32_t lapic_id(void) {
    return mmio_read32(registers, LAPIC_ID) >> 24;
}

void lapic_timer_start(uint32_t ticks) {
    mmio_write32(registers, LAPIC_TIMER_INITIAL, ticks);
}

uint32_t lapic_timer_left(void) {
    return mmio_read32(registers, LAPIC_TIMER_CURRENT);
}

void lapic_send(uint32_t apic_id, uint32_t what) {
    for (uint32_t i = 0; i < COMMAND_WAITS && mmio_read32(registers, LAPIC_COMMAND_LOW) & COMMAND_PENDING; i++)
        __builtin_ia32_pause();
    mmio_write32(registers, LAPIC_COMMAND_HIGH, apic_id << 24);
    mmio_write32(registers, LAPIC_COMMAND_LOW, COMMAND_ASSERT | what);
}
