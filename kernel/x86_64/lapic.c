// See lapic.h.
#include "kernel/x86_64/lapic.h"

#include <stddef.h>

#include "kernel/x86_64/lapic_registers.h"
#include "kernel/x86_64/mmio.h"
#include "kernel/x86_64/paging.h"
#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/vectors.h"

enum { COMMAND_WAITS = 100000 };

static void *registers;

void lapic_initialize(uint64_t address) {
    registers = address ? kernel_map_device(address) : NULL;
}

bool lapic_present(void) {
    return registers;
}

void lapic_enable(bool external_interrupts) {
    msr_write(MSR_APIC_BASE, msr_read(MSR_APIC_BASE) | APIC_BASE_ENABLED);
    mmio_write32(registers, LAPIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS); // LVT entries stay masked while it is disabled
    mmio_write32(registers, LAPIC_LVT_LINT0, external_interrupts ? LVT_EXTERNAL : LVT_MASKED);
    mmio_write32(registers, LAPIC_LVT_LINT1, LVT_MASKED);
    mmio_write32(registers, LAPIC_LVT_ERROR, LVT_MASKED);
    mmio_write32(registers, LAPIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
    mmio_write32(registers, LAPIC_TIMER_INITIAL, 0);
    mmio_write32(registers, LAPIC_LVT_TIMER, VECTOR_TIMER);
    mmio_write32(registers, LAPIC_TASK_PRIORITY, 0);
    lapic_end_of_interrupt(); // one that the firmware left in service would block all below it
}

uint32_t lapic_id(void) {
    return mmio_read32(registers, LAPIC_ID) >> 24;
}

void lapic_end_of_interrupt(void) {
    mmio_write32(registers, LAPIC_END_OF_INTERRUPT, 0);
}

void lapic_ipi(uint32_t apic_id, uint32_t what) {
    __asm__ volatile("mfence\n\tlfence" : : : "memory"); // the target must see what it is sent for; uncached memory does not wait
    // The previous command leaves in microseconds; a bus that never takes it must not hang the kernel.
    for (uint32_t i = 0; i < COMMAND_WAITS && mmio_read32(registers, LAPIC_COMMAND_LOW) & COMMAND_PENDING; i++)
        __builtin_ia32_pause();
    mmio_write32(registers, LAPIC_COMMAND_HIGH, apic_id << 24);
    mmio_write32(registers, LAPIC_COMMAND_LOW, COMMAND_ASSERT | what);
}

void lapic_timer_start(uint32_t ticks) {
    mmio_write32(registers, LAPIC_TIMER_INITIAL, ticks);
}

void lapic_msi_message(uint32_t apic_id, uint8_t vector, uint64_t *address, uint64_t *data) {
    *address = 0xfee00000 | apic_id << 12;
    *data = vector;
}
